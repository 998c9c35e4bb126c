// Points a serving server at its group's right master, and tells of its role: a replica whose master is gone
// for good, a master that was succeeded, and the clients of one that is none any more.
//
// Loop thread only. What fails is logged and tried again.
#pragma once

#include "base/log.h"
#include "redis-wrapper/copy_guard.h"
#include "redis-wrapper/late_clients.h"
#include "redis-wrapper/lookup.h"
#include "redis-wrapper/membership.h"
#include "redis/servers.h"

namespace redis_zk::redis_wrapper {

class MasterFollower {
 public:
  // The references must outlive this.
  MasterFollower(const std::string& group, const redis::Network& network, const Membership& membership,
                 Lookup& lookup, redis::KeptServer& own_server, const CopyGuard::Launch& launch);

  // Call both with each look at the own server, this first: whose data it holds. False: they may be those of
  // a master that is not of the group, and it must not be promoted. `can_store`: a copy of the data.
  bool GuardCopy(const redis::ServerInfo& own, bool can_store);
  // False: what it says of its data is not to be written down, for the same reason.
  bool Follow(const redis::ServerInfo& own);
  // The record names this node, which has just become master by it.
  void NoteRecorded() { has_led_ = true; }
  // Look again soon: the server is between two masters.
  bool unsteady() const { return guard_.unsteady() || passed_over_since_; }
  // What a person must do; nothing: nothing.
  const std::optional<daemon::Wait>& wait() const { return guard_.wait(); }

 private:
  void TellRole(const redis::ServerInfo& own);
  void Redirect(const redis::ServerInfo& own);
  // Whether the master that this replica is linked to is a replica itself.
  bool IsSucceeded(const redis::ServerInfo& own) const;
  bool Replicate(const Endpoint& master);
  // Whether the recorded master's data are of this group; says so where they are not.
  bool IsOurs(const Endpoint& master, const redis::ServerInfo& info, const redis::ServerInfo& own);
  // Whether the group has gone on without this master for long enough, although no record ever named it.
  bool WasPassedOver(const redis::ServerInfo& own);
  // Whether a registered Sentinel names `master`, too.
  bool SentinelsConfirm(const Endpoint& master) const;
  void DisconnectLateClients(const redis::ServerInfo& own);
  void DisconnectClients();

  const std::string& group_;
  const redis::Network network_;
  redis::KeptServer& own_server_;
  const Membership& membership_;
  Lookup& lookup_;
  redis::Role role_;      // as last seen, and before that as it was launched
  Endpoint followed_{};   // by a replica, as last seen
  bool has_led_ = false;  // the record named this node since it became master
  std::optional<TimePoint> passed_over_since_{};
  TimePoint passed_over_seen_{};  // last
  CopyGuard guard_;
  bool is_left_alone_ = true;  // the guard has not just changed its role
  LateClients late_clients_;
  LogOnChange log_failure_;
};

}  // namespace redis_zk::redis_wrapper
