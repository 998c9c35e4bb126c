// What the watcher knows, as one immutable value: the loop publishes it, the HTTP threads read it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/time.h"
#include "net/endpoint.h"
#include "store/event_log.h"
#include "store/pause.h"
#include "store/record.h"
#include "store/report.h"

namespace redis_zk::watcher {

// A redis-wrapper that is registered, and whose Redis does not serve: not yet, or not any more.
struct WaitingMember {
  std::string uuid;
  Endpoint endpoint;
  std::uint64_t data_bytes = 0;  // on its disk, when it started
  bool hangs = false;            // its server runs and does not answer
  TimePoint since{};             // when it was first seen so

  bool operator==(const WaitingMember&) const = default;
};

// What a daemon has waited for longer than a moment.
struct LongWait {
  store::Wait wait;  // as it was told; without a server: a watcher's own
  TimePoint since{};
  std::optional<TimePoint> until{};  // when it ends at the latest

  bool operator==(const LongWait&) const = default;
};

// The files with which a daemon uses TLS.
struct NodeCertificates {
  std::string daemon;  // as of a Wait
  Endpoint endpoint;   // of its server; a watcher has none
  std::vector<store::CertificateFile> files{};

  bool operator==(const NodeCertificates&) const = default;
};

// Znodes at and below the root that other users of ZooKeeper may change, or may read although ZK_ACL is
// private. One whose ACL we may not read counts: it belongs to another user.
struct OpenZnodes {
  std::size_t count = 0;
  std::string first;  // the path of one of them

  bool operator==(const OpenZnodes&) const = default;
};

struct Topology {
  std::string default_group;
  bool redis_tls = false;  // Redis and Sentinels are reached with TLS
  std::vector<store::Sentinel> sentinels;
  // Those that were ever recorded, or have a member. Some znodes every deployment has: they alone make none.
  std::map<std::string, store::Record> groups;
  std::map<std::string, std::vector<WaitingMember>>
      waiting;  // by group; those without a waiting member are left out
  // The members that serve, by group.
  std::map<std::string, std::set<Endpoint>> serving{};
  // Replicas that say that they hold no complete copy of the data, and since when; by group, the same.
  std::map<std::string, std::map<Endpoint, TimePoint>> incomplete{};
  // Replica-priorities of members, by group: those that are not Redis' default.
  std::map<std::string, std::map<Endpoint, std::int64_t>> priorities{};
  // How many registered wrappers are of each version, for people.
  std::map<std::string, std::size_t> versions{};
  // The ids of all Sentinels that are registered here, or have been and may return.
  std::set<std::string> sentinel_ids{};
  // By group; this watcher's own that concern all groups under an empty name.
  std::map<std::string, std::vector<LongWait>> waits{};
  // When ZooKeeper was last read, or was still there to tell of changes; the epoch of the clock: never.
  TimePoint known_at{};
  std::optional<Clock::duration> read_took;  // the last reading
  bool zookeeper_connected = false;
  // The Sentinel whose events are followed.
  std::optional<Endpoint> following;
  // Of all groups and of single ones, also those that have ended.
  store::Pauses pauses{};
  // By group: since when the followed Sentinel has reported its master as down.
  std::map<std::string, TimePoint> called_down{};
  // When the watcher began; kept from one topology to the next.
  TimePoint started_at{};
  // Nothing: not known yet, or there are no credentials, and no watcher looks.
  std::optional<OpenZnodes> open_znodes{};
  // How the wrappers are, as they tell.
  std::vector<store::Report> wrappers{};
  // Of the wrappers, and of this watcher; and a sentence for those that end soon, one for those that have
  // ended.
  std::vector<NodeCertificates> certificates{};
  std::vector<std::string> expiring{};
  // What watchers have kept in ZooKeeper of what happened.
  store::EventLog event_log{};
};

}  // namespace redis_zk::watcher
