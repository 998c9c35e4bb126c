// Whether a master may go on taking writes: a function of values and time.
//
// A master that is cut off from everybody but its clients goes on acknowledging writes while the others elect
// a new one, and all of these are lost when it returns. Two kinds of confirmation count: ZooKeeper, whose
// record names it, and most of the group's Sentinels and replicas. One of them is enough, so that ZooKeeper's
// absence alone stops nothing. Without either it refuses writes, until one of them is back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "net/endpoint.h"
#include "redis/server_info.h"
#include "sentinel/reports.h"

namespace redis_zk::redis_wrapper {

struct Confirmations {
  bool zookeeper = false;      // answers, and its record does not name another
  std::size_t peers = 0;       // the Sentinels and replicas that were registered last
  std::size_t confirming = 0;  // those of them that answer, and take this node for the master
};

// What was found when nothing but the peers was left to ask; those that do not answer are missing from the
// answers.
struct PeersView {
  Endpoint self;
  std::size_t peers = 0;
  std::vector<sentinel::SentinelReport> sentinels;
  std::vector<redis::ServerInfo> replicas;
  // Of a record that ZooKeeper shows now and that names another; 0: there is none, or its lineage does not
  // fit.
  std::uint64_t newer_epoch = 0;
};

// Who has not heard yet that the group has gone on does not confirm: a Sentinel with a configuration older
// than the record's, and then replicas, who know of no configuration, do not either.
Confirmations CountPeers(const PeersView& view);

// A master without a peer is confirmed by none and endangered by none: nothing could promote another.
bool Confirmed(const Confirmations& confirmations);

class Fence {
 public:
  enum class Action { kNone, kRaise, kLower };

  explicit Fence(Duration patience) : patience_(patience) {}

  // What is to be done now. Before the caller orders it, he says so with Sent, and with Did that it is done;
  // until then the same answer comes again. A raise whose answer is lost may have been done.
  Action Next(bool is_master, bool confirmed, TimePoint now);
  void Sent(Action action);
  void Did(Action action);

  bool may_be_raised() const { return may_be_raised_; }
  // No peer has confirmed since: ask again soon.
  bool alone() const { return alone_since_.has_value(); }

 private:
  const Duration patience_;
  std::optional<TimePoint> confirmed_at_;
  // Patience counts from the last confirmation, not from the first silence, which takes its time to be
  // noticed.
  std::optional<TimePoint> alone_since_;
  bool raised_ = false;
  bool may_be_raised_ = false;
};

}  // namespace redis_zk::redis_wrapper
