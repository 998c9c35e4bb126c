#include "watcher/admin.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "base/log.h"
#include "base/printable.h"
#include "base/unix_time.h"
#include "failover/appointment.h"
#include "options/parsers.h"
#include "sentinel/client.h"
#include "store/registry.h"
#include "store/sentinel_id.h"
#include "watcher/deletion.h"
#include "watcher/events.h"
#include "watcher/words.h"

namespace redis_zk::watcher {

namespace {

using HandoverKind = failover::Handover::Outcome::Kind;
using zookeeper::Watch;

constexpr int kBadRequest = 400;
constexpr int kNotFound = 404;
constexpr int kConflict = 409;
constexpr int kUnavailable = 503;
constexpr int kTimedOut = 504;

constexpr Duration kConnectWithin = 3s;
// A Sentinel sees a promotion within a second, and says so at once.
constexpr Duration kConfirmWithin = 3s;
constexpr Duration kConfirmEvery = 20ms;
// The others hear of it from the first, every two seconds.
constexpr Duration kAllKnowWithin = 5s;
// An application connects within this time to the master that a Sentinel named.
constexpr Duration kConnects = 300ms;
constexpr Duration kUsualPause = 1h;
constexpr Duration kShortestPause = 1s;

AdminOutcome Failed(const Error& error) {
  return {.status = error.kind == ErrorKind::kConflict ? kConflict : kUnavailable, .told = error.message};
}

std::string PausedIn(const AdminRequest& request) {
  return request.group.empty() ? store::kAllGroups : request.group;
}

// What kept a handover from being one; nothing: a replica was promoted.
std::optional<AdminOutcome> FailureIn(const failover::Handover::Outcome& outcome, bool stopping,
                                      const Endpoint& master) {
  switch (outcome.kind) {
    case HandoverKind::kDone:
      return std::nullopt;
    case HandoverKind::kRefused:
      if (stopping)
        return AdminOutcome{.status = kUnavailable, .told = "this watcher is stopping; nothing was done"};
      return AdminOutcome{.status = kConflict, .told = outcome.told};
    case HandoverKind::kGivenUp:
      return AdminOutcome{
          .status = kTimedOut,
          .told = fmt::format("{}; {} accepts writes again", outcome.told, master.ToAddress())};
    case HandoverKind::kUndecided:
      return AdminOutcome{.status = kTimedOut, .told = outcome.told};
  }
  return std::nullopt;
}

}  // namespace

std::string OwnName() {
  std::array<char, 256> host{};
  gethostname(host.data(), host.size() - 1);
  return fmt::format("{}:{}", host.data(), getpid());
}

Result<Duration> ParsePause(std::string_view text) {
  return DurationBetween(kShortestPause, store::kLongestPause)(text);
}

// For one request.
class Admin::OwnSession {
 public:
  OwnSession(const CommonOptions& options, const Published<Topology>& topology,
             const zookeeper::SessionFactory& open_session)
      : topology_(topology),
        news_(0),
        session_(open_session(options.zk_hosts, options.zk_security, options.zk_session_timeout,
                              [this](const zookeeper::SessionEvent&) { news_.Set(0); })),
        registry_(*session_, options.zk_root) {}

  Status Connect() {
    const TimePoint deadline = Clock::now() + kConnectWithin;
    session_->Maintain(Clock::now());
    while (!session_->connected() && !stopping() && Clock::now() < deadline) Wait(deadline);
    if (session_->refused()) return Fail(ErrorKind::kDenied, "ZooKeeper takes no digest credentials");
    if (!session_->connected()) return Fail(ErrorKind::kUnavailable, "ZooKeeper is unreachable");
    id_ = session_->id();
    return {};
  }

  // Looks after the session until then; whether it still is the same one, and may go on.
  bool Wait(TimePoint until) {
    const auto seen = news_.Get();
    session_->Maintain(Clock::now());
    news_.GetNext(seen, std::min(until, Clock::now() + zookeeper::kUpkeep));
    session_->Maintain(Clock::now());
    return !stopping() && session_->id() == id_;
  }

  bool connected() const { return session_->connected(); }
  bool stopping() const { return topology_.closed(); }
  store::Registry& registry() { return registry_; }

 private:
  const Published<Topology>& topology_;
  Published<int> news_;
  std::unique_ptr<zookeeper::Session> session_;
  store::Registry registry_;
  std::int64_t id_ = 0;
};

Admin::Admin(const WatcherOptions& options, const Published<Topology>& topology,
             const daemon::Connections& connections, Tell tell)
    : options_(options),
      topology_(topology),
      connections_(connections),
      tell_(std::move(tell)),
      door_(options.admin_tokens.list) {}

void Admin::ReadTokensAgain() {
  const std::string& path = options_.admin_tokens.path;
  if (path.empty()) return;
  auto read = ReadAdminTokens(path);
  if (!read) {
    log::Warn(
        {.event = "admin-token-reload-rejected"},
        "SIGHUP: admin tokens not reloaded: found \"{}\", expected {}; fix the file and send SIGHUP again",
        Printable(path), read.error().message);
    return;
  }
  const std::string names = NamesOf(read->list);
  if (door_.Replace(std::move(read->list)))
    log::Info({.event = "admin-token-reloaded"}, "SIGHUP: admin tokens reloaded{}{}",
              names.empty() ? "" : ", they are of ", names);
}

AdminOutcome Admin::Run(const AdminRequest& request) {
  AdminOutcome outcome;
  switch (request.action) {
    case AdminRequest::Action::kFailOver:
      outcome = FailOver(request);
      break;
    case AdminRequest::Action::kDeleteGroup:
      outcome = DeleteGroup(request);
      break;
    case AdminRequest::Action::kPauseChanges:
      outcome = Pause(request);
      break;
    case AdminRequest::Action::kResumeChanges:
      outcome = Resume(request);
      break;
  }
  // Whatever foreign text it quotes.
  outcome.told = Printable(outcome.told, 300);
  const std::string name = DescribeRequest(request);
  decltype(log::About::more) fields{{"from", request.from}, {"status", std::to_string(outcome.status)}};
  if (!request.who.empty()) fields.emplace_back("who", request.who);
  log::Info({.event = "admin-request", .group = request.group, .more = std::move(fields)},
            "admin request: {}: {}", name, outcome.told);
  if (outcome.status != kBadRequest && outcome.status != kNotFound) {
    const std::string sentence = fmt::format("{}, requested by {}: {}", name,
                                             store::Requester(request.who, request.from), outcome.told);
    Event event{.kind = KindOf(request.action), .group = request.group, .sentence = sentence};
    event.fields = {{"status", std::int64_t{outcome.status}}};
    tell_(event, {.time = UnixTime(),
                  .group = request.group,
                  .kind = event.kind,
                  .sentence = sentence,
                  .by = OwnName(),
                  .who = request.who,
                  .from = request.from});
  }
  return outcome;
}

std::optional<AdminOutcome> Admin::FindObstacle(const std::string& group) const {
  const auto topology = topology_.Get();
  if (!group.empty() && !topology->groups.contains(group))
    return AdminOutcome{.status = kNotFound, .told = "no such group; /masters lists the groups"};
  if (!topology->zookeeper_connected)
    return AdminOutcome{.status = kUnavailable, .told = "ZooKeeper is unreachable"};
  return std::nullopt;
}

AdminOutcome Admin::FailOver(const AdminRequest& request) const {
  std::optional<Endpoint> to;
  if (!request.to.empty()) {
    const auto parsed = ParseAddress(request.to, std::nullopt);
    if (!parsed) {
      return {.status = kBadRequest,
              .told = fmt::format("to: found \"{}\", expected {}", Printable(request.to),
                                  parsed.error().message)};
    }
    to = *parsed;
  }
  if (auto obstacle = FindObstacle(request.group)) return *obstacle;
  OwnSession own(options_.common, topology_, connections_.open_session);
  if (const auto connected = own.Connect(); !connected) return Failed(connected.error());
  if (const auto taken = own.registry().admin_lock.Take(request.group, OwnName()); !taken) {
    if (taken.error().kind != ErrorKind::kAlreadyExists) return Failed(taken.error());
    return {.status = kConflict,
            .told = "the watcher " + taken.error().message + " is already running a failover of this group"};
  }
  return HandoverTo(own, request, to);
}

AdminOutcome Admin::HandoverTo(OwnSession& own, const AdminRequest& request,
                               const std::optional<Endpoint>& to) const {
  const TimePoint start = Clock::now();
  const auto record = own.registry().records.Read(request.group, Watch::kNo);
  if (!record) return Failed(record.error());
  if (record->state != store::Record::State::kMaster)
    return {.status = kConflict, .told = "no master is recorded"};
  const Endpoint& master = record->master;
  const auto registered = own.registry().sentinels.List(Watch::kNo);
  if (!registered) return Failed(registered.error());
  const auto info = connections_.network.redis.AskInfo(master);
  if (!info) {
    return {
        .status = kConflict,
        .told = fmt::format("the master does not answer; if it is down, Sentinel fails over by itself: {}",
                            info.error().message)};
  }
  if (info->role != redis::Role::kMaster)
    return {.status = kConflict,
            .told = fmt::format("the recorded master {} is a replica; retry when the record has changed",
                                master.ToAddress())};

  failover::Handover::Terms terms{.group = request.group,
                                  .server = master,
                                  .announced = master,
                                  .sentinels = store::PeersIn(*registered),
                                  .to = to,
                                  .recorded = true,
                                  .after_failure = failover::Handover::AfterFailure::kItGoesOn};
  failover::Handover handover(connections_.network, terms);
  while (const auto wake = handover.Step()) {
    if (!own.Wait(*wake)) handover.Interrupt("the ZooKeeper session of this request ended");
  }
  const auto& outcome = handover.outcome();
  if (auto failure = FailureIn(outcome, own.stopping(), master)) return *failure;
  if (options_.update_master == UpdateMasterMode::kOn && own.connected())
    failover::RecordAppointed(connections_.network.sentinels, terms.sentinels, request.group,
                              outcome.promoted, *record, own.registry(), OwnName());
  AdminOutcome::FailedOver done{.from = master, .to = outcome.promoted, .paused = outcome.paused};
  const bool confirmed = AwaitSentinels(own, terms, start, &done);
  if (!confirmed)
    return {.status = kTimedOut,
            .told = fmt::format("{} was promoted, but no Sentinel reports it as the master yet",
                                done.to.ToAddress())};
  if (to && *to != done.to)
    return {.status = kConflict,
            .told = fmt::format("handed over to {} instead of {}: Sentinel preferred it", done.to.ToAddress(),
                                to->ToAddress())};
  return {.told = fmt::format("handed over from {} to {} in {}, writes paused for {}, epoch {}",
                              done.from.ToAddress(), done.to.ToAddress(), InSeconds(done.took),
                              InSeconds(done.paused), done.epoch),
          .failed_over = done};
}

bool Admin::AwaitSentinels(OwnSession& own, const failover::Handover::Terms& terms, TimePoint start,
                           AdminOutcome::FailedOver* done) const {
  bool confirmed = false;
  TimePoint deadline = Clock::now() + kConfirmWithin;
  while (true) {
    bool all_know = true;
    bool known = false;
    for (const auto& report :
         sentinel::AskSentinels(connections_.network.sentinels, terms.sentinels, terms.group)) {
      if (!report) continue;
      // Of SENTINEL MASTERS, the one that leads the failover answers with the old master to its end.
      all_know = all_know && report->master == done->to && !report->failover_in_progress;
      known = known || report->master == done->to;
      if (report->master == done->to) done->epoch = std::max(done->epoch, report->config_epoch);
    }
    if (known && !confirmed) {
      confirmed = true;
      done->took = std::chrono::duration_cast<Duration>(Clock::now() - start);
      deadline = Clock::now() + kAllKnowWithin;
      // Clients that stay would go on reading at a replica.
      Disconnect(terms.group, done->from);
    }
    if ((confirmed && all_know) || Clock::now() >= deadline) break;
    own.Wait(Clock::now() + kConfirmEvery);
  }
  // Those that came meanwhile were sent by a Sentinel that had not heard of it.
  const TimePoint connected = Clock::now() + kConnects;
  while (Clock::now() < connected && own.Wait(connected)) continue;
  Disconnect(terms.group, done->from);
  return confirmed;
}

void Admin::Disconnect(const std::string& group, const Endpoint& demoted) const {
  if (const auto done = failover::DisconnectClients(connections_.network.redis, demoted); !done)
    log::Warn(
        {.event = "clients-not-disconnected", .group = group, .peer = demoted.ToAddress()},
        "cannot disconnect clients after the demotion: {}; they may read stale data until they reconnect",
        done.error().message);
}

AdminOutcome Admin::DeleteGroup(const AdminRequest& request) const {
  if (auto obstacle = FindObstacle(request.group)) return *obstacle;
  DeletionView view{.group = request.group, .own_group = options_.common.master_name};
  OwnSession own(options_.common, topology_, connections_.open_session);
  if (const auto connected = own.Connect(); !connected) return Failed(connected.error());
  auto record = own.registry().records.Read(request.group, Watch::kNo);
  if (!record) return Failed(record.error());
  view.record = std::move(*record);
  if (auto members = own.registry().members.List(request.group, Watch::kNo)) {
    view.members = std::move(*members);
  } else if (members.error().kind != ErrorKind::kNotFound) {
    return Failed(members.error());
  }
  const auto registered = own.registry().sentinels.List(Watch::kNo);
  if (!registered) return Failed(registered.error());
  const auto sentinels = store::PeersIn(*registered);
  std::vector<Endpoint> masters;
  if (view.record.state == store::Record::State::kMaster) masters.push_back(view.record.master);
  for (auto& report : sentinel::AskSentinels(connections_.network.sentinels, sentinels, request.group)) {
    if (!report) continue;
    masters.push_back(report->master);
    view.reports.push_back(std::move(*report));
  }
  view.answering = connections_.network.redis.WhoAnswers(masters);
  if (const auto life = FindLife(view)) return {.status = kConflict, .told = *life};
  const auto removed = own.registry().groups.Remove(request.group, view.record);
  if (!removed && removed.error().kind == ErrorKind::kConflict)
    return {.status = kConflict, .told = "a member of the group registered in the meantime"};
  if (!removed) return Failed(removed.error());
  return {.told = "deleted the group " + request.group};
}

AdminOutcome Admin::Pause(const AdminRequest& request) const {
  Duration lasts = kUsualPause;
  if (!request.lasts.empty()) {
    const auto parsed = ParsePause(request.lasts);
    if (!parsed)
      return {.status = kBadRequest,
              .told = fmt::format("for: found \"{}\", expected {}", Printable(request.lasts),
                                  parsed.error().message)};
    lasts = *parsed;
  }
  if (auto obstacle = FindObstacle(request.group)) return *obstacle;
  OwnSession own(options_.common, topology_, connections_.open_session);
  if (const auto connected = own.Connect(); !connected) return Failed(connected.error());
  const store::Pause pause{.since = UnixTime(),
                           .until = UnixTime() + lasts.count(),
                           .by = OwnName(),
                           .who = request.who,
                           .from = request.from,
                           .reason = Printable(request.reason)};
  const auto paused = own.registry().paused_groups.Pause(PausedIn(request), pause);
  if (!paused) return Failed(paused.error());
  return {.told = fmt::format("automatic changes of {} {}", WhomOf(request), Describe(pause))};
}

AdminOutcome Admin::Resume(const AdminRequest& request) const {
  if (auto obstacle = FindObstacle(request.group)) return *obstacle;
  OwnSession own(options_.common, topology_, connections_.open_session);
  if (const auto connected = own.Connect(); !connected) return Failed(connected.error());
  const auto resumed = own.registry().paused_groups.Resume(PausedIn(request), UnixTime());
  if (!resumed) return Failed(resumed.error());
  const auto left = own.registry().paused_groups.Read(Watch::kNo);
  if (!left) return Failed(left.error());
  if (const auto* pause = store::FindPause(*left, PausedIn(request), UnixTime()))
    return {.told = fmt::format("automatic changes of {} stay {}; that pause is of all groups",
                                WhomOf(request), Describe(*pause))};
  return {.told = fmt::format("automatic changes of {} {}", WhomOf(request),
                              *resumed ? "resumed" : "were not paused")};
}

}  // namespace redis_zk::watcher
