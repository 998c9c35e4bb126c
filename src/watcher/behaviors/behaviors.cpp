#include "watcher/behaviors/behaviors.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace redis_zk::watcher {

namespace {

using Runners = std::vector<std::unique_ptr<Runner>>;

std::unique_ptr<Runner>* Find(Runners& runners, const std::string& name) {
  const auto found = std::find_if(runners.begin(), runners.end(), [&name](const auto& runner) {
    return runner && runner->settings().section.name == name;
  });
  return found == runners.end() ? nullptr : &*found;
}

}  // namespace

Behaviors::Behaviors(Host host, std::vector<BehaviorSettings> settings) : host_(std::move(host)) {
  Replace(std::move(settings));
}

Behaviors::~Behaviors() { RequestStop(); }

void Behaviors::Tell(const Event& event) {
  for (const auto& runner : runners_) runner->Tell(event);
}

std::string Behaviors::Replace(std::vector<BehaviorSettings> settings) {
  std::erase_if(leaving_, [](const auto& runner) { return runner->ended(); });
  std::vector<std::string> added;
  std::vector<std::string> changed;
  std::vector<std::string> removed;
  const std::lock_guard lock(mutex_);
  Runners before = std::exchange(runners_, {});
  for (auto& next : settings) {
    auto* earlier = Find(before, next.section.name);
    if (earlier != nullptr && (*earlier)->settings().section == next.section) {
      runners_.push_back(std::move(*earlier));
      continue;
    }
    (earlier == nullptr ? added : changed).push_back(next.section.name);
    runners_.push_back(std::make_unique<Runner>(std::move(next), host_));
  }
  for (auto& runner : before) {
    if (!runner) continue;
    const std::string& name = runner->settings().section.name;
    if (std::find(changed.begin(), changed.end(), name) == changed.end()) removed.push_back(name);
    runner->RequestStop();
    leaving_.push_back(std::move(runner));
  }
  std::vector<std::string> told;
  if (!added.empty()) told.push_back(fmt::format("added {}", fmt::join(added, ", ")));
  if (!changed.empty()) told.push_back(fmt::format("changed {}", fmt::join(changed, ", ")));
  if (!removed.empty()) told.push_back(fmt::format("removed {}", fmt::join(removed, ", ")));
  if (told.empty()) return runners_.empty() ? "" : "behaviors unchanged";
  return fmt::format("behaviors: {}", fmt::join(told, "; "));
}

void Behaviors::Maintain() {
  for (const auto& runner : runners_) runner->Maintain();
}

void Behaviors::RequestStop() {
  for (const auto& runner : runners_) runner->RequestStop();
}

std::vector<BehaviorStatus> Behaviors::Statuses() const {
  std::vector<BehaviorStatus> statuses;
  const std::lock_guard lock(mutex_);
  for (const auto& runner : runners_) statuses.push_back(runner->status());
  return statuses;
}

}  // namespace redis_zk::watcher
