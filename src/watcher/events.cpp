#include "watcher/events.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>
#include <utility>

#include "base/unix_time.h"
#include "watcher/words.h"

namespace redis_zk::watcher {

namespace {

constexpr std::size_t kMostEvents = 300;
// A failover makes about seven steps: those of a fleet that fails over as a whole must not push out what came
// of it.
constexpr std::size_t kMostSteps = 200;

bool IsStep(const Event& event) {
  return event.kind == event_kind::kFailoverStep || event.kind == event_kind::kMasterDown ||
         event.kind == event_kind::kMasterUp;
}

void Shorten(History& history) {
  auto steps = static_cast<std::size_t>(std::count_if(history.begin(), history.end(), IsStep));
  std::erase_if(history, [&steps](const auto& event) { return IsStep(event) && steps-- > kMostSteps; });
  if (history.size() > kMostEvents)
    history.erase(history.begin(), history.end() - static_cast<std::ptrdiff_t>(kMostEvents));
}

using store::Record;

std::int64_t Milliseconds(Clock::duration duration) {
  return std::chrono::duration_cast<Duration>(duration).count();
}

std::optional<Event> CompareRecords(const std::string& group, const Record& before, const Record& after,
                                    const Outages& outages, TimePoint now) {
  if (after.state != Record::State::kMaster) return std::nullopt;
  const bool had_one = before.state == Record::State::kMaster;
  if (had_one && before.master == after.master) return std::nullopt;
  Event event{.kind = event_kind::kMasterChanged, .group = group};
  event.fields = {
      {"to", after.master}, {"epoch", static_cast<std::int64_t>(after.epoch)}, {"reason", after.reason}};
  // Each write of a record makes a version; the epoch tells it from one in a ZooKeeper that lost its data.
  event.key = fmt::format("{}:{}:{}", group, after.epoch, after.version);
  if (had_one) event.fields["from"] = before.master;
  std::string detail;
  if (const auto since = outages.find(group); had_one && since != outages.end()) {
    const Clock::duration outage = now - since->second;
    event.fields["outage_ms"] = Milliseconds(outage);
    detail = ", after an outage of " + InSeconds(outage);
  }
  event.sentence = store::DescribeMasterChange(group, before, after, detail);
  return event;
}

void CompareGroups(const Topology& before, const Topology& after, const Outages& outages, TimePoint now,
                   std::vector<Event>* events) {
  for (const auto& [group, record] : after.groups) {
    const auto earlier = before.groups.find(group);
    if (earlier == before.groups.end())
      events->push_back(
          {.kind = event_kind::kGroupCame, .group = group, .sentence = "group " + group + " was added"});
    const Record& was = earlier == before.groups.end() ? Record{} : earlier->second;
    if (auto changed = CompareRecords(group, was, record, outages, now))
      events->push_back(std::move(*changed));
  }
  for (const auto& [group, record] : before.groups) {
    if (after.groups.contains(group)) continue;
    events->push_back(
        {.kind = event_kind::kGroupGone, .group = group, .sentence = "group " + group + " was removed"});
  }
}

void CompareSentinels(const std::vector<store::Sentinel>& before, const std::vector<store::Sentinel>& after,
                      std::vector<Event>* events) {
  const auto tell = [events](const auto& some, const auto& others, const char* kind, const char* what) {
    for (const auto& sentinel : some) {
      if (std::find(others.begin(), others.end(), sentinel) != others.end()) continue;
      events->push_back({.kind = kind,
                         .fields = {{"sentinel", sentinel.endpoint}},
                         .sentence = fmt::format("Sentinel {} {}", sentinel.endpoint.ToAddress(), what)});
    }
  };
  tell(before, after, event_kind::kSentinelGone, "is no longer registered");
  tell(after, before, event_kind::kSentinelCame, "is registered");
}

std::set<Endpoint> AnsweringReplicas(const GroupStatus& group) {
  std::set<Endpoint> answering;
  for (const auto& replica : group.replicas) {
    if (replica.info) answering.insert(replica.endpoint);
  }
  return answering;
}

}  // namespace

RecentEvents::RecentEvents(std::function<void(const Event&)> tell)
    : tell_(std::move(tell)), life_(std::to_string(UnixTime())), history_(History{}), counters_(Counters{}) {}

void RecentEvents::Add(Event event) { Add(std::vector{std::move(event)}); }

void RecentEvents::Add(std::vector<Event> events) {
  if (events.empty()) return;
  History history = *history_.Get();
  Counters counters = *counters_.Get();
  std::uint64_t number = history.empty() ? 0 : history.back().number;
  for (auto& event : events) {
    event.number = ++number;
    event.id = fmt::format("{}-{}", life_, number);
    event.time = UnixTime();
    if (event.key.empty()) event.key = event.id;
    tell_(event);
    Count(event, &counters);
    history.push_back(std::move(event));
  }
  Shorten(history);
  counters_.Set(std::move(counters));
  history_.Set(std::move(history));
}

std::uint64_t RecentEvents::NumberOf(std::string_view id) const {
  if (!id.starts_with(life_ + "-")) return 0;
  id.remove_prefix(life_.size() + 1);
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(id.data(), id.data() + id.size(), number);
  return error == std::errc() && end == id.data() + id.size() ? number : 0;
}

std::vector<Event> Compare(const Topology& before, const Topology& after, const Outages& outages,
                           TimePoint now) {
  if (before.known_at == TimePoint{}) return {};
  std::vector<Event> events;
  CompareGroups(before, after, outages, now, &events);
  CompareSentinels(before.sentinels, after.sentinels, &events);
  if (after.following && after.following != before.following) {
    events.push_back({.kind = event_kind::kFollowing,
                      .fields = {{"sentinel", *after.following}},
                      .sentence = "Sentinel " + after.following->ToAddress() + " is followed"});
  }
  if (before.zookeeper_connected && !after.zookeeper_connected)
    events.push_back({.kind = event_kind::kZooKeeperLost, .sentence = "ZooKeeper is unreachable"});
  if (!before.zookeeper_connected && after.zookeeper_connected) {
    const Clock::duration away = now - before.known_at;
    events.push_back({.kind = event_kind::kZooKeeperBack,
                      .fields = {{"away_ms", Milliseconds(away)}},
                      .sentence = "ZooKeeper is reachable again after " + InSeconds(away)});
  }
  return events;
}

std::vector<Event> Compare(const FleetStatus& before, const FleetStatus& after) {
  std::vector<Event> events;
  for (const auto& entry : after.groups) {
    const std::string& name = entry.first;
    const GroupStatus& group = entry.second;
    const auto earlier = before.groups.find(name);
    // Replicas that were there before the first look have not come.
    if (earlier == before.groups.end()) continue;
    const auto were = AnsweringReplicas(earlier->second);
    const auto are = AnsweringReplicas(group);
    const auto tell = [&](const auto& some, const auto& others, const char* kind, const char* what) {
      for (const auto& replica : some) {
        // A replica that is the master now has not gone, nor has the master come that became a replica.
        if (others.contains(replica) || group.record.master == replica) continue;
        events.push_back({.kind = kind,
                          .group = name,
                          .fields = {{"replica", replica}},
                          .sentence = fmt::format("{}: replica {} {}", name, replica.ToAddress(), what)});
      }
    };
    tell(were, are, event_kind::kReplicaGone, "no longer answers");
    tell(are, were, event_kind::kReplicaCame, "answers");
  }
  return events;
}

}  // namespace redis_zk::watcher
