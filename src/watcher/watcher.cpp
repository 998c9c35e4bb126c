#include "watcher/watcher.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "base/exit_code.h"
#include "base/log.h"
#include "base/unix_time.h"
#include "daemon/connect.h"
#include "daemon/reload.h"
#include "os/child.h"
#include "watcher/behaviors/config.h"
#include "watcher/web/server.h"

namespace redis_zk::watcher {

namespace {

using sentinel::SubscriberEvent;
using zookeeper::SessionEvent;

constexpr Duration kRetry = 100ms;

}  // namespace

Watcher::Watcher(const WatcherOptions& options, const BlockedSignals& signals,
                 const daemon::Connections& connections)
    : options_(options),
      queue_(signals),
      behaviors_({signals.original_mask()}, options.behaviors),
      publisher_(options.common.master_name, [this](const Event& event) { behaviors_.Tell(event); }),
      zookeeper_(connections.open_session(options.common.zk_hosts, options.common.zk_security,
                                          options.common.zk_session_timeout,
                                          [this](SessionEvent event) { queue_.Push(std::move(event)); }),
                 options.common.zk_root),
      observer_(options, connections.network, publisher_.topology(), [this] { queue_.Push(Observed{}); }),
      admin_(options, publisher_.topology(), connections,
             [this](Event event, store::PastEvent past) {
               queue_.Push(AdminDone{std::move(event), std::move(past)});
             }),
      reader_(options.common, *zookeeper_.session, zookeeper_.registry),
      follower_(connections.subscribe, [this](SubscriberEvent event) { queue_.Push(std::move(event)); }),
      keeper_(options.update_master, connections.network, zookeeper_.registry, reader_.pauses()),
      event_log_(*zookeeper_.session, zookeeper_.registry.event_log),
      housekeeping_(options, connections.network, *zookeeper_.session, zookeeper_.registry,
                    publisher_.events()),
      loop_turned_at_(Clock::now().time_since_epoch().count()) {}

Watcher::~Watcher() {
  // At once, so that another watcher gets the lock of the clean-up while this one waits for its observer.
  zookeeper_.session.reset();
  // What the observer waits for.
  publisher_.Close();
}

int Watcher::Run() {
  const auto code = daemon::ConnectZooKeeper(
      *zookeeper_.session, options_.common,
      [this](TimePoint deadline) {
        Pump(deadline);
        LookAtOwnWaits();
      },
      [this] { return stop_requested_; });
  if (code) return *code;
  Reconcile();
  web::Server server({publisher_.topology(), observer_.status(), publisher_.events(), behaviors_, admin_,
                      reader_.figures(), loop_turned_at_, options_.common.zk_session_timeout, options_.http});
  if (const auto started = server.Start(options_.listen, options_.http_tls.source.get()); !started) {
    const int exit_code = started.error().kind == ErrorKind::kAlreadyExists ? kExitTryAgain : kExitConfig;
    log::Error({.event = "http-listen-failed"},
               "{}; free the address, or change BIND_IP or PORT0; exiting {}", started.error().message,
               exit_code);
    return exit_code;
  }
  log::Info({.event = "http-listening"}, "serving {} on {}", options_.http_tls.source ? "HTTPS" : "HTTP",
            options_.listen.ToAddress());
  Loop();
  // Requests that wait for a change keep the server from ending.
  publisher_.Close();
  behaviors_.RequestStop();
  // What was asked of us comes to its end, and is told.
  const bool stopped = server.Stop();
  while (Pump(Clock::now())) continue;
  event_log_.WriteNow();
  if (!stopped) {
    log::Warn({.event = "http-request-abandoned"},
              "exiting although an admin request still runs: it did not end in time");
    std::_Exit(kExitStopped);
  }
  return kExitStopped;
}

void Watcher::Loop() {
  while (!stop_requested_) {
    const bool quiet = !Pump(NextTurn());
    if (stop_requested_) return;
    Reconcile();
    if (LookAtOwnWaits()) Publish();
    // More may wait behind an event, a failover for one; but events may also never cease.
    const bool due = quiet || housekeeping_.IsDue(Clock::now());
    if (!due || keeper_.has_doubts()) continue;
    if (housekeeping_.AuditAcls(Clock::now())) Publish();
    if (housekeeping_.LookAtCertificates(reader_.view().wrappers, UnixTime())) Publish();
    if (reader_.stale()) continue;
    if (reader_.ReadWaiting()) Publish();
    housekeeping_.CleanUp(reader_.view(), reader_.pauses());
  }
}

TimePoint Watcher::NextTurn() const {
  const TimePoint now = Clock::now();
  if (zookeeper_.session->connected()) {
    if (keeper_.has_doubts()) return now;
    if (reader_.stale()) return std::min(std::max(reader_.read_at(), now), now + kRetry);
  }
  const TimePoint turn = now + (follower_.following() ? zookeeper::kUpkeep : kRetry);
  return reader_.stale() ? turn : std::min(turn, std::max(now, housekeeping_.urgent_at()));
}

bool Watcher::Pump(TimePoint deadline) {
  const auto event = queue_.Pop(std::min(deadline, Clock::now() + zookeeper::kUpkeep));
  loop_turned_at_ = Clock::now().time_since_epoch().count();
  if (event) std::visit([this](const auto& kind) { Reduce(kind); }, *event);
  zookeeper_.session->Maintain(Clock::now());
  housekeeping_.LookAtFiles(Clock::now());
  return event.has_value();
}

bool Watcher::LookAtOwnWaits() {
  return own_waits_.Look({.view = reader_.view(),
                          .observed = *observer_.status().Get(),
                          .unconfirmed = keeper_.unconfirmed(),
                          .blocked = housekeeping_.blocked(),
                          .connected = zookeeper_.session->connected(),
                          .refused = zookeeper_.session->refused(),
                          .outage = zookeeper_.session->outage(),
                          .stale = reader_.stale(),
                          .following = follower_.following().has_value()},
                         Clock::now());
}

void Watcher::Reduce(const SignalReceived& signal) {
  if (signal.number == SIGCHLD) os::ReapStrangers();
  if (signal.number == SIGHUP) Reload();
  if (signal.number == SIGTERM || signal.number == SIGINT || signal.number == SIGQUIT) {
    log::Info({.event = "stop-requested"}, "stop requested by signal {}", signal.number);
    stop_requested_ = true;
  }
}

void Watcher::Reload() {
  const auto read = daemon::Reload(options_.common);
  admin_.ReadTokensAgain();
  housekeeping_.ReloadFiles();
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
  reader_.Reduce(event);
  event_log_.Reduce(event);
  if (event.kind == SessionEvent::Kind::kDisconnected || event.kind == SessionEvent::Kind::kExpired)
    Publish();
}

void Watcher::Reduce(const SubscriberEvent& event) {
  const auto news = follower_.Reduce(event);
  if (news.missed_events) keeper_.DoubtAll();
  if (!news.hinted_group.empty()) keeper_.Hint(news.hinted_group);
  // First the state, then what happened: who hears of the one finds the other.
  if (news.following_changed || news.called_down_changed) Publish();
  if (news.step) publisher_.events().Add(*news.step);
}

void Watcher::Reduce(const Observed& /*event*/) {
  const auto observed = observer_.status().Get();
  housekeeping_.Notice(*observed, reader_.view());
  publisher_.NoteObserved(observed);
}

void Watcher::Reduce(const AdminDone& event) {
  publisher_.events().Add(event.event);
  event_log_.Add(event.past);
}

void Watcher::Reconcile() {
  // Failovers first: nothing else is urgent.
  WriteRecords(keeper_.CheckHinted(reader_.view(), follower_.following()));
  behaviors_.Maintain();
  ReadRegistry();
  follower_.Follow(reader_.view().sentinels);
  if (!zookeeper_.session->connected()) return;
  WriteRecords(keeper_.CheckDoubted(reader_.view()));
  if (!keeper_.has_doubts()) event_log_.Write();
}

void Watcher::ReadRegistry() {
  const auto changed = reader_.Read();
  if (changed) keeper_.Doubt(*changed);
  const bool event_log_read = !reader_.stale() && event_log_.Read();
  if (changed || event_log_read) Publish();
}

void Watcher::WriteRecords(const std::vector<RecordKeeper::Change>& changes) {
  for (const auto& change : changes) {
    const auto written = keeper_.Write(change);
    // The watch on the record brings the new version; after a failure it is read again in any case.
    reader_.MarkStale();
    if (!written) continue;
    reader_.Replace(change.group, *written);
    Publish(/*recorded=*/change.group);
  }
}

void Watcher::Publish(const std::string& recorded) {
  Topology next = TopologyOf(reader_.view(), options_.common.master_name);
  for (const auto& [group, own] : own_waits_.all_long())
    next.waits[group].insert(next.waits[group].end(), own.begin(), own.end());
  next.redis_tls = options_.common.redis_tls.on;
  next.zookeeper_connected = zookeeper_.session->connected();
  next.following = follower_.following();
  next.called_down = follower_.called_down();
  next.open_znodes = housekeeping_.open_znodes();
  next.certificates = housekeeping_.certificates();
  next.expiring = housekeeping_.expiring();
  next.event_log = event_log_.known();
  const auto changes =
      publisher_.Publish(std::move(next), FindOutages(follower_.called_down(), *observer_.status().Get()));
  bool forgot = false;
  for (const auto& change : changes) {
    forgot |= follower_.ForgetOutage(change.group);
    if (change.group != recorded) continue;
    event_log_.Add({.time = UnixTime(),
                    .group = change.group,
                    .kind = change.kind,
                    .sentence = change.sentence,
                    .by = OwnName()});
  }
  if (forgot) Publish();
}

}  // namespace redis_zk::watcher
