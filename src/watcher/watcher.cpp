#include "watcher/watcher.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <system_error>
#include <utility>

#include "base/exit_code.h"
#include "base/log.h"
#include "base/random_id.h"
#include "base/unix_time.h"
#include "daemon/connect.h"
#include "daemon/reload.h"
#include "os/child.h"
#include "redis/server_info.h"
#include "sentinel/client.h"
#include "store/sentinel_id.h"
#include "watcher/behaviors/config.h"
#include "watcher/web/server.h"

namespace redis_zk::watcher {

namespace {

using sentinel::SubscriberEvent;
using zookeeper::SessionEvent;
using zookeeper::Watch;

constexpr Duration kUpkeep = 1s;
// Events can be missed (a record that another writer changed, a Sentinel that was cut off): everything is
// compared anew this often.
constexpr Duration kCheckAll = 5s;
// How many groups are compared before the loop turns; up to twice as many servers are asked at once.
constexpr std::size_t kGroupsAtOnce = 50;
// A burst of changes in ZooKeeper is read once in this time; the first one at once.
constexpr Duration kReadAtMostEvery = 50ms;
constexpr Duration kReadWaitingEvery = 2s;
// What can wait is done when nothing happens, and at least this often.
constexpr Duration kBackgroundAtLeastEvery = 5s;
constexpr Duration kFirstRetry = 100ms;
constexpr Duration kLongestRetry = 3s;

std::set<std::string> GroupsIn(const std::map<std::string, std::vector<store::Member>>& members) {
  std::set<std::string> groups;
  for (const auto& [group, all] : members) groups.insert(group);
  return groups;
}

std::set<Endpoint> EndpointsIn(const std::map<std::string, std::vector<store::Member>>& members,
                               const std::string& group) {
  std::set<Endpoint> endpoints;
  if (const auto found = members.find(group); found != members.end()) {
    for (const auto& member : found->second) endpoints.insert(member.endpoint);
  }
  return endpoints;
}

// What is read again a moment later anyway.
void LogUnread(const Error& error) {
  log::Debug({.event = "members-read-failed"}, "reading the members failed: {}; retrying", error.message);
}

}  // namespace

Watcher::Watcher(const WatcherOptions& options, const BlockedSignals& signals,
                 const daemon::Connections& connections)
    : options_(options),
      network_(connections.network),
      queue_(signals),
      behaviors_({signals.original_mask(), options.secrets}, options.behaviors),
      events_([this](const Event& event) { behaviors_.Tell(event); }),
      session_(connections.open_session(options.common.zk_hosts, options.common.zk_session_timeout,
                                        [this](SessionEvent event) { queue_.Push(std::move(event)); })),
      registry_(*session_, options.common.zk_root),
      cleaner_(options, network_, *session_, registry_, events_),
      topology_(Topology{.default_group = options.common.master_name}),
      observer_(options, network_, topology_, [this] { queue_.Push(Observed{}); }),
      admin_(options, topology_, connections,
             [this](Event event, store::PastEvent past) {
               queue_.Push(AdminDone{std::move(event), std::move(past)});
             }),
      loop_turned_at_(Clock::now().time_since_epoch().count()),
      observed_(observer_.status().Get()),
      follow_backoff_(kFirstRetry, kLongestRetry, RandomFraction),
      read_backoff_(kFirstRetry, kLongestRetry, RandomFraction) {}

Watcher::~Watcher() {
  // Both push into the queue until they are gone.
  subscriber_.reset();
  session_.reset();
  // What the observer waits for.
  topology_.Close();
}

int Watcher::Run() {
  const auto code = daemon::ConnectZooKeeper(
      *session_, options_.common, [this](TimePoint deadline) { Pump(deadline); },
      [this] { return stop_requested_; });
  if (code) return *code;
  Reconcile();
  web::Server server({topology_, observer_.status(), events_, behaviors_, admin_, figures_, loop_turned_at_,
                      options_.common.zk_session_timeout});
  if (const auto started = server.Start(options_.listen); !started) {
    log::Error({.event = "http-listen-failed"},
               "{}; free the address, or change BIND_IP or PORT0; exiting {}", started.error().message,
               kExitConfig);
    return kExitConfig;
  }
  log::Info({.event = "http-listening"}, "serving HTTP on {}", options_.listen.ToAddress());
  TimePoint background_by{};
  while (!stop_requested_) {
    const bool quiet = !Pump(NextTurn());
    if (!stop_requested_) Reconcile();
    // More may wait behind an event, a failover for one; but events may also never cease.
    const bool due = quiet || Clock::now() >= background_by;
    if (due && !stop_requested_ && !registry_stale_ && unchecked_groups_.empty()) {
      ReadWaiting();
      cleaner_.Step(groups_, sentinels_, clean_up_paused_.has_value());
      background_by = Clock::now() + kBackgroundAtLeastEvery;
    }
  }
  // A request that waits for a change keeps the server from ending.
  topology_.Close();
  events_.Close();
  behaviors_.RequestStop();
  // What was asked of us comes to its end, and is told.
  const bool stopped = server.Stop();
  while (Pump(Clock::now())) continue;
  WriteEventLog();
  if (!stopped) {
    log::Warn({.event = "http-request-abandoned"},
              "exiting although an HTTP request is still open: the client did not end it in time");
    std::_Exit(kExitStopped);
  }
  return kExitStopped;
}

TimePoint Watcher::NextTurn() const {
  const TimePoint now = Clock::now();
  if (!unchecked_groups_.empty() && session_->connected()) return now;
  if (registry_stale_) return std::min(std::max(read_at_, now), now + kFirstRetry);
  return now + (subscribed_ ? kUpkeep : kFirstRetry);
}

bool Watcher::Pump(TimePoint deadline) {
  const auto event = queue_.Pop(std::min(deadline, Clock::now() + kUpkeep));
  loop_turned_at_ = Clock::now().time_since_epoch().count();
  if (event) {
    if (const auto* signal = std::get_if<SignalReceived>(&*event)) {
      if (signal->number == SIGCHLD) os::ReapStrangers();
      if (signal->number == SIGHUP) Reload();
      if (signal->number == SIGTERM || signal->number == SIGINT || signal->number == SIGQUIT) {
        log::Info({.event = "stop-requested"}, "stop requested by signal {}", signal->number);
        stop_requested_ = true;
      }
    } else if (const auto* session_event = std::get_if<SessionEvent>(&*event)) {
      Reduce(*session_event);
    } else if (const auto* subscriber_event = std::get_if<SubscriberEvent>(&*event)) {
      Reduce(*subscriber_event);
    } else if (const auto* observed = std::get_if<Observed>(&*event)) {
      Reduce(*observed);
    } else {
      Reduce(std::get<AdminDone>(*event));
    }
  }
  session_->Maintain(Clock::now());
  return event.has_value();
}

void Watcher::Reload() {
  const auto read = daemon::Reload(options_.common);
  admin_.ReadTokenAgain();
  if (!read) return;
  // The reading has found them right; a file that they name may be gone since.
  auto behaviors = ReadBehaviors(read->sections);
  if (!behaviors) {
    log::Warn({.event = "behaviors-reload-rejected"},
              "SIGHUP: behaviors not reloaded: {}; fix the config file and send SIGHUP again",
              fmt::join(behaviors.error(), "; "));
    return;
  }
  const std::string changes = behaviors_.Replace(std::move(*behaviors));
  if (!changes.empty()) log::Info({.event = "behaviors-reloaded"}, "SIGHUP: {}", changes);
}

void Watcher::Reduce(const SessionEvent& event) {
  switch (event.kind) {
    case SessionEvent::Kind::kConnected:
    case SessionEvent::Kind::kNodeChanged:
      registry_stale_ = true;
      if (event.kind == SessionEvent::Kind::kConnected)
        figures_.Set({.connections = figures_.Get()->connections + 1});
      // It is long, and seldom what has changed.
      if (event.kind == SessionEvent::Kind::kConnected || event.path == registry_.event_log.Path())
        event_log_stale_ = true;
      read_at_ = last_read_ + kReadAtMostEvery;
      break;
    case SessionEvent::Kind::kDisconnected:
    case SessionEvent::Kind::kExpired:
      // What is known stays known, and begins to age.
      if (topology_.Get()->zookeeper_connected) known_at_ = Clock::now();
      PublishTopology();
      break;
    case SessionEvent::Kind::kProgress:
      break;
  }
}

void Watcher::Reduce(const SubscriberEvent& event) {
  // Something that an earlier subscriber said before it was replaced.
  if (!subscriber_ || event.sentinel != subscriber_->sentinel()) return;
  switch (event.kind) {
    case SubscriberEvent::Kind::kSubscribed:
      log::Info({.event = "sentinel-followed", .peer = event.sentinel.ToAddress()}, "following Sentinel {}",
                event.sentinel.ToAddress());
      subscribed_ = true;
      log_lost_.clear();
      follow_backoff_.Reset();
      // Pub/sub forgets: what happened until now is read.
      check_all_at_ = {};
      PublishTopology();
      break;
    case SubscriberEvent::Kind::kEvent:
      log::Debug({.event = "sentinel-event", .group = event.event.group, .peer = event.sentinel.ToAddress()},
                 "Sentinel published {} {}", event.event.name, event.event.payload);
      if (sentinel::MayChangeMaster(event.event)) hinted_groups_.insert(event.event.group);
      if (event.event.payload.starts_with("master ")) {
        if (event.event.name == "+sdown") called_down_.emplace(event.event.group, Clock::now());
        if (event.event.name == "-sdown") called_down_.erase(event.event.group);
      }
      break;
    case SubscriberEvent::Kind::kLost:
      log_lost_[event.sentinel](
          log::Severity::kWarn, {.event = "sentinel-lost", .peer = event.sentinel.ToAddress()},
          fmt::format("lost the followed Sentinel: {}; retrying with one chosen at random", event.reason));
      subscriber_.reset();
      subscribed_ = false;
      called_down_.clear();
      follow_at_ = Clock::now() + follow_backoff_.Next();
      PublishTopology();
      break;
  }
}

void Watcher::Reduce(const Observed& /*event*/) {
  const auto status = observer_.status().Get();
  events_.Add(Compare(*observed_, *status));
  observed_ = status;
}

void Watcher::Reduce(const AdminDone& event) {
  events_.Add(event.event);
  AddToEventLog(event.past);
}

void Watcher::Reconcile() {
  // Failovers first: nothing else is urgent.
  CheckWithFollowed(std::exchange(hinted_groups_, {}));
  behaviors_.Maintain();
  if (session_->connected() && registry_stale_ && Clock::now() >= read_at_) ReadRegistry();
  Follow();
  if (!session_->connected()) return;
  if (Clock::now() >= check_all_at_) {
    check_all_at_ = Clock::now() + kCheckAll;
    for (const auto& [group, record] : groups_) unchecked_groups_.insert(group);
  }
  CheckWithAll();
  if (unchecked_groups_.empty() && Clock::now() >= event_log_at_) WriteEventLog();
}

void Watcher::ReadRegistry() {
  const auto read_everything = [this]() -> Status {
    auto groups = registry_.groups.List(Watch::kYes);
    if (!groups) return tl::unexpected(groups.error());
    auto sentinels = registry_.sentinels.List(Watch::kYes);
    if (!sentinels) return tl::unexpected(sentinels.error());
    auto records = registry_.records.ReadAll(*groups, Watch::kYes);
    if (!records) return tl::unexpected(records.error());
    auto paused = registry_.clean_up.ReadPause(Watch::kYes);
    if (!paused) return tl::unexpected(paused.error());
    if (event_log_stale_) {
      auto event_log = registry_.event_log.Read(Watch::kYes);
      if (!event_log) return tl::unexpected(event_log.error());
      event_log_ = std::move(*event_log);
      event_log_stale_ = false;
    }
    // The group that we are here for is made again; another one was deleted on purpose.
    for (const std::string& group : {std::string(store::kDefaultGroup), options_.common.master_name}) {
      if (!records->contains(group))
        return Fail(ErrorKind::kNotFound, fmt::format("the group {} does not exist yet", group));
    }
    if (*sentinels != sentinels_) {
      std::string named;
      for (const auto& sentinel : *sentinels) named += ' ' + sentinel.endpoint.ToAddress();
      log::Info({.event = "sentinels-changed"}, "registered Sentinels: {}{}{}", sentinels->size(),
                named.empty() ? "" : ":", named);
    }
    sentinels_ = std::move(*sentinels);
    for (const auto& [group, record] : *records) {
      const auto known = groups_.find(group);
      const bool news = known == groups_.end() || known->second.version != record.version;
      // Another writer changed it: compare it with what the Sentinels say.
      if (news) unchecked_groups_.insert(group);
      if (news && record.state == store::Record::State::kUnreadable) {
        log::Warn(
            {.event = "record-unreadable", .group = group},
            "cannot read the record {}: found \"{}\", expected \"host port\"; it is replaced as soon as "
            "most Sentinels name the same master",
            registry_.records.Path(group), record.found);
      }
    }
    groups_ = std::move(*records);
    if (auto found = FindPopulated(); !found) return found;
    if (*paused && !clean_up_paused_)
      log::Info({.event = "clean-up-paused"}, "clean-up {}", DescribePause(**paused));
    if (!*paused && clean_up_paused_) log::Info({.event = "clean-up-resumed"}, "clean-up resumed");
    clean_up_paused_ = std::move(*paused);
    std::erase_if(log_verdict_, [this](const auto& entry) { return !groups_.contains(entry.first); });
    return {};
  };
  const TimePoint began = Clock::now();
  auto read = read_everything();
  if (!read && read.error().kind == ErrorKind::kNotFound) {
    // The first daemon of all finds an empty ZooKeeper.
    read = registry_.groups.Ensure(options_.common.master_name);
    if (read) read = read_everything();
  }
  if (!read) {
    log_read_(log::Severity::kWarn, {.event = "registry-read-failed"},
              fmt::format("reading the registry in ZooKeeper failed: {}; retrying", read.error().message));
    read_at_ = Clock::now() + read_backoff_.Next();
    return;
  }
  read_backoff_.Reset();
  log_read_.Reset();
  registry_stale_ = false;
  known_at_ = last_read_ = Clock::now();
  read_took_ = known_at_ - began;
  PublishTopology();
}

bool Watcher::MeasureRequest() {
  const Duration patience = options_.common.zk_session_timeout;
  const TimePoint began = Clock::now();
  const bool answered = session_->Answers(patience);
  const Clock::duration took = Clock::now() - began;
  // Else it was not even sent. One without an answer took at least that long.
  if (answered || took >= patience)
    figures_.Set({.connections = figures_.Get()->connections, .request_took = took});
  return answered;
}

Status Watcher::FindPopulated() {
  std::vector<std::string> unwritten;
  for (const auto& [group, record] : groups_) {
    if (store::WasNeverWritten(record)) unwritten.push_back(group);
  }
  const auto members = registry_.members.ListAll(unwritten);
  if (!members) return tl::unexpected(members.error());
  populated_ = GroupsIn(*members);
  return {};
}

bool Watcher::Exists(const std::string& group) const {
  return !store::WasNeverWritten(groups_.at(group)) || populated_.contains(group);
}

void Watcher::ReadWaiting() {
  const TimePoint now = Clock::now();
  if (!session_->connected() || now < read_waiting_at_) return;
  read_waiting_at_ = now + kReadWaitingEvery;
  // A silent ZooKeeper holds the loop up once, not twice.
  if (!MeasureRequest()) return;
  std::vector<std::string> groups;
  for (const auto& [group, record] : groups_) groups.push_back(group);
  const auto members = registry_.members.ListAll(groups);
  if (!members) {
    LogUnread(members.error());
    return;
  }
  auto waiting = FindWaiting(*members, waiting_, now);
  auto incomplete = FindIncomplete(*members, incomplete_, now);
  auto populated = GroupsIn(*members);
  if (waiting == waiting_ && incomplete == incomplete_ && populated == populated_) return;
  waiting_ = std::move(waiting);
  incomplete_ = std::move(incomplete);
  populated_ = std::move(populated);
  PublishTopology();
}

// Follows a Sentinel chosen at random, so that several watchers seldom depend on the same one.
void Watcher::Follow() {
  if (subscriber_ || sentinels_.empty() || Clock::now() < follow_at_) return;
  const Endpoint& chosen = sentinels_[RandomIndex(sentinels_.size())].endpoint;
  try {
    subscriber_ = std::make_unique<sentinel::Subscriber>(
        chosen, options_.common.credentials.sentinel, options_.sentinel_timeout,
        [this](SubscriberEvent event) { queue_.Push(std::move(event)); });
    log_follow_.Reset();
  } catch (const std::system_error& error) {
    log_follow_(log::Severity::kWarn, {.event = "sentinel-follow-failed"},
                fmt::format("cannot create a thread to follow a Sentinel: {}; retrying", error.what()));
    follow_at_ = Clock::now() + follow_backoff_.Next();
  }
}

void Watcher::CheckWithFollowed(const std::set<std::string>& hinted) {
  std::vector<std::string> groups;
  for (const auto& group : hinted) {
    if (groups_.contains(group)) groups.push_back(group);
  }
  if (!subscriber_ || groups.empty()) return;
  const auto peers = store::PeersIn(sentinels_);
  const auto followed = std::find_if(peers.begin(), peers.end(), [this](const auto& peer) {
    return peer.endpoint == subscriber_->sentinel();
  });
  if (followed == peers.end()) {
    // Its registration is gone: the others know.
    unchecked_groups_.insert(groups.begin(), groups.end());
    return;
  }
  auto reports = sentinel::AskSentinels(network_.sentinels, {*followed}, groups).front();
  // The members as they are now: the promoted one may have joined a moment ago.
  const auto members = registry_.members.ListAll(groups);
  for (std::size_t i = 0; i < groups.size(); ++i) {
    if (!reports[i] || !members ||
        Settle(groups[i], {groups_.at(groups[i]),
                           {std::move(*reports[i])},
                           sentinels_.size(),
                           {},
                           EndpointsIn(*members, groups[i])}))
      unchecked_groups_.insert(groups[i]);
  }
}

void Watcher::CheckWithAll() {
  std::vector<std::string> groups;
  while (!unchecked_groups_.empty() && groups.size() < kGroupsAtOnce) {
    auto next = unchecked_groups_.extract(unchecked_groups_.begin());
    if (groups_.contains(next.value())) groups.push_back(std::move(next.value()));
  }
  if (groups.empty()) return;
  auto answers = sentinel::AskSentinels(network_.sentinels, store::PeersIn(sentinels_), groups);
  std::vector<Evidence> evidence;
  std::set<Endpoint> candidates;
  std::vector<std::string> doubted;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    auto& seen = evidence.emplace_back(Evidence{groups_.at(groups[i]), {}, sentinels_.size(), {}, {}});
    for (auto& of_sentinel : answers) {
      if (of_sentinel[i]) seen.reports.push_back(std::move(*of_sentinel[i]));
    }
    candidates.merge(WhomToAsk(seen));
    if (IsInDoubt(seen)) doubted.push_back(groups[i]);
  }
  const auto members = registry_.members.ListAll(doubted);
  // Compared again with the next round.
  if (!members) return LogUnread(members.error());
  const std::vector<Endpoint> asked(candidates.begin(), candidates.end());
  const auto infos = network_.redis.AskInfos(asked);
  std::set<Endpoint> acting_masters;
  for (std::size_t i = 0; i < asked.size(); ++i) {
    if (infos[i] && infos[i]->role == redis::Role::kMaster) acting_masters.insert(asked[i]);
  }
  for (std::size_t i = 0; i < groups.size(); ++i) {
    evidence[i].acting_masters = acting_masters;
    evidence[i].members = EndpointsIn(*members, groups[i]);
    const auto kept = Settle(groups[i], evidence[i]);
    if (kept && Exists(groups[i]))
      log_verdict_[groups[i]](kept->severity, {.event = kept->event, .group = groups[i]}, kept->reason);
  }
}

std::optional<Watcher::Kept> Watcher::Settle(const std::string& group, const Evidence& evidence) {
  const Verdict verdict = Judge(evidence);
  auto& record = groups_.at(group);
  if (verdict.agreed)
    return Kept{.event = "record-confirmed", .severity = log::Severity::kInfo, .reason = verdict.reason};
  if (!verdict.master)
    return Kept{.event = "record-unconfirmed",
                .severity = log::Severity::kWarn,
                .reason = "keeping the record: " + verdict.reason};
  const std::string before =
      record.state == store::Record::State::kMaster ? record.master.ToAddress() : std::string("none");
  const store::NextRecord next{.master = *verdict.master, .epoch = verdict.epoch, .reason = verdict.reason};
  if (options_.update_master == UpdateMasterMode::kObserve) {
    return Kept{
        .event = "record-write-skipped",
        .severity = log::Severity::kInfo,
        .reason = fmt::format("UPDATE_MASTER=observe: skipped recording {} as the master (before: {}), "
                              "epoch {}: {}",
                              verdict.master->ToAddress(), before, verdict.epoch, verdict.reason)};
  }
  const auto written = registry_.records.Write(group, record, next, /*lock_node=*/"");
  // The watch on the record brings the new version; after a failure it is read again in any case.
  registry_stale_ = true;
  if (!written)
    return Kept{.event = "record-write-failed",
                .severity = log::Severity::kWarn,
                .reason = fmt::format("cannot record {} as the master: {}; retrying",
                                      verdict.master->ToAddress(), written.error().message)};
  log_verdict_[group](log::Severity::kInfo,
                      {.event = "master-recorded",
                       .group = group,
                       .peer = verdict.master->ToAddress(),
                       .epoch = verdict.epoch},
                      fmt::format("recorded {} as the master (before: {}): {}", verdict.master->ToAddress(),
                                  before, verdict.reason));
  record = store::Replaced(record, next);
  PublishTopology(/*recorded=*/group);
  return std::nullopt;
}

Outages Watcher::FindOutages() const {
  Outages outages = called_down_;
  for (const auto& [name, group] : observer_.status().Get()->groups) {
    if (!group.master || group.master->info) continue;
    auto& since = outages.emplace(name, group.master->silent_since).first->second;
    since = std::min(since, group.master->silent_since);
  }
  return outages;
}

void Watcher::PublishTopology(const std::string& recorded) {
  const auto before = topology_.Get();
  auto groups = groups_;
  std::erase_if(groups, [this](const auto& entry) { return !Exists(entry.first); });
  topology_.Set(Topology{
      .default_group = options_.common.master_name,
      .sentinels = sentinels_,
      .groups = std::move(groups),
      .waiting = waiting_,
      .incomplete = incomplete_,
      .known_at = known_at_,
      .read_took = read_took_,
      .zookeeper_connected = session_->connected(),
      .following = subscribed_ && subscriber_ ? std::optional(subscriber_->sentinel()) : std::nullopt,
      .clean_up_paused = clean_up_paused_,
      .event_log = event_log_});
  auto events = Compare(*before, *topology_.Get(), FindOutages(), Clock::now());
  for (const auto& event : events) {
    if (event.kind != event_kind::kMasterChanged) continue;
    called_down_.erase(event.group);
    if (event.group != recorded) continue;
    AddToEventLog({.time = UnixTime(),
                   .group = event.group,
                   .kind = event.kind,
                   .sentence = event.sentence,
                   .by = OwnName()});
  }
  events_.Add(std::move(events));
}

void Watcher::AddToEventLog(store::PastEvent event) {
  if (unlogged_.size() >= store::kMostPastEvents) unlogged_.erase(unlogged_.begin());
  unlogged_.push_back(std::move(event));
  event_log_at_ = Clock::now();
}

void Watcher::WriteEventLog() {
  if (unlogged_.empty() || !session_->connected()) return;
  if (const auto written = registry_.event_log.Append(unlogged_); !written) {
    log_event_log_(log::Severity::kWarn, {.event = "event-log-write-failed"},
                   fmt::format("cannot write the event log {}: {}; retrying", registry_.event_log.Path(),
                               written.error().message));
    event_log_at_ = Clock::now() + kLongestRetry;
    return;
  }
  log_event_log_.Reset();
  unlogged_.clear();
}

}  // namespace redis_zk::watcher
