// Keeps a serving node registered, and what it follows in ZooKeeper read: the record, the Sentinels, the
// other members.
//
// Loop thread only. What fails is logged and tried again.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "base/log.h"
#include "daemon/address_claim.h"
#include "daemon/pauses.h"
#include "daemon/wrapper_loop.h"
#include "redis-wrapper/lookup.h"
#include "store/record.h"
#include "zookeeper/lock.h"

namespace redis_zk::redis_wrapper {

class Membership {
 public:
  // `self` is registered already; `record` was read last. The references must outlive this.
  Membership(const std::string& group, daemon::WrapperLoop& loop, daemon::AddressClaim& address_claim,
             zookeeper::Lock& lock, Lookup& lookup, store::Member self, store::Record record);

  const store::Member& self() const { return self_; }
  // As last read; it serves while ZooKeeper is away.
  const store::Record& record() const { return record_; }
  // What keeps this node's daemons from changing anything by themselves; nothing: nothing does.
  const store::Pause* pause() const { return pauses_.Find(group_); }
  // By the record, as last read.
  bool IsRecorded() const;
  bool AnotherIsRecorded() const;

  // Reads again what is followed, with its watches, and renews the registration where that is due. Whether
  // the record names another master than before.
  bool Refresh();
  // The record as this node has just written it.
  void NoteWritten(store::Record record) { record_ = std::move(record); }
  // To be done again: in another session, since its time has come, or since it failed.
  bool Due() const;
  // Logs a pause that has ended.
  void LookAtPause() { pauses_.Look(); }
  // What the registration says of this node's copy from the next Refresh on. Whether that is news.
  bool SetIncomplete(bool incomplete);
  // The same of its server, which does not answer any more and may still hold `held`; nothing: it answers.
  bool SetHanging(std::optional<store::Dataset> held);

  // A round trip, of a moment at most.
  bool ZooKeeperAnswers() const;
  // ZooKeeper answers, and in this session this node was registered and the record was read, which a watch
  // keeps up to date. Otherwise the record may be what an earlier session saw.
  bool IsCurrent() const;

 private:
  Status TryRefresh();
  Status Register();
  // Once more where the group's place in ZooKeeper is missing, which is made: a group of which a node lives
  // is not removed.
  template <class Call>
  auto InItsPlace(const Call& call) -> decltype(call());

  const std::string& group_;
  daemon::WrapperLoop& loop_;
  daemon::AddressClaim& address_claim_;
  zookeeper::Lock& lock_;
  Lookup& lookup_;
  store::Member self_;
  store::Record record_;
  daemon::Pauses pauses_;
  bool changed_ = false;  // what is to be registered, since it was
  // The session in which this node was registered and the record read; 0: the last attempt failed.
  std::int64_t confirmed_session_ = 0;
  // The session in which everything was registered and read; 0: the last attempt failed.
  std::int64_t refreshed_session_ = 0;
  TimePoint refresh_at_{};
  LogOnChange log_failure_;
};

}  // namespace redis_zk::redis_wrapper
