#include "sentinel-wrapper/group_keeper.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "sentinel/client.h"

namespace redis_zk::sentinel_wrapper {

namespace {

using store::Record;
using zookeeper::Watch;

// How long the groups whose masters are down may be looked after before the loop turns.
constexpr Duration kRescueFor = 1s;

}  // namespace

GroupKeeper::GroupKeeper(daemon::WrapperLoop& loop, const WrapperOptions& options,
                         const redis::Network& network, redis::Servers& as_hello)
    : loop_(loop),
      options_(options),
      network_(network),
      as_hello_(as_hello),
      reader_(loop, network.redis),
      orders_(options, network),
      newcomers_(reader_, orders_),
      settings_(options, network.sentinels),
      passwords_(loop, options, network, reader_) {}

Result<Monitoring> GroupKeeper::Survey(const store::Identity& identity, const std::string& group,
                                       const Record& record) {
  if (const auto read = reader_.Read(); !read) return tl::unexpected(read.error());
  const auto& listed = reader_.listed();
  std::map<std::string, Record> known{{group, record}};
  for (const auto& [name, report] : monitored_) {
    const auto found = listed.find(name);
    known.try_emplace(name, Newer(found == listed.end() ? Record{} : found->second, report));
  }
  for (const auto& name : reader_.ListLiving(monitored_)) known.try_emplace(name, listed.at(name));
  Fleet fleet;
  std::vector<std::string> names;
  for (const auto& [name, latest] : known) names.push_back(name);
  auto members = reader_.ListMembers(names);
  if (!members) return tl::unexpected(members.error());
  for (const auto& [name, latest] : known) {
    const bool is_own = name == options_.common.master_name;
    const auto told = orders_.MayMonitor(latest.master);
    if (is_own && !told) return tl::unexpected(told.error());
    if (!told || (!is_own && !FitsFile(latest, members->at(name)))) continue;
    fleet.groups.push_back({name, latest, members->at(name)});
    std::erase_if(fleet.groups.back().members,
                  [this](const auto& member) { return !orders_.MayMonitor(member.endpoint); });
  }
  auto identities = loop_.registry().identities.List();
  if (!identities) return tl::unexpected(identities.error());
  fleet.identities = std::move(*identities);
  auto sentinels = loop_.registry().sentinels.List(Watch::kNo);
  if (!sentinels) return tl::unexpected(sentinels.error());
  fleet.sentinels = std::move(*sentinels);
  std::erase_if(fleet.sentinels, [this](const auto& sentinel) {
    return !options_.common.credentials.sentinel.MayTell(sentinel.endpoint);
  });
  auto monitoring = MonitoringOf(identity, fleet);
  // Of groups that come later, too: the epoch of their next failover has to be newer than their record's.
  for (const auto& [name, each] : listed)
    monitoring.epoch = std::max(monitoring.epoch, store::TellableEpoch(each.epoch));
  passwords_.Choose(&monitoring, *members, fleet.sentinels);
  return monitoring;
}

void GroupKeeper::Reset(const Monitoring& monitoring, bool takes_users) {
  followed_.clear();
  for (const auto& group : monitoring.groups) followed_.insert(group.name);
  monitored_.clear();
  rescuers_.clear();
  newcomers_.Reset();
  orders_.Reset();
  answered_ = {};
  settings_.Reset();
  passwords_.Reset(monitoring, takes_users);
  if (monitoring.groups.empty()) return;
  // Before it is registered, and a handover changes a setting.
  if (const auto reports = AskOwn()) settings_.Look(*reports, orders_.unsettled(), {});
}

std::optional<Reports> GroupKeeper::AskOwn() {
  std::set<std::string> names = followed_;
  names.insert(options_.common.master_name);
  for (const auto& [name, record] : reader_.listed()) names.insert(name);
  const std::vector<std::string> asked(names.begin(), names.end());
  auto answers = sentinel::AskSentinels(network_.sentinels, {{options_.server.bind, ""}}, asked).front();
  Reports reports;
  answered_ = {};
  for (std::size_t i = 0; i < asked.size(); ++i) {
    if (answers[i]) {
      reports.emplace(asked[i], std::move(*answers[i]));
    } else if (answers[i].error().kind != ErrorKind::kNotFound) {
      answered_ = tl::unexpected(answers[i].error());
      return std::nullopt;
    }
  }
  return reports;
}

std::optional<RestartRequest> GroupKeeper::Look() {
  reader_.ReadIfDue();
  auto reports = AskOwn();
  if (!reports) {
    for (auto& [name, rescuer] : rescuers_) rescuer.Reset();
    if (answered_.error().kind == ErrorKind::kRefused) passwords_.LookRefused();
    return std::nullopt;
  }
  if (!TakeReports(std::move(*reports))) return std::nullopt;
  auto changes = CompareGroups(
      {.own_group = options_.common.master_name, .listed = reader_.listed(), .monitored = monitored_});
  // What was taken from our Sentinel by hand meanwhile stays so.
  std::erase_if(changes.to_monitor,
                [this](const auto& group) { return followed_.contains(group) && reader_.IsPaused(group); });
  newcomers_.Keep(changes.to_monitor);
  if (auto restart = Rescue()) return restart;
  passwords_.Look(monitored_);
  if (!loop_.session().connected()) return std::nullopt;
  auto restart = newcomers_.Look(changes.to_monitor, monitored_, followed_);
  if (restart && reader_.IsPaused(restart->group)) restart.reset();
  Drop(changes.to_drop);
  return restart;
}

bool GroupKeeper::TakeReports(Reports reports) {
  monitored_ = std::move(reports);
  std::set<std::string> paused;
  for (const auto& [name, report] : monitored_) {
    if (reader_.IsPaused(name)) paused.insert(name);
  }
  settings_.Look(monitored_, orders_.unsettled(), paused);
  for (const auto& [name, report] : monitored_) {
    if (reader_.listed().contains(name)) followed_.insert(name);
  }
  for (const auto& [name, report] : monitored_) {
    if (!orders_.Settle(name)) return false;
  }
  std::erase_if(followed_, [this](const auto& name) {
    return !monitored_.contains(name) && !reader_.listed().contains(name);
  });
  std::erase_if(rescuers_, [this](const auto& entry) { return !monitored_.contains(entry.first); });
  return true;
}

std::optional<RestartRequest> GroupKeeper::Rescue() {
  const TimePoint deadline = Clock::now() + kRescueFor;
  // Where the last turn ended, for its time may not have been enough for all.
  std::vector<std::string> order;
  for (const auto& [name, report] : monitored_) order.push_back(name);
  std::rotate(order.begin(), std::upper_bound(order.begin(), order.end(), last_rescued_), order.end());
  for (const auto& name : order) {
    if (Clock::now() >= deadline || loop_.stop_requested() || loop_.exit_code()) break;
    last_rescued_ = name;
    if (reader_.IsPaused(name)) continue;
    auto& rescuer = rescuers_.try_emplace(name, loop_, options_, network_, as_hello_, name).first->second;
    const auto listed = reader_.listed().find(name);
    const auto& own = monitored_.at(name);
    auto restart = rescuer.Look(own, listed == reader_.listed().end() ? Record{} : listed->second);
    if (restart && MayRestart(monitored_, name)) return restart;
  }
  return std::nullopt;
}

bool GroupKeeper::IsQuiet() const {
  const auto& listed = reader_.listed();
  return answered_ && std::all_of(monitored_.begin(), monitored_.end(), [&listed](const auto& entry) {
           const auto& [name, own] = entry;
           const auto record = listed.find(name);
           return !own.failover_in_progress && !own.master_down && !own.tilt && record != listed.end() &&
                  record->second.state == Record::State::kMaster && record->second.master == own.master &&
                  record->second.epoch == own.config_epoch;
         });
}

bool GroupKeeper::busy() const {
  return std::any_of(rescuers_.begin(), rescuers_.end(),
                     [](const auto& entry) { return entry.second.busy(); });
}

void GroupKeeper::Drop(std::vector<std::string> groups) {
  // Only then is it worth a question.
  std::erase_if(groups, [this](const auto& group) {
    return !monitored_.at(group).master_down || reader_.IsPaused(group);
  });
  // What was read last may be older than ZooKeeper's absence.
  if (groups.empty() || !reader_.Read()) return;
  for (const auto& group : groups) {
    if (reader_.listed().contains(group)) continue;
    const auto known = orders_.sentinel().AskKnownInstances(group);
    if (!known) return;
    if (!MayDrop(monitored_.at(group), known->replicas)) continue;
    if (const auto removed = orders_.sentinel().StopMonitoring(group); !removed) {
      log_drop_(log::Severity::kWarn, {.event = "monitoring-end-failed", .group = group},
                fmt::format("cannot stop monitoring {}, retrying: {}", group, removed.error().message));
      continue;
    }
    log::Info({.event = "monitoring-ended", .group = group},
              "monitoring of {} ended: ZooKeeper has no such group and none of its servers answers", group);
    followed_.erase(group);
    rescuers_.erase(group);
  }
}

}  // namespace redis_zk::sentinel_wrapper
