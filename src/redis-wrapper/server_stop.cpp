#include "redis-wrapper/server_stop.h"

#include <fmt/core.h>

#include <chrono>
#include <csignal>
#include <cstdlib>

#include "base/exit_code.h"
#include "base/log.h"
#include "failover/appointment.h"

namespace redis_zk::redis_wrapper {

namespace {

constexpr const char* kShutdownTimeout = "shutdown-timeout";
// Of STOP_TIMEOUT: the server waits for replicas that lag for at most one part, and the rest is for the save.
constexpr int kStopParts = 5;

}  // namespace

ServerStop::ServerStop(const WrapperOptions& options, const redis::Network& network,
                       daemon::WrapperLoop& loop, daemon::ServerRunner& runner, redis::KeptServer& own_server,
                       const Membership& membership, const Lookup& lookup, DatasetKeeper& keeper,
                       Conversion& conversion)
    : options_(options),
      network_(network),
      loop_(loop),
      runner_(runner),
      own_server_(own_server),
      membership_(membership),
      lookup_(lookup),
      keeper_(keeper),
      conversion_(conversion),
      failover_request_(options.common, network, membership.self().endpoint) {}

std::optional<TimePoint> ServerStop::HandOver(TimePoint until) {
  if (!handover_) {
    const Duration left = Remaining(until, Clock::now());
    if (left == Duration::zero()) return std::nullopt;
    stop_requests_ = loop_.stop_requests();
    handover_.emplace(network_, terms_.emplace(HandoverTerms(left)));
  }
  // ZooKeeper may come back, or go, while the handover waits for what it lacks.
  if (handover_->writes_go_on()) terms_->recorded = IsConfirmed();
  if (loop_.exit_code()) handover_->Interrupt("redis-server exited");
  if (loop_.stop_requests() != stop_requests_) handover_->Interrupt("interrupted by a second stop request");
  const auto wake = handover_->Step();
  if (!wake) End(handover_->outcome());
  return wake;
}

failover::Handover::Terms ServerStop::HandoverTerms(Duration timeout) const {
  return {.group = options_.common.master_name,
          .server = options_.server.bind,
          .own = &own_server_,
          .announced = membership_.self().endpoint,
          .sentinels = lookup_.sentinels(),
          .recorded = IsConfirmed(),
          .after_failure = failover::Handover::AfterFailure::kItStops,
          .timeout = timeout};
}

bool ServerStop::HasOthers() {
  if (!lookup_.others().empty()) return true;
  // One that has just begun may not be among those.
  const auto own = own_server_.AskInfo();
  return own && own->connected_replicas > 0;
}

bool ServerStop::IsConfirmed() const { return membership_.IsRecorded() && membership_.IsCurrent(); }

void ServerStop::End(const failover::Handover::Outcome& outcome) {
  const bool done = outcome.kind == failover::Handover::Outcome::Kind::kDone;
  if (outcome.is_master && (done || HasOthers())) loop_.reporter().NoteHandover(done, outcome.told);
  if (done) {
    if (loop_.session().connected())
      failover::RecordAppointed(network_.sentinels, lookup_.sentinels(), options_.common.master_name,
                                outcome.promoted, membership_.record(), loop_.registry(), options_.name());
    log::Info({.event = "handover-done"}, "{}", outcome.told);
  } else if (outcome.is_master) {
    log::Warn({.event = "handover-skipped"}, "stopping without a handover: {}", outcome.told);
  } else {
    log::Info({.event = "handover-not-needed"}, "stopping without a handover: {}", outcome.told);
  }
}

int ServerStop::Stop() {
  const auto own = own_server_.AskInfo();
  if (own && !own->loading) {
    conversion_.BeforeStop(*own, keeper_.files().snapshots, own_server_);
    keeper_.WriteDown(*own, Clock::now());
    last_seen_ = *own;
  }
  if (last_seen_.connected_replicas > 0) ShortenTheWait();
  const int code = runner_.Stop();
  if (code == kExitSignalBase + SIGKILL) ReportKilled();
  // What the server saved last belongs into the comparison when everybody returns.
  if (loop_.session().connected()) keeper_.ReportLast();
  return code;
}

void ServerStop::ShortenTheWait() {
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

void ServerStop::ReportKilled() const {
  const auto& files = keeper_.files();
  std::string cost = "nothing is lost on disk, where this group keeps no data";
  if (last_seen_.append_only) {
    cost = "writes that are not in the append-only file yet may be lost";
  } else if (files.snapshots) {
    cost = fmt::format("{} changes since the last snapshot may be lost", last_seen_.unsaved_changes);
  }
  const bool cannot_write = runner_.FindStorageTrouble(files.dir).has_value();
  log::Error(
      {.event = "killed-while-stopping"},
      "redis-server was killed before its shutdown finished: {}; {}raise STOP_TIMEOUT (now {} ms) above "
      "the time of a save",
      cost, cannot_write ? fmt::format("free space in {}, which it could not write to, and ", files.dir) : "",
      options_.server.stop_timeout.count());
}

int ServerStop::EndUnreachable() {
  if (membership_.IsRecorded()) AskForFailover("this master lost its bind address");
  Stop();
  return loop_.stop_requested() ? kExitStopped : kExitTryAgain;
}

int ServerStop::ReportEnd() {
  const int code = *loop_.exit_code();
  log::Error({.event = "server-exited"}, "redis-server exited unexpectedly, code {}; {}", code,
             runner_.DescribeEnd(code));
  if (membership_.IsRecorded()) AskForFailover("the master's redis-server exited");
  // A SHUTDOWN by a client is no success of ours: a scheduler that restarts on failure must see one.
  return code == 0 ? kExitTryAgain : code;
}

void ServerStop::AskForFailover(const std::string& why) {
  failover_request_.Ask(lookup_.sentinels(), membership_.IsCurrent(), why, Clock::now());
}

}  // namespace redis_zk::redis_wrapper
