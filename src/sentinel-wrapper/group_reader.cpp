#include "sentinel-wrapper/group_reader.h"

#include <fmt/core.h>

#include <algorithm>
#include <set>
#include <utility>

#include "base/printable.h"
#include "options/parsers.h"

namespace redis_zk::sentinel_wrapper {

namespace {

using store::Record;
using zookeeper::Watch;

// Changes are told by watches; this is for what got lost.
constexpr Duration kReadAgain = 5s;

}  // namespace

Status GroupReader::Read() {
  auto names = loop_.registry().groups.List(Watch::kYes);
  if (!names) return tl::unexpected(names.error());
  std::string strange;
  std::erase_if(*names, [&strange](const std::string& name) {
    if (ParseMasterName(name)) return false;
    strange += (strange.empty() ? "" : ", ") + Printable(name);
    return true;
  });
  if (!strange.empty()) {
    log_names_(
        log::Severity::kWarn, {.event = "group-name-rejected"},
        fmt::format("groups skipped, Sentinel rejects their names: {}; rename or delete them in ZooKeeper",
                    strange));
  }
  auto records = loop_.registry().records.ReadAll(*names, Watch::kYes);
  if (!records) return tl::unexpected(records.error());
  pauses_.Take(loop_.registry().paused_groups.Read(Watch::kYes));
  listed_ = std::move(*records);
  read_at_ = Clock::now() + kReadAgain;
  return {};
}

void GroupReader::ReadIfDue() {
  pauses_.Look();
  if (!loop_.session().connected() || Clock::now() < read_at_) return;
  if (const auto read = Read(); !read)
    log::Debug({.event = "zookeeper-request-failed"}, "{}", read.error().message);
}

Result<GroupReader::Members> GroupReader::ListMembers(const std::vector<std::string>& groups) {
  Members all;
  for (const auto& group : groups) {
    auto members = loop_.registry().members.List(group, Watch::kNo);
    // A foreign group, recorded without a redis-wrapper.
    if (!members && members.error().kind == ErrorKind::kNotFound) members = std::vector<store::Member>{};
    if (!members) return tl::unexpected(members.error());
    all.emplace(group, std::move(*members));
  }
  return all;
}

std::vector<Endpoint> ServersOf(const Endpoint& master, const std::vector<store::Member>& members) {
  std::vector<Endpoint> servers{master};
  for (const auto& member : members) {
    if (member.serving && member.endpoint != master) servers.push_back(member.endpoint);
  }
  return servers;
}

std::map<std::string, GroupAlive> GroupReader::WhoLives(const Members& members) const {
  std::set<Endpoint> candidates;
  for (const auto& [group, registered] : members) {
    const auto servers = ServersOf(listed_.at(group).master, registered);
    candidates.insert(servers.begin(), servers.end());
  }
  const auto living = servers_.WhoAnswers({candidates.begin(), candidates.end()});
  std::map<std::string, GroupAlive> alive;
  for (const auto& [group, registered] : members) {
    alive[group] = {
        .master = living.contains(listed_.at(group).master),
        .replica = std::any_of(registered.begin(), registered.end(), [&living](const auto& member) {
          return member.serving && living.contains(member.endpoint);
        })};
  }
  return alive;
}

std::vector<std::string> GroupReader::ListLiving(const Reports& monitored) {
  std::vector<std::string> recorded;
  for (const auto& [name, record] : listed_) {
    if (record.state == Record::State::kMaster && !monitored.contains(name)) recorded.push_back(name);
  }
  std::vector<std::string> living;
  while (!recorded.empty()) {
    std::vector<std::string> some;
    while (!recorded.empty() && some.size() < kGroupsAtOnce) {
      some.push_back(std::move(recorded.back()));
      recorded.pop_back();
    }
    // Those that cannot be looked at now are begun with later.
    const auto members = ListMembers(some);
    if (!members) continue;
    for (const auto& [name, alive] : WhoLives(*members)) {
      if (HowToBegin(alive) != Beginning::kWait) living.push_back(name);
    }
  }
  return living;
}

}  // namespace redis_zk::sentinel_wrapper
