#include "sentinel-wrapper/newcomers.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/printable.h"
#include "base/random_id.h"

namespace redis_zk::sentinel_wrapper {

namespace {

using store::Record;

constexpr Duration kFirstRetry = 500ms;
constexpr Duration kLongestRetry = 5s;
// How long a new group may be without a living master before our Sentinel is restarted for it.
constexpr Duration kOrphanBeforeRestart = 5s;

}  // namespace

bool FitsFile(const Record& record, const std::vector<store::Member>& members) {
  return IsIpAddress(record.master.host) &&
         std::all_of(members.begin(), members.end(),
                     [](const auto& member) { return IsIpAddress(member.endpoint.host); });
}

Newcomers::Newcomer::Newcomer() : backoff(kFirstRetry, kLongestRetry, RandomFraction) {}

void Newcomers::Keep(const std::vector<std::string>& groups) {
  std::erase_if(waiting_, [&groups](const auto& entry) {
    return std::find(groups.begin(), groups.end(), entry.first) == groups.end();
  });
}

std::vector<std::string> Newcomers::ListDue(const std::vector<std::string>& groups) {
  std::vector<std::string> due;
  for (const auto& group : groups) {
    if (due.size() < kGroupsAtOnce && Clock::now() >= waiting_[group].try_at) due.push_back(group);
  }
  return due;
}

std::optional<RestartRequest> Newcomers::Look(const std::vector<std::string>& groups,
                                              const Reports& monitored, std::set<std::string>& followed) {
  const auto due = ListDue(groups);
  if (due.empty()) return std::nullopt;
  const auto members = reader_.ListMembers(due);
  if (!members) {
    log::Debug({.event = "zookeeper-request-failed"}, "{}", members.error().message);
    return std::nullopt;
  }
  for (const auto& [group, alive] : reader_.WhoLives(*members)) {
    auto& newcomer = waiting_.at(group);
    newcomer.try_at = Clock::now() + newcomer.backoff.Next();
    const Record& record = reader_.listed().at(group);
    if (const auto told = orders_.MayMonitor(record.master); !told) {
      newcomer.log(log::Severity::kError,
                   {.event = "monitor-failed", .group = group, .peer = record.master.ToAddress()},
                   fmt::format("not monitoring {}: {}; {}, else correct the record", group,
                               told.error().message, redis::HowToBeAccepted(told.error())));
      continue;
    }
    const Beginning beginning = HowToBegin(alive);
    if (beginning != Beginning::kRestart) newcomer.orphan_since.reset();
    switch (beginning) {
      case Beginning::kWait:
        SayUnreachable(group, record);
        break;
      case Beginning::kMonitor:
        if (const auto done = orders_.Monitor(group, record)) {
          followed.insert(group);
        } else {
          newcomer.log(log::Severity::kWarn,
                       {.event = "monitor-failed", .group = group, .peer = record.master.ToAddress()},
                       fmt::format("cannot monitor {} at {}, retrying: {}", group, record.master.ToAddress(),
                                   Printable(done.error().message)));
          // Our Sentinel hangs: the other groups would wait for it as well.
          if (done.error().kind != ErrorKind::kRefused) return std::nullopt;
        }
        break;
      case Beginning::kRestart:
        if (!IsAbandoned(group, record) || !MayRestart(monitored, group) ||
            !FitsFile(record, members->at(group)))
          break;
        return RestartRequest{
            group, record,
            fmt::format("the master of {} became unreachable before it was monitored, and a replica answers",
                        group)};
    }
  }
  return std::nullopt;
}

void Newcomers::SayUnreachable(const std::string& group, const Record& record) {
  waiting_.at(group).log(
      log::Severity::kWarn, {.event = "group-unreachable", .group = group, .peer = record.master.ToAddress()},
      fmt::format("not monitoring {} yet: the recorded master {} and its replicas are unreachable; "
                  "retrying until one answers",
                  group, record.master.ToAddress()));
}

bool Newcomers::IsAbandoned(const std::string& group, const Record& record) {
  auto& newcomer = waiting_.at(group);
  if (!newcomer.orphan_since) newcomer.orphan_since = Clock::now();
  newcomer.log(log::Severity::kWarn,
               {.event = "group-master-unreachable", .group = group, .peer = record.master.ToAddress()},
               fmt::format("not monitoring {} yet: the recorded master {} is unreachable and a replica is "
                           "not; restarting redis-sentinel for it if that lasts",
                           group, record.master.ToAddress()));
  return Clock::now() - *newcomer.orphan_since >= kOrphanBeforeRestart;
}

}  // namespace redis_zk::sentinel_wrapper
