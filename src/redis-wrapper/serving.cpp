#include "redis-wrapper/serving.h"

#include <fmt/core.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <utility>
#include <vector>

#include "base/exit_code.h"
#include "base/log.h"
#include "failover/handover.h"
#include "redis-wrapper/follow.h"
#include "redis-wrapper/redis_conf.h"
#include "sentinel/client.h"

namespace redis_zk::redis_wrapper {

namespace {

using store::Record;
using zookeeper::Watch;

constexpr const char* kShutdownTimeout = "shutdown-timeout";
constexpr Duration kCheckInterval = 1s;
constexpr Duration kCheckSoon = 200ms;
// Where the data have just got another name, all of the group is about to: whoever dies before it is written
// down leaves data of unknown origin.
constexpr Duration kSettling = 5s;
// Somebody may have deleted what was registered.
constexpr Duration kRefreshInterval = 10s;
// Of STOP_TIMEOUT: the server waits for replicas that lag for at most one part, and the rest is for the save.
constexpr int kStopParts = 5;

Conversion::To NextConversion(const DatasetKeeper& keeper) {
  if (!NeedsConversion(keeper.files(), keeper.plan())) return Conversion::To::kNothing;
  return keeper.files().append_only ? Conversion::To::kAppendOnly : Conversion::To::kSnapshots;
}

}  // namespace

Serving::Serving(const WrapperOptions& options, const redis::Network& network, daemon::WrapperLoop& loop,
                 daemon::AddressClaim& address_claim, redis::KeptServer& own_server, zookeeper::Lock& lock,
                 Lookup& lookup, DatasetKeeper& keeper, store::Member self, store::Record record)
    : options_(options),
      network_(network),
      loop_(loop),
      address_claim_(address_claim),
      own_server_(own_server),
      lock_(lock),
      lookup_(lookup),
      keeper_(keeper),
      self_(std::move(self)),
      record_(std::move(record)),
      priority_(FindReplicaPriority(ReadRedisConf(options.redis_conf, options.server.work_dir))),
      failover_request_(options.common, network, self_.endpoint),
      fence_(options, network, own_server),
      conversion_(NextConversion(keeper)) {
  // Then it has an offset only once it was linked, be that before it is looked at for the first time.
  if (!keeper.loads_offset()) copy_.first_offset = redis::kNoMasterKnown;
  // A master was started with the user's priority.
  if (!self_.incomplete) priority_.Did(true);
}

int Serving::Run() {
  TimePoint check_at = Clock::now();
  loop_.TakeZooKeeperNews();
  Refresh();
  while (!loop_.exit_code() && !loop_.stop_requested()) {
    loop_.Pump(check_at);
    if (loop_.exit_code() || loop_.stop_requested()) break;
    // Who is no longer the master must know it at once.
    const bool switched = loop_.TakeZooKeeperNews() && Refresh();
    if (!switched && Clock::now() < check_at) continue;
    if (loop_.AddressIsLost()) return EndUnreachable();
    Check();
    const bool soon = fence_.alone() || unsteady_ || Clock::now() < settled_at_;
    check_at = Clock::now() + (soon ? kCheckSoon : kCheckInterval);
  }
  return loop_.exit_code() ? ReportEnd() : Stop();
}

bool Serving::Refresh() {
  if (!loop_.session().connected()) return false;
  const Endpoint before = record_.master;
  if (const auto refreshed = TryRefresh(); !refreshed) {
    log_refresh_(log::Severity::kWarn, {.event = "refresh-failed"},
                 "cannot refresh this node's registration, retrying: " + refreshed.error().message);
  } else {
    log_refresh_.Reset();
  }
  return record_.master != before;
}

Status Serving::TryRefresh() {
  const std::string& group = options_.common.master_name;
  const std::int64_t session = loop_.session().id();
  if (RegistrationDue()) {
    auto registered = loop_.registry().members.Register(group, self_);
    if (!registered && registered.error().kind == ErrorKind::kNotFound) {
      if (auto made = loop_.registry().groups.Ensure(group); !made) return made;
      registered = loop_.registry().members.Register(group, self_);
    }
    if (!registered) return registered;
    registration_changed_ = false;
    address_claim_.Keep();
  }
  // A lock that was left half-taken must not stand in anybody's way.
  if (auto released = lock_.Release(); !released) return released;
  auto record = loop_.registry().records.Read(group, Watch::kYes);
  if (!record && record.error().kind == ErrorKind::kNotFound) {
    // A group of which somebody lives is not removed.
    if (auto made = loop_.registry().groups.Ensure(group); !made) return made;
    record = loop_.registry().records.Read(group, Watch::kYes);
  }
  if (!record) return tl::unexpected(record.error());
  record_ = *record;
  if (auto refreshed = lookup_.Refresh(self_.endpoint); !refreshed) return refreshed;
  refreshed_session_ = session;
  refresh_at_ = Clock::now() + kRefreshInterval;
  return {};
}

bool Serving::RegistrationDue() const {
  return registration_changed_ || refreshed_session_ != loop_.session().id() || Clock::now() >= refresh_at_;
}

bool Serving::IsRecorded() const {
  return record_.state == Record::State::kMaster && record_.master == self_.endpoint;
}

bool Serving::Leads(const redis::ServerInfo& own) const {
  return own.role == redis::Role::kMaster && IsRecorded();
}

void Serving::Check() {
  const bool reachable = ZooKeeperAnswers();
  // A refresh that failed is made up for; and who was alone must not go by what he knew before.
  if (reachable && (RegistrationDue() || fence_.alone())) Refresh();
  const auto own = own_server_.AskInfo();
  if (own) KeepPromotable(*own, reachable);
  SayHealth(own);
  if (!own || own->loading) return;
  if (own->replication_id != replication_id_) {
    replication_id_ = own->replication_id;
    settled_at_ = Clock::now() + kSettling;
  }
  last_seen_ = *own;
  Redirect(*own);
  DisconnectLateClients(*own);
  conversion_.Check(*own, own_server_);
  keeper_.SetConverting(conversion_.pending());
  keeper_.Keep(*own, Leads(*own), reachable, Clock::now());
  const bool another_recorded = record_.state == Record::State::kMaster && record_.master != self_.endpoint;
  fence_.Check(*own, reachable && !another_recorded, lookup_.sentinels(), lookup_.others());
}

void Serving::KeepPromotable(const redis::ServerInfo& own, bool reachable) {
  copy_ = See(copy_, own);
  const bool complete = HoldsCopy(copy_, own);
  unsteady_ = !complete || (own.role == redis::Role::kReplica && !own.link_up);
  if (const auto next = priority_.Next(complete, own, Clock::now())) {
    const auto set = own_server_.Order({"CONFIG", "SET", "replica-priority", std::to_string(*next)});
    if (!set) {
      log_priority_(
          log::Severity::kError, {.event = "replica-priority-failed"},
          fmt::format(
              "cannot set replica-priority to {}, retrying: {}; {}: allow CONFIG SET to redis-wrapper", *next,
              set.error().message,
              complete ? "until then this replica cannot be promoted"
                       : "until then a replica without a complete copy can be promoted"));
    } else {
      priority_.Did(complete);
      log_priority_.Reset();
      if (own.role == redis::Role::kReplica) {
        log::Info({.event = "replica-priority-set"},
                  "replica-priority set to {}: this replica holds {} copy of the group's data", *next,
                  complete ? "a complete" : "no complete");
      }
    }
  }
  if (self_.incomplete == !complete) return;
  self_.incomplete = !complete;
  registration_changed_ = true;
  if (reachable) Refresh();
}

std::optional<std::string> Serving::FindMissing(const redis::ServerInfo& own) const {
  if (!own.link_up) return "the link to the master is down";
  const auto& sentinels = lookup_.sentinels();
  if (sentinels.empty()) return std::nullopt;
  std::vector<Result<sentinel::GroupReport>> answers;
  for (auto& of_one : sentinel::AskAboutGroups(network_.sentinels, sentinels, {options_.common.master_name}))
    answers.push_back(std::move(of_one.front()));
  const auto unaware = FindUnaware(sentinels, answers, self_.endpoint, own.master, priority_.users());
  return unaware ? std::optional("linked; " + *unaware) : std::nullopt;
}

void Serving::SayHealth(const Result<redis::ServerInfo>& own) {
  auto& health = loop_.health();
  if (!own && own.error().kind != ErrorKind::kRefused && !redis::IsFull(own.error())) {
    health.Say(false, "redis-server is unreachable: " + own.error().message);
  } else if (!own) {
    health.Say(ready_, "redis-server is up but refuses our credentials: " + own.error().message);
  } else if (own->role == redis::Role::kMaster) {
    ready_ = true;
    health.Say(ready_, "master at " + self_.endpoint.ToAddress());
  } else {
    const std::string role =
        fmt::format("replica of {} at {}", own->master.ToAddress(), self_.endpoint.ToAddress());
    std::optional<std::string> missing;
    if (!ready_) {
      missing = FindMissing(*own);
      // What it loses later is no reason to kill it.
      ready_ = !missing;
    } else if (!own->link_up) {
      missing = "the link to the master is down";
    }
    if (!HoldsCopy(copy_, *own) && missing) *missing += "; this replica holds no complete copy of the data";
    health.Say(ready_, missing ? role + "; " + *missing : role);
  }
}

void Serving::Redirect(const redis::ServerInfo& own) {
  has_led_ = own.role == redis::Role::kMaster && (has_led_ || Leads(own));
  const auto missed = MissedMaster(own, self_.endpoint, record_);
  const auto master = missed ? missed : Successor(own, self_.endpoint, record_, has_led_);
  if (!master) return;
  const auto info = network_.redis.AskInfo(*master);
  if (!info || info->role != redis::Role::kMaster) return;
  // Under another name or spelling of its address it is this very node.
  if (info->run_id == own.run_id) return;
  if (!IsOurs(*master, *info, own)) return;
  // A master gives its data up on nobody's single word.
  if (!missed && !SentinelsConfirm(*master)) return;
  const auto redirected = own_server_.Ask({{"REPLICAOF", master->host, std::to_string(master->port)}});
  if (!redirected || redirected->front().is_error()) {
    log_redirect_(log::Severity::kWarn, {.event = "redirect-failed", .peer = master->ToAddress()},
                  fmt::format("cannot replicate from the recorded master, retrying: {}",
                              redirected ? redirected->front().text : redirected.error().message));
    return;
  }
  log_redirect_.Reset();
  if (missed) {
    log::Info({.event = "redirected", .peer = master->ToAddress(), .epoch = record_.epoch},
              "the link to {} is down; replicating from the recorded master {}", own.master.ToAddress(),
              master->ToAddress());
    return;
  }
  log::Warn({.event = "demoted", .peer = master->ToAddress(), .epoch = record_.epoch},
            "demoted: {} is the recorded and acting master; replicating from it", master->ToAddress());
  // Clients that stay would go on reading what is about to be replaced.
  DisconnectClients();
}

void Serving::DisconnectLateClients(const redis::ServerInfo& own) {
  if (!late_clients_.Expects(own.role, Clock::now())) return;
  LateClients::Seen seen{.registered = lookup_.sentinels().size()};
  for (const auto& report :
       sentinel::AskSentinels(network_.sentinels, lookup_.sentinels(), options_.common.master_name)) {
    // Of SENTINEL MASTERS, the one that leads a failover answers with the old master to its end.
    if (report)
      ++(report->master == self_.endpoint || report->failover_in_progress ? seen.unaware : seen.aware);
  }
  if (late_clients_.ShouldDisconnect(seen, Clock::now())) DisconnectClients();
}

void Serving::DisconnectClients() {
  const auto done = own_server_.Order({"CLIENT", "KILL", "TYPE", "normal"});
  if (!done)
    log::Warn(
        {.event = "clients-not-disconnected"},
        "cannot disconnect clients after the demotion: {}; they may read stale data until they reconnect",
        done.error().message);
}

bool Serving::IsOurs(const Endpoint& master, const redis::ServerInfo& info, const redis::ServerInfo& own) {
  const auto marks =
      lookup_.ReadMarks({.replication_id = own.replication_id, .previous_id = own.previous_replication_id});
  if (!marks) return false;
  if (BelongsToGroup(info, *marks)) return true;
  // One that has just begun has not written down yet what its data are called.
  const auto& others = lookup_.others();
  if (std::find(others.begin(), others.end(), master) == others.end())
    lookup_.ReportStranger(master, "is recorded as the master of " + options_.common.master_name,
                           DescribeStranger(info));
  return false;
}

bool Serving::SentinelsConfirm(const Endpoint& master) const {
  const auto reports =
      sentinel::AskSentinels(network_.sentinels, lookup_.sentinels(), options_.common.master_name);
  return std::any_of(reports.begin(), reports.end(),
                     [&master](const auto& report) { return report && report->master == master; });
}

bool Serving::ZooKeeperAnswers() const {
  return loop_.session().connected() && loop_.session().Answers(redis::kAnswerTimeout);
}

void Serving::AskForFailover(const std::string& why) {
  failover_request_.Ask(lookup_.sentinels(), ZooKeeperAnswers(), why, Clock::now());
}

int Serving::Stop() {
  const int requests = loop_.stop_requests();
  if (options_.handover_timeout > Duration::zero()) {
    const failover::Handover::Terms terms{.group = options_.common.master_name,
                                          .server = options_.server.bind,
                                          .own = &own_server_,
                                          .announced = self_.endpoint,
                                          .sentinels = lookup_.sentinels(),
                                          .recorded = IsRecorded() && ZooKeeperAnswers(),
                                          .after_failure = failover::Handover::AfterFailure::kItStops,
                                          .timeout = options_.handover_timeout};
    failover::Handover handover(network_, terms);
    while (const auto wake = handover.Step()) {
      loop_.Pump(*wake);
      if (loop_.exit_code()) handover.Interrupt("redis-server exited");
      if (loop_.stop_requests() != requests) handover.Interrupt("interrupted by a second stop request");
    }
    const auto& outcome = handover.outcome();
    if (outcome.kind == failover::Handover::Outcome::Kind::kDone) {
      log::Info({.event = "handover-done"}, "{}", outcome.told);
    } else if (outcome.is_master) {
      log::Warn({.event = "handover-skipped"}, "stopping without a handover: {}", outcome.told);
    } else {
      log::Info({.event = "handover-not-needed"}, "stopping without a handover: {}", outcome.told);
    }
  }
  return StopServer();
}

int Serving::StopServer() {
  const auto own = own_server_.AskInfo();
  if (own && !own->loading) {
    conversion_.BeforeStop(*own, keeper_.files().snapshots, own_server_);
    keeper_.WriteDown(*own, Clock::now());
    last_seen_ = *own;
  }
  if (last_seen_.connected_replicas > 0) ShortenTheWait();
  const int code = loop_.StopServer();
  if (code == kExitSignalBase + SIGKILL) ReportKilled(last_seen_);
  // What the server saved last belongs into the comparison when everybody returns.
  if (loop_.session().connected()) keeper_.ReportLast();
  return code;
}

void Serving::ShortenTheWait() {
  const auto longest =
      std::chrono::duration_cast<std::chrono::seconds>(options_.server.stop_timeout) / kStopParts;
  const auto found = own_server_.Ask({{"CONFIG", "GET", kShutdownTimeout}});
  // Before Redis 7 there was no such wait.
  if (!found || found->front().items.size() != 2) return;
  const auto& configured = found->front().items[1].text;
  if (std::atoll(configured.c_str()) <= longest.count()) return;
  const auto cut = own_server_.Order({"CONFIG", "SET", kShutdownTimeout, std::to_string(longest.count())});
  if (cut) {
    log::Info(
        {.event = "shutdown-timeout-shortened"},
        "shutdown-timeout shortened from {} s to {} s: the rest of STOP_TIMEOUT is for the last snapshot",
        configured, longest.count());
  } else {
    log::Warn({.event = "shutdown-timeout-failed"},
              "cannot shorten shutdown-timeout from {} s: {}; lagging replicas may use up STOP_TIMEOUT",
              configured, cut.error().message);
  }
}

void Serving::ReportKilled(const redis::ServerInfo& own) {
  const auto& files = keeper_.files();
  std::string cost = "nothing is lost on disk, where this group keeps no data";
  if (own.append_only) {
    cost = "writes that are not in the append-only file yet may be lost";
  } else if (files.snapshots) {
    cost = fmt::format("{} changes since the last snapshot may be lost", own.unsaved_changes);
  }
  log::Error(
      {.event = "killed-while-stopping"},
      "redis-server was killed before its shutdown finished: {}; raise STOP_TIMEOUT (now {} ms) above the "
      "time of a save",
      cost, options_.server.stop_timeout.count());
}

int Serving::EndUnreachable() {
  if (IsRecorded()) AskForFailover("this master lost its bind address");
  StopServer();
  return loop_.stop_requested() ? kExitStopped : kExitTryAgain;
}

int Serving::ReportEnd() {
  const int code = *loop_.exit_code();
  log::Error({.event = "server-exited"},
             "redis-server exited unexpectedly, code {}; its own lines above say why", code);
  if (IsRecorded()) AskForFailover("the master's redis-server exited");
  // Somebody's SHUTDOWN is no success of ours: who restarts on failure must see one.
  return code == 0 ? kExitTryAgain : code;
}

}  // namespace redis_zk::redis_wrapper
