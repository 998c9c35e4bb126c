#include "sentinel-wrapper/group_keeper.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/file.h"
#include "base/log.h"
#include "base/printable.h"
#include "base/random_id.h"
#include "options/parsers.h"
#include "redis/conf_syntax.h"
#include "sentinel-wrapper/server_conf.h"
#include "sentinel/client.h"

namespace redis_zk::sentinel_wrapper {

namespace {

using store::Record;
using zookeeper::Watch;

// Changes are told by watches; this is for what got lost.
constexpr Duration kReadAgain = 5s;
// How long the groups whose masters are down may be looked after before the loop turns.
constexpr Duration kRescueFor = 1s;
// How many groups are begun with at a time: all their servers are asked at once.
constexpr std::size_t kGroupsAtOnce = 50;
constexpr Duration kFirstRetry = 500ms;
constexpr Duration kLongestRetry = 5s;
// How long a new group may be without a living master before our Sentinel is restarted for it.
constexpr Duration kOrphanBeforeRestart = 5s;
// How long a Sentinel that was restarted with replicas to promote may take, on top of its down-after.
constexpr Duration kLongestTurn = 5s;

// Sentinel ends at a name in its file that it cannot resolve. A group with one is begun with at run time,
// where it does no harm to the others.
bool FitsFile(const Record& record, const std::vector<store::Member>& members) {
  return IsIpAddress(record.master.host) &&
         std::all_of(members.begin(), members.end(),
                     [](const auto& member) { return IsIpAddress(member.endpoint.host); });
}

}  // namespace

GroupKeeper::Newcomer::Newcomer() : backoff(kFirstRetry, kLongestRetry, RandomFraction) {}

GroupKeeper::GroupKeeper(daemon::WrapperLoop& loop, const WrapperOptions& options,
                         const redis::Network& network)
    : loop_(loop),
      options_(options),
      network_(network),
      settings_(options, network.sentinels),
      turn_lock_(loop.session(), loop.registry().sentinels.RescuePath(),
                 "sentinel-wrapper " + options.server.announce.ToAddress()) {}

Status GroupKeeper::ReadGroups() {
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
  listed_ = std::move(*records);
  read_at_ = Clock::now() + kReadAgain;
  return {};
}

Result<Monitoring> GroupKeeper::Survey(const store::Identity& identity, const std::string& group,
                                       const Record& record) {
  if (const auto read = ReadGroups(); !read) return tl::unexpected(read.error());
  std::map<std::string, Record> known{{group, record}};
  for (const auto& [name, report] : monitored_) {
    const auto listed = listed_.find(name);
    known.try_emplace(name, Newer(listed == listed_.end() ? Record{} : listed->second, report));
  }
  for (const auto& name : ListLiving()) known.try_emplace(name, listed_.at(name));
  Fleet fleet;
  std::vector<std::string> names;
  for (const auto& [name, latest] : known) names.push_back(name);
  auto members = ListMembers(names);
  if (!members) return tl::unexpected(members.error());
  for (const auto& [name, latest] : known) {
    if (name == options_.common.master_name || FitsFile(latest, members->at(name)))
      fleet.groups.push_back({name, latest, std::move(members->at(name))});
  }
  auto identities = loop_.registry().identities.List();
  if (!identities) return tl::unexpected(identities.error());
  fleet.identities = std::move(*identities);
  auto sentinels = loop_.registry().sentinels.List(Watch::kNo);
  if (!sentinels) return tl::unexpected(sentinels.error());
  fleet.sentinels = std::move(*sentinels);
  auto monitoring = MonitoringOf(identity, fleet);
  // Of groups that come later, too: the epoch of their next failover has to be newer than their record's.
  for (const auto& [name, listed] : listed_) monitoring.epoch = std::max(monitoring.epoch, listed.epoch);
  return monitoring;
}

std::vector<std::string> GroupKeeper::ListLiving() {
  std::vector<std::string> recorded;
  for (const auto& [name, record] : listed_) {
    if (record.state == Record::State::kMaster && !monitored_.contains(name)) recorded.push_back(name);
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

void GroupKeeper::Reset(const Monitoring& monitoring) {
  followed_.clear();
  for (const auto& group : monitoring.groups) followed_.insert(group.name);
  monitored_.clear();
  rescuers_.clear();
  newcomers_.clear();
  unsettled_.clear();
  answered_ = {};
  settings_.Reset();
  if (monitoring.groups.empty()) return;
  // Before it is registered, and a handover changes a setting.
  if (const auto reports = AskOwn()) settings_.Look(*reports, unsettled_);
}

std::optional<std::map<std::string, sentinel::SentinelReport>> GroupKeeper::AskOwn() {
  std::set<std::string> names = followed_;
  names.insert(options_.common.master_name);
  for (const auto& [name, record] : listed_) names.insert(name);
  const std::vector<std::string> asked(names.begin(), names.end());
  auto answers = sentinel::AskSentinels(network_.sentinels, {{options_.server.bind, ""}}, asked).front();
  std::map<std::string, sentinel::SentinelReport> reports;
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

std::optional<GroupKeeper::Restart> GroupKeeper::Look(const std::string& uuid) {
  if (loop_.session().connected() && Clock::now() >= read_at_) {
    if (const auto read = ReadGroups(); !read)
      log::Debug({.event = "zookeeper-request-failed"}, "{}", read.error().message);
  }
  if (turn_ && Clock::now() >= turn_->ends_at) GiveTurnBack();
  auto reports = AskOwn();
  if (!reports) {
    // It does nothing with a turn, and others wait for it.
    GiveTurnBack();
    for (auto& [name, rescuer] : rescuers_) rescuer.Reset();
    return std::nullopt;
  }
  monitored_ = std::move(*reports);
  settings_.Look(monitored_, unsettled_);
  for (const auto& [name, report] : monitored_) {
    if (listed_.contains(name)) followed_.insert(name);
  }
  for (const auto& [name, report] : monitored_) {
    if (unsettled_.erase(name) > 0 && !Tell(name, {})) return std::nullopt;
  }
  std::erase_if(followed_,
                [this](const auto& name) { return !monitored_.contains(name) && !listed_.contains(name); });
  std::erase_if(rescuers_, [this](const auto& entry) { return !monitored_.contains(entry.first); });
  const auto changes =
      CompareGroups({.own_group = options_.common.master_name, .listed = listed_, .monitored = monitored_});
  std::erase_if(newcomers_, [&changes](const auto& entry) {
    return std::find(changes.to_monitor.begin(), changes.to_monitor.end(), entry.first) ==
           changes.to_monitor.end();
  });
  if (auto restart = Rescue(uuid)) return restart;
  if (!loop_.session().connected()) return std::nullopt;
  auto restart = Begin(changes.to_monitor);
  Drop(changes.to_drop);
  return restart;
}

std::optional<GroupKeeper::Restart> GroupKeeper::Rescue(const std::string& uuid) {
  const TimePoint deadline = Clock::now() + kRescueFor;
  // Where the last turn ended, for its time may not have been enough for all.
  std::vector<std::string> order;
  for (const auto& [name, report] : monitored_) order.push_back(name);
  std::rotate(order.begin(), std::upper_bound(order.begin(), order.end(), last_rescued_), order.end());
  bool needs_turn = false;
  for (const auto& name : order) {
    if (Clock::now() >= deadline || loop_.stop_requested() || loop_.exit_code()) break;
    last_rescued_ = name;
    auto& rescuer = rescuers_.try_emplace(name, loop_, options_, network_, name).first->second;
    const auto listed = listed_.find(name);
    const auto& own = monitored_.at(name);
    const auto rescue =
        rescuer.Look(uuid, own, listed == listed_.end() ? Record{} : listed->second, HasTurn(name));
    if (!rescue || !MayRestart(name)) continue;
    needs_turn = needs_turn || rescue->in_turn;
    if (rescue->in_turn && !TakeTurn(own, name)) continue;
    return Restart{name, rescue->record, rescue->reason, rescue->in_turn};
  }
  EndTurn(needs_turn);
  return std::nullopt;
}

bool GroupKeeper::TakeTurn(const sentinel::SentinelReport& own, const std::string& group) {
  if (turn_) return false;
  auto held = turn_lock_.Acquire();
  if (!held && held.error().kind == ErrorKind::kNotFound) {
    const auto made = loop_.registry().groups.Ensure(options_.common.master_name);
    held = made ? turn_lock_.Acquire() : tl::unexpected(made.error());
  }
  if (!held) log::Debug({.event = "zookeeper-request-failed"}, "{}", held.error().message);
  if (!held || !*held) return false;
  turn_ = {group, own.master, Clock::now() + own.down_after + kLongestTurn};
  return true;
}

void GroupKeeper::EndTurn(bool needed) {
  if (turn_) {
    const auto own = monitored_.find(turn_->group);
    const bool goes_on =
        own != monitored_.end() && own->second.master == turn_->master && Clock::now() < turn_->ends_at;
    if (goes_on) return;
    needed = false;
  }
  if (!needed) GiveTurnBack();
}

void GroupKeeper::GiveTurnBack() {
  turn_.reset();
  if (!loop_.session().connected()) return;
  if (const auto released = turn_lock_.Release(); !released)
    log::Debug({.event = "zookeeper-request-failed"}, "{}", released.error().message);
}

// A restart would end the failover of another group that our Sentinel leads.
bool GroupKeeper::MayRestart(const std::string& group) const {
  return std::none_of(monitored_.begin(), monitored_.end(), [&group](const auto& entry) {
    return entry.first != group && entry.second.failover_in_progress;
  });
}

bool GroupKeeper::busy() const {
  return turn_ || std::any_of(rescuers_.begin(), rescuers_.end(),
                              [](const auto& entry) { return entry.second.busy(); });
}

Result<std::map<std::string, std::vector<store::Member>>> GroupKeeper::ListMembers(
    const std::vector<std::string>& groups) {
  std::map<std::string, std::vector<store::Member>> all;
  for (const auto& group : groups) {
    auto members = loop_.registry().members.List(group, Watch::kNo);
    // Somebody else's group, recorded without a redis-wrapper.
    if (!members && members.error().kind == ErrorKind::kNotFound) members = std::vector<store::Member>{};
    if (!members) return tl::unexpected(members.error());
    all.emplace(group, std::move(*members));
  }
  return all;
}

std::map<std::string, GroupAlive> GroupKeeper::WhoLives(
    const std::map<std::string, std::vector<store::Member>>& members) const {
  std::set<Endpoint> candidates;
  for (const auto& [group, registered] : members) {
    candidates.insert(listed_.at(group).master);
    for (const auto& member : registered) {
      if (member.serving) candidates.insert(member.endpoint);
    }
  }
  const std::vector<Endpoint> asked(candidates.begin(), candidates.end());
  const auto living = network_.redis.WhoAnswers(asked);
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

std::optional<GroupKeeper::Restart> GroupKeeper::Begin(const std::vector<std::string>& groups) {
  std::vector<std::string> due;
  for (const auto& group : groups) {
    if (due.size() < kGroupsAtOnce && Clock::now() >= newcomers_[group].try_at) due.push_back(group);
  }
  if (due.empty()) return std::nullopt;
  const auto members = ListMembers(due);
  if (!members) {
    log::Debug({.event = "zookeeper-request-failed"}, "{}", members.error().message);
    return std::nullopt;
  }
  for (const auto& [group, alive] : WhoLives(*members)) {
    auto& newcomer = newcomers_.at(group);
    newcomer.try_at = Clock::now() + newcomer.backoff.Next();
    const Record& record = listed_.at(group);
    const Beginning beginning = HowToBegin(alive);
    if (beginning != Beginning::kRestart) newcomer.orphan_since.reset();
    switch (beginning) {
      case Beginning::kWait:
        newcomer.log(
            log::Severity::kWarn,
            {.event = "group-unreachable", .group = group, .peer = record.master.ToAddress()},
            fmt::format("not monitoring {} yet: the recorded master {} and its replicas are unreachable; "
                        "retrying until one answers",
                        group, record.master.ToAddress()));
        break;
      case Beginning::kMonitor:
        if (const auto done = Monitor(group, record); !done) {
          newcomer.log(log::Severity::kWarn,
                       {.event = "monitor-failed", .group = group, .peer = record.master.ToAddress()},
                       fmt::format("cannot monitor {} at {}, retrying: {}", group, record.master.ToAddress(),
                                   Printable(done.error().message)));
          // Our Sentinel hangs: the other groups would wait for it as well.
          if (done.error().kind != ErrorKind::kRefused) return std::nullopt;
        }
        break;
      case Beginning::kRestart:
        if (!newcomer.orphan_since) newcomer.orphan_since = Clock::now();
        newcomer.log(
            log::Severity::kWarn,
            {.event = "group-master-unreachable", .group = group, .peer = record.master.ToAddress()},
            fmt::format("not monitoring {} yet: the recorded master {} is unreachable and a replica is not; "
                        "restarting redis-sentinel for it if that lasts",
                        group, record.master.ToAddress()));
        if (Clock::now() - *newcomer.orphan_since < kOrphanBeforeRestart || !MayRestart(group) ||
            !FitsFile(record, members->at(group))) {
          break;
        }
        return Restart{
            group, record,
            fmt::format("the master of {} became unreachable before it was monitored, and a replica answers",
                        group),
            /*in_turn=*/false};
    }
  }
  return std::nullopt;
}

Status GroupKeeper::Monitor(const std::string& group, const Record& record) {
  const auto done = Tell(group, {{"SENTINEL", "MONITOR", group, record.master.host,
                                  std::to_string(record.master.port), std::to_string(options_.quorum)}});
  if (!done) return done;
  log::Info({.event = "monitoring", .group = group, .peer = record.master.ToAddress(), .epoch = record.epoch},
            "monitoring {} at {} with a quorum of {}", group, record.master.ToAddress(), options_.quorum);
  followed_.insert(group);
  return {};
}

Status GroupKeeper::Tell(const std::string& group, std::vector<redis::Command> orders) {
  const std::size_t first = orders.size();
  const auto settings = SettingsOf(ReadTextFile(options_.sentinel_conf).value_or(""), options_, group);
  for (const auto& [directive, values] : settings) {
    auto& order = orders.emplace_back(redis::Command{"SENTINEL", "SET", group, directive});
    order.insert(order.end(), values.begin(), values.end());
  }
  if (orders.empty()) return {};
  const auto answers = network_.sentinels.Ask(options_.server.bind, orders);
  if (!answers) {
    unsettled_.insert(group);
    return tl::unexpected(answers.error());
  }
  if (first > 0 && answers->front().is_error()) return Fail(ErrorKind::kRefused, answers->front().text);
  for (std::size_t i = 0; i < settings.size(); ++i) {
    // Its answer is not shown: it may repeat a password.
    if ((*answers)[first + i].is_error())
      log::Warn(
          {.event = "setting-refused", .group = group},
          "Sentinel refused the setting {} at run time; it applies after the next restart of redis-sentinel",
          settings[i].directive);
  }
  return {};
}

void GroupKeeper::Drop(std::vector<std::string> groups) {
  // Only then is it worth a question.
  std::erase_if(groups, [this](const auto& group) { return !monitored_.at(group).master_down; });
  // What was read last may be older than ZooKeeper's absence.
  if (groups.empty() || !ReadGroups()) return;
  for (const auto& group : groups) {
    if (listed_.contains(group)) continue;
    const auto known = sentinel::Client(network_.sentinels, options_.server.bind).AskKnownInstances(group);
    if (!known) return;
    if (!MayDrop(monitored_.at(group), known->replicas)) continue;
    if (const auto removed = sentinel::Client(network_.sentinels, options_.server.bind).StopMonitoring(group);
        !removed) {
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
