#include "redis-wrapper/serving.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "base/exit_code.h"
#include "base/log.h"
#include "redis-wrapper/follow.h"
#include "redis/handover.h"

namespace redis_zk::redis_wrapper {

namespace {

using registry::Record;
using zookeeper::Watch;

constexpr Duration kCheckInterval = 1s;
constexpr Duration kCheckSoon = 200ms;
// Where the data have just got another name, all of the group is about to: whoever dies before it is written
// down leaves data of unknown origin.
constexpr Duration kSettling = 5s;
// Somebody may have deleted what was registered.
constexpr Duration kRefreshInterval = 10s;

}  // namespace

Serving::Serving(const WrapperOptions& options, daemon::WrapperLoop& loop, zookeeper::Lock& lock,
                 Lookup& lookup, DatasetKeeper& keeper, registry::Member self, registry::Record record)
    : options_(options),
      loop_(loop),
      lock_(lock),
      lookup_(lookup),
      keeper_(keeper),
      self_(std::move(self)),
      record_(std::move(record)),
      failover_request_(options.common, self_.endpoint),
      fence_(options) {}

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
    const bool soon = fence_.alone() || Clock::now() < settled_at_;
    check_at = Clock::now() + (soon ? kCheckSoon : kCheckInterval);
  }
  return loop_.exit_code() ? ReportEnd() : Stop();
}

bool Serving::Refresh() {
  if (!loop_.session().connected()) return false;
  const Endpoint before = record_.master;
  if (const auto refreshed = TryRefresh(); !refreshed) {
    log_refresh_(refreshed.error().message, LogOnChange::Level::kWarn);
  } else {
    log_refresh_.Reset();
  }
  return record_.master != before;
}

Status Serving::TryRefresh() {
  const std::string& group = options_.common.master_name;
  const std::int64_t session = loop_.session().id();
  if (RegistrationDue()) {
    auto registered = loop_.registry().RegisterMember(group, self_);
    if (!registered && registered.error().kind == ErrorKind::kNotFound) {
      if (auto made = loop_.registry().EnsureGroup(group); !made) return made;
      registered = loop_.registry().RegisterMember(group, self_);
    }
    if (!registered) return registered;
  }
  // A lock that was left half-taken must not stand in anybody's way.
  if (auto released = lock_.Release(); !released) return released;
  auto record = loop_.registry().ReadRecord(group, Watch::kYes);
  if (!record && record.error().kind == ErrorKind::kNotFound) {
    // A group of which somebody lives is not removed.
    if (auto made = loop_.registry().EnsureGroup(group); !made) return made;
    record = loop_.registry().ReadRecord(group, Watch::kYes);
  }
  if (!record) return tl::unexpected(record.error());
  record_ = *record;
  if (auto refreshed = lookup_.Refresh(self_.endpoint); !refreshed) return refreshed;
  refreshed_session_ = session;
  refresh_at_ = Clock::now() + kRefreshInterval;
  return {};
}

bool Serving::RegistrationDue() const {
  return refreshed_session_ != loop_.session().id() || Clock::now() >= refresh_at_;
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
  const auto own = redis::AskServerInfo(options_.server.bind, options_.common.redis, kProbeTimeout);
  SayHealth(own);
  if (!own || own->loading) return;
  if (own->replication_id != replication_id_) {
    replication_id_ = own->replication_id;
    settled_at_ = Clock::now() + kSettling;
  }
  Redirect(*own);
  keeper_.Keep(*own, Leads(*own), reachable, Clock::now());
  const bool another_recorded = record_.state == Record::State::kMaster && record_.master != self_.endpoint;
  fence_.Check(*own, reachable && !another_recorded, lookup_.sentinels(), lookup_.others());
}

void Serving::SayHealth(const Result<redis::ServerInfo>& own) {
  auto& health = loop_.health();
  if (!own && own.error().kind != ErrorKind::kRefused) {
    health.Say(false, "redis-server does not answer: " + own.error().message);
  } else if (!own) {
    health.Say(ready_, "redis-server answers, though not us: " + own.error().message);
  } else if (own->role == redis::Role::kMaster) {
    ready_ = true;
    health.Say(ready_, "master at " + self_.endpoint.ToAddress());
  } else {
    // A link that goes down later is no reason to kill a copy of the data.
    ready_ = ready_ || own->link_up;
    health.Say(ready_,
               fmt::format("replica of {} at {}{}", own->master.ToAddress(), self_.endpoint.ToAddress(),
                           own->link_up ? "" : "; the link to the master is down"));
  }
}

void Serving::Redirect(const redis::ServerInfo& own) {
  has_led_ = own.role == redis::Role::kMaster && (has_led_ || Leads(own));
  const auto missed = MissedMaster(own, self_.endpoint, record_);
  const auto master = missed ? missed : Successor(own, self_.endpoint, record_, has_led_);
  if (!master) return;
  const auto info = redis::AskServerInfo(*master, options_.common.redis, kProbeTimeout);
  if (!info || info->role != redis::Role::kMaster) return;
  // Under another name or spelling of its address it is this very node.
  if (info->run_id == own.run_id) return;
  if (!IsOurs(*master, *info, own)) return;
  // A master gives its data up on nobody's single word.
  if (!missed && !SentinelsConfirm(*master)) return;
  const auto redirected =
      redis::Ask(options_.server.bind, options_.common.redis,
                 {{"REPLICAOF", master->host, std::to_string(master->port)}}, kProbeTimeout);
  if (!redirected || redirected->front().is_error()) {
    log_redirect_(fmt::format("cannot be made a replica of {}: {}; trying again", master->ToAddress(),
                              redirected ? redirected->front().text : redirected.error().message),
                  LogOnChange::Level::kWarn);
    return;
  }
  log_redirect_.Reset();
  if (missed) {
    log::Info("the link to {} is down and the record says that {} is the master: following it",
              own.master.ToAddress(), master->ToAddress());
    return;
  }
  log::Warn("the record says that {} is the master, and it is: this node, a master until now, follows it",
            master->ToAddress());
  // Clients that stay would go on reading what is about to be replaced.
  const auto killed = redis::Ask(options_.server.bind, options_.common.redis,
                                 {{"CLIENT", "KILL", "TYPE", "normal"}}, kProbeTimeout);
  if (!killed || killed->front().is_error()) {
    log::Warn("the clients of this node stay connected, and read what is about to be replaced: {}",
              killed ? killed->front().text : killed.error().message);
  }
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
  const auto reports = redis::AskSentinels(lookup_.sentinels(), options_.common.sentinel,
                                           options_.common.master_name, kProbeTimeout);
  return std::any_of(reports.begin(), reports.end(),
                     [&master](const auto& report) { return report && report->master == master; });
}

bool Serving::ZooKeeperAnswers() const {
  return loop_.session().connected() && loop_.session().Answers(kProbeTimeout);
}

void Serving::AskForFailover(const std::string& why) {
  failover_request_.Ask(lookup_.sentinels(), ZooKeeperAnswers(), why, Clock::now());
}

int Serving::Stop() {
  const int requests = loop_.stop_requests();
  if (options_.handover_timeout > Duration::zero()) {
    const auto go_on = [this, requests](TimePoint until) {
      loop_.Pump(until);
      return !loop_.exit_code() && loop_.stop_requests() == requests;
    };
    const redis::HandOver::Terms terms{.group = options_.common.master_name,
                                       .server = options_.server.bind,
                                       .announced = self_.endpoint,
                                       .sentinels = lookup_.sentinels(),
                                       .recorded = IsRecorded() && ZooKeeperAnswers(),
                                       .after_failure = redis::HandOver::AfterFailure::kItStops,
                                       .timeout = options_.handover_timeout};
    const auto outcome = redis::HandOver(options_.common, terms, go_on).Run();
    if (outcome.kind == redis::HandOver::Outcome::Kind::kDone) {
      log::Info("{}", outcome.told);
    } else if (outcome.is_master) {
      log::Warn("stopping without a hand-over: {}", outcome.told);
    } else {
      log::Info("stopping without a hand-over: {}", outcome.told);
    }
  }
  return StopServer();
}

int Serving::StopServer() {
  const auto own = redis::AskServerInfo(options_.server.bind, options_.common.redis, kProbeTimeout);
  if (own && !own->loading) keeper_.WriteDown(*own, Clock::now());
  const int code = loop_.StopServer();
  // What the server saved last belongs into the comparison when everybody returns.
  if (loop_.session().connected()) keeper_.ReportLast();
  return code;
}

int Serving::EndUnreachable() {
  if (IsRecorded()) AskForFailover("nobody can reach the master any more");
  StopServer();
  return loop_.stop_requested() ? kExitStopped : kExitTryAgain;
}

int Serving::ReportEnd() {
  const int code = *loop_.exit_code();
  log::Error("redis-server ended with {} although nobody asked it to", code);
  if (IsRecorded()) AskForFailover("the master's redis-server has died");
  // Somebody's SHUTDOWN is no success of ours: who restarts on failure must see one.
  return code == 0 ? kExitTryAgain : code;
}

}  // namespace redis_zk::redis_wrapper
