// Keeps a server from copying the data of a master that is not of its group. Addresses are used again: a
// Sentinel that lists ours as another group's replica orders our server to copy that group's data, and does
// so again every eight seconds; a replica whose master is gone connects to its address every second, whatever
// answers there.
//
// What is in memory is dropped when the copy has arrived, which may be milliseconds after the order. So the
// copy is made impossible beforehand: the server can copy only from a master that has just shown to be of the
// group, and only until it is linked to it.
//
// Loop thread only. What fails is logged and tried again.
#pragma once

#include <optional>
#include <string>

#include "base/log.h"
#include "base/time.h"
#include "daemon/waiting.h"
#include "redis-wrapper/copy_lock.h"
#include "redis-wrapper/lookup.h"
#include "redis-wrapper/membership.h"
#include "redis/servers.h"
#include "store/ownership.h"

namespace redis_zk::redis_wrapper {

// What a server that was made a replica is to do.
enum class GuardAction {
  kTrust,     // its master is of the group: let it copy
  kWait,      // nothing is certain: what it holds stays as it is
  kPromote,   // it is the group's master, and another's replica: be the master again
  kRedirect,  // the group has another master: replicate from that one
  kLost,      // it is the group's master, and has copied the data of another group's
};

// What is known of the master that our server follows.
struct GuardView {
  // Answers with data of another group, or is the master of none that our registrations and Sentinels know.
  enum class Master { kOurs, kForeign, kUnnamed, kUnknown };
  Master master = Master::kUnknown;
  bool link_up = false;      // to that master: the copy is complete
  bool is_recorded = false;  // this node is the recorded master
  // More than half of the Sentinels say so, or, where its master is foreign, ZooKeeper does now.
  bool confirmed = false;
  bool another_is_recorded = false;  // which the server does not follow
};
GuardAction DecideGuard(const GuardView& view);

class CopyGuard {
 public:
  // How the server was launched.
  struct Launch {
    CopyLock& lock;              // closed, where it was launched as master
    std::string replication_id;  // of the data that it is master with; empty: it was launched as a replica
  };

  // The references must outlive this.
  CopyGuard(const std::string& group, const redis::Network& network, const Membership& membership,
            Lookup& lookup, redis::KeptServer& own_server, const Launch& launch);

  // Call with each look at the own server. False: it follows a master that is not ours, and was not let down
  // that way; nothing else is to be done with its role now. A server that cannot store a copy is kept from
  // requesting one again and again.
  bool Check(const redis::ServerInfo& own, bool can_store);
  // REQUIRES, as what follows: Check has seen it. Whether what the server says of its data may be written
  // down: it has no link, or one to a trusted master.
  bool Knows(const redis::ServerInfo& own) const;
  // Whether what the server holds are the group's data, and not a copy of others.
  bool HoldsOurs(const redis::ServerInfo& own);
  // Before the server is told to follow `master`, which is known to be of the group.
  void Trust(const Endpoint& master);
  // The server has no link to a trusted master: look again soon.
  bool unsteady() const { return unsteady_; }
  // The group's data were replaced by others.
  const std::optional<daemon::Wait>& wait() const { return wait_; }

 private:
  // The master that was looked at last.
  struct Judged {
    Endpoint master{};
    TimePoint since{};  // when it was looked at first
    TimePoint next{};   // when it may be looked at again
  };

  GuardView Look(const redis::ServerInfo& own);
  GuardView::Master Judge(const redis::ServerInfo& own);
  // Of one that does not say whose it is.
  GuardView::Master JudgeSilent(const Endpoint& master, const Error& error);
  // By the names of the data, as ZooKeeper has them or had them; nothing: they were never read.
  std::optional<bool> IsOfGroup(const redis::ServerInfo& info);
  bool IsServingMember(const Endpoint& endpoint) const;
  bool MostSentinelsNameUs() const;
  // A Sentinel of ours, or the record, names it as the group's master.
  bool IsNamed(const Endpoint& master) const;
  bool Order(const Endpoint& foreign, const redis::Command& command, const std::string& done);
  void ReportLost(const Endpoint& foreign);

  const std::string& group_;
  const redis::Network network_;
  redis::KeptServer& own_server_;
  const Membership& membership_;
  Lookup& lookup_;
  CopyLock& lock_;
  Endpoint trusted_{};  // the master that it may copy from
  Endpoint
      followed_{};  // the trusted one that it was linked to last; no other order made it that one's replica
  Judged judged_;
  store::Dataset lineage_;                  // what its data were called when they were last known to be ours
  std::optional<store::GroupMarks> marks_;  // as last read
  bool unsteady_ = false;
  std::optional<daemon::Wait> wait_;
  LogOnChange log_failure_;
};

}  // namespace redis_zk::redis_wrapper
