#include "watcher/failovers.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "base/printable.h"

namespace redis_zk::watcher {

namespace {

constexpr std::string_view kBegin = "+try-failover";
constexpr std::string_view kAbort = "-failover-abort-";

std::string Word(std::string_view text, std::size_t number) {
  for (; number > 0; --number) {
    const auto space = text.find(' ');
    if (space == std::string_view::npos) return "";
    text.remove_prefix(space + 1);
  }
  return Printable(text.substr(0, text.find(' ')));
}

// "host port" as people write it, beginning at a word of the payload.
std::string AddressAt(const std::string& payload, std::size_t number) {
  const std::string host = Word(payload, number);
  return (host.find(':') == std::string::npos ? host : '[' + host + ']') + ':' + Word(payload, number + 1);
}

std::string DescribeAbort(std::string_view reason) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kReasons{
      {{"not-elected", "it was not elected to lead it"},
       {"no-good-slave", "no replica can be promoted"},
       {"slave-timeout", "the selected replica did not become master in time"}}};
  const auto found = std::find_if(kReasons.begin(), kReasons.end(),
                                  [&](const auto& known) { return known.first == reason; });
  return found == kReasons.end() ? Printable(reason) : std::string(found->second);
}

// After the Sentinel's name; empty: the event is no step of a failover. The words of a payload about a
// master: "master <group> <host> <port>", about another instance "<type> <name> <host> <port> @ ...".
std::string DescribeStep(const sentinel::SentinelEvent& published) {
  const auto& payload = published.payload;
  if (published.name == "+switch-master") return "names the new master " + AddressAt(payload, 3);
  if (published.name == "+selected-slave")
    return "selected the replica " + AddressAt(payload, 2) + " for promotion";
  if (published.name == "+promoted-slave") return "promoted the replica " + AddressAt(payload, 2);
  if (published.name == "+config-update-from")
    return "takes over the new master from Sentinel " + AddressAt(payload, 2) + ", which led the failover";
  if (!payload.starts_with("master ")) return "";
  const std::string master = "the master " + AddressAt(payload, 2);
  if (published.name == "+sdown") return "reports " + master + " as down (s_down)";
  if (published.name == "-sdown") return "no longer reports " + master + " as down";
  if (published.name == "+odown") return "has the quorum to report " + master + " as down (o_down)";
  if (published.name == "-odown") return "no longer has the quorum to report " + master + " as down";
  if (published.name == kBegin) return "asks to lead a failover of " + master;
  if (published.name == "+elected-leader") return "was elected to lead the failover";
  if (published.name.starts_with(kAbort))
    return "aborted the failover: " + DescribeAbort(std::string_view(published.name).substr(kAbort.size()));
  return "";
}

const std::string& StepIn(const Event& event) {
  static const std::string kNone;
  const auto found = event.fields.find("step");
  const auto* step = found == event.fields.end() ? nullptr : std::get_if<std::string>(&found->second);
  return step == nullptr ? kNone : *step;
}

bool IsBegin(const Event& event) { return event.kind == event_kind::kMasterDown || StepIn(event) == kBegin; }

void AddStep(const Event& event, std::vector<Failover>* failovers) {
  const bool is_new = failovers->empty() || failovers->back().is_over ||
                      (failovers->back().change != nullptr && IsBegin(event));
  if (is_new) failovers->emplace_back();
  auto& failover = failovers->back();
  failover.steps.push_back(&event);
  // One that a person or a handover asked for is not tried again.
  const bool was_asked_for = failover.steps.front()->kind != event_kind::kMasterDown;
  failover.is_over =
      event.kind == event_kind::kMasterUp || (was_asked_for && StepIn(event).starts_with(kAbort));
}

void AddChange(const Event& event, std::vector<Failover>* failovers) {
  // A group's first master replaces none.
  if (!event.fields.contains("from")) return;
  if (failovers->empty() || failovers->back().is_over || failovers->back().change != nullptr)
    failovers->emplace_back();
  failovers->back().change = &event;
}

}  // namespace

std::optional<Event> StepOf(const sentinel::SentinelEvent& published, const Endpoint& sentinel) {
  const std::string what = published.group.empty() ? "" : DescribeStep(published);
  if (what.empty()) return std::nullopt;
  return Event{
      .kind = published.name == "+sdown"   ? event_kind::kMasterDown
              : published.name == "-sdown" ? event_kind::kMasterUp
                                           : event_kind::kFailoverStep,
      .group = published.group,
      .fields = {{"sentinel", sentinel}, {"step", Printable(published.name)}},
      .sentence = fmt::format("{}: Sentinel {} {}", Printable(published.group), sentinel.ToAddress(), what)};
}

std::vector<Failover> FailoversIn(const History& history, const std::string& group) {
  std::vector<Failover> failovers;
  for (const auto& event : history) {
    // Another Sentinel is followed: what the first one had begun is not known to go on.
    if (event.kind == event_kind::kFollowing && !failovers.empty()) failovers.back().is_over = true;
    if (event.group != group) continue;
    if (event.kind == event_kind::kMasterDown || event.kind == event_kind::kMasterUp ||
        event.kind == event_kind::kFailoverStep)
      AddStep(event, &failovers);
    if (event.kind == event_kind::kMasterChanged) AddChange(event, &failovers);
  }
  std::erase_if(failovers,
                [](const auto& failover) { return failover.is_over && failover.change == nullptr; });
  return failovers;
}

}  // namespace redis_zk::watcher
