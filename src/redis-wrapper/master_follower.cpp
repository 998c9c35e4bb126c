#include "redis-wrapper/master_follower.h"

#include <fmt/core.h>

#include <algorithm>
#include <string>
#include <utility>

#include "failover/order.h"
#include "redis-wrapper/follow.h"
#include "sentinel/client.h"
#include "store/ownership.h"

namespace redis_zk::redis_wrapper {

namespace {

using redis::Role;

// How long the record and most Sentinels may not have heard of a promotion. It should be less than the eight
// seconds after which a Sentinel that still names this node makes the recorded master its replica, and loses
// what was written there.
constexpr Duration kNewsTakes = 3s;
// A look this long after the last one begins anew.
constexpr Duration kSeenAnew = 2s;

std::string Describe(Role role, const Endpoint& master) {
  if (role == Role::kMaster) return "master";
  return master.host.empty() ? "replica" : "replica of " + master.ToAddress();
}

}  // namespace

MasterFollower::MasterFollower(const std::string& group, const redis::Network& network,
                               const Membership& membership, Lookup& lookup, redis::KeptServer& own_server,
                               const CopyGuard::Launch& launch)
    : group_(group),
      network_(network),
      own_server_(own_server),
      membership_(membership),
      lookup_(lookup),
      role_(membership.self().incomplete ? Role::kReplica : Role::kMaster),
      guard_(group, network, membership, lookup, own_server, launch) {}

bool MasterFollower::GuardCopy(const redis::ServerInfo& own, bool can_store) {
  TellRole(own);
  is_left_alone_ = guard_.Check(own, can_store);
  return guard_.HoldsOurs(own);
}

bool MasterFollower::Follow(const redis::ServerInfo& own) {
  if (is_left_alone_) Redirect(own);
  DisconnectLateClients(own);
  return is_left_alone_ && guard_.Knows(own);
}

void MasterFollower::TellRole(const redis::ServerInfo& own) {
  const Endpoint master = own.role == Role::kReplica ? own.master : Endpoint{};
  if (own.role != role_) {
    log::Info({.event = "role-changed",
               .peer = master.host.empty() ? "" : master.ToAddress(),
               .epoch = membership_.record().epoch},
              "role changed from {} to {}", Describe(role_, followed_), Describe(own.role, master));
  }
  role_ = own.role;
  followed_ = master;
}

void MasterFollower::Redirect(const redis::ServerInfo& own) {
  const auto& record = membership_.record();
  const Endpoint& self = membership_.self().endpoint;
  has_led_ = own.role == Role::kMaster && (has_led_ || membership_.IsRecorded());
  if (membership_.pause() != nullptr) return;
  const auto missed = MissedMaster(own, self, record, IsSucceeded(own));
  const auto master = missed ? missed : Successor(own, self, record, has_led_ || WasPassedOver(own));
  if (!master || !lookup_.MayFollow(*master, "is recorded as the master of " + group_)) return;
  const auto info = network_.redis.AskInfo(*master);
  if (!info || info->role != Role::kMaster) return;
  // Under another name or spelling of its address it is this very node.
  if (info->run_id == own.run_id) return;
  if (!IsOurs(*master, *info, own)) return;
  // A master gives its data up on no single word; of a recovery or a cold start no Sentinel may know,
  // and its evidence was looked at under the lock.
  if (!missed && record.origin != store::Origin::kUnelected && !SentinelsConfirm(*master)) return;
  // At a master outside the trusted networks, it would log in with the password that it gets.
  const bool leaves_first =
      own.role == Role::kReplica && !lookup_.options().common.credentials.redis.MayTell(own.master);
  if (!leaves_first) guard_.Trust(*master);
  if (!Replicate(*master)) return;
  if (leaves_first) guard_.Trust(*master);
  if (missed) {
    log::Info({.event = "redirected", .peer = master->ToAddress(), .epoch = record.epoch},
              "{}; replicating from the recorded master {}",
              own.link_up ? own.master.ToAddress() + " is a replica now"
                          : fmt::format("the link to {} is down", own.master.ToAddress()),
              master->ToAddress());
    return;
  }
  log::Warn({.event = "demoted", .peer = master->ToAddress(), .epoch = record.epoch},
            "demoted: {} is the recorded and acting master; replicating from it", master->ToAddress());
  // Clients that stay would go on reading what is about to be replaced.
  DisconnectClients();
}

bool MasterFollower::WasPassedOver(const redis::ServerInfo& own) {
  const bool is_passed_over =
      own.role == Role::kMaster && membership_.IsCurrent() &&
      IsPassedOver(
          membership_.self().endpoint, membership_.record(),
          failover::WithAnswer(sentinel::AskSentinels(network_.sentinels, lookup_.sentinels(), group_)),
          lookup_.sentinels().size());
  if (!is_passed_over) {
    passed_over_since_.reset();
    return false;
  }
  const TimePoint now = Clock::now();
  // Time in which nothing was seen, as in a pause, does not count.
  if (!passed_over_since_ || now >= passed_over_seen_ + kSeenAnew) passed_over_since_ = now;
  passed_over_seen_ = now;
  return now >= *passed_over_since_ + kNewsTakes;
}

bool MasterFollower::IsSucceeded(const redis::ServerInfo& own) const {
  if (own.role != Role::kReplica || !own.link_up || own.master == membership_.record().master) return false;
  // Who may be a stranger is told no password.
  if (!guard_.Knows(own)) return false;
  const auto master = network_.redis.AskInfo(own.master);
  return master && master->role == Role::kReplica;
}

bool MasterFollower::Replicate(const Endpoint& master) {
  const auto redirected = own_server_.Order({"REPLICAOF", master.host, std::to_string(master.port)});
  if (redirected) {
    log_failure_.Reset();
    return true;
  }
  log_failure_(
      log::Severity::kWarn, {.event = "redirect-failed", .peer = master.ToAddress()},
      fmt::format("cannot replicate from the recorded master, retrying: {}", redirected.error().message));
  return false;
}

void MasterFollower::DisconnectLateClients(const redis::ServerInfo& own) {
  if (!late_clients_.Expects(own.role, Clock::now())) return;
  LateClients::Seen seen{.registered = lookup_.sentinels().size()};
  for (const auto& report : sentinel::AskSentinels(network_.sentinels, lookup_.sentinels(), group_)) {
    if (!report) continue;
    // Of SENTINEL MASTERS, the one that leads a failover answers with the old master to its end.
    const bool unaware = report->master == membership_.self().endpoint || report->failover_in_progress;
    ++(unaware ? seen.unaware : seen.aware);
  }
  if (late_clients_.ShouldDisconnect(seen, Clock::now())) DisconnectClients();
}

void MasterFollower::DisconnectClients() {
  const auto done = own_server_.Order({"CLIENT", "KILL", "TYPE", "normal"});
  if (!done)
    log::Warn(
        {.event = "clients-not-disconnected"},
        "cannot disconnect clients after the demotion: {}; they may read stale data until they reconnect",
        done.error().message);
}

bool MasterFollower::IsOurs(const Endpoint& master, const redis::ServerInfo& info,
                            const redis::ServerInfo& own) {
  const auto marks =
      lookup_.ReadMarks({.replication_id = own.replication_id, .previous_id = own.previous_replication_id});
  if (!marks) return false;
  if (store::BelongsToGroup(info, *marks)) return true;
  // One that has just begun has not written down yet what its data are called.
  const auto& others = lookup_.others();
  if (std::find(others.begin(), others.end(), master) == others.end())
    lookup_.ReportStranger(master, "is recorded as the master of " + group_, store::DescribeStranger(info));
  return false;
}

bool MasterFollower::SentinelsConfirm(const Endpoint& master) const {
  const auto reports = sentinel::AskSentinels(network_.sentinels, lookup_.sentinels(), group_);
  return std::any_of(reports.begin(), reports.end(),
                     [&master](const auto& report) { return report && report->master == master; });
}

}  // namespace redis_zk::redis_wrapper
