// A planned change of the master: nothing that was acknowledged may be lost, and writes go on elsewhere soon.
//
//   wait until a Sentinel can promote a replica, and every replica is close -> pause writes -> wait until
//   every replica has them all -> a Sentinel fails over -> the moment a replica is promoted, make the old
//   master its replica -> release the clients, which are told that this is no master any more
//
// Sentinel's failover alone would leave the old master writable for some eleven seconds, and lose what is
// written to it meanwhile; Redis' own FAILOVER is not noticed by Sentinel for half a minute.
//
// The master may be anywhere. Whoever hands over may die at any moment: then the pause ends by itself, early
// if no Sentinel was asked yet, else when the old master has long been made a replica by others.
//
// One thread. Every wait is bounded.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/time.h"
#include "net/endpoint.h"
#include "redis/server_info.h"
#include "redis/servers.h"
#include "sentinel/reports.h"

namespace redis_zk::failover {

// What was looked up before a handover.
struct HandoverView {
  redis::ServerInfo master;
  Endpoint announced;                                        // what others know the master as
  std::map<Endpoint, Result<redis::ServerInfo>> replicas{};  // the attached ones, by their own word
  std::vector<sentinel::GroupReport> sentinels{};            // of those that answer
  std::size_t registered = 0;                                // Sentinels
  std::size_t needed = 1;                                    // how many Sentinels have to name the master
  std::optional<Endpoint> to{};                              // whom to promote
};

// Whether a handover can begin, as a function of what was looked up.
struct HandoverPlan {
  // Those that have to catch up first: every one that Sentinel could promote, since its knowledge of who is
  // ahead is old.
  std::vector<Endpoint> replicas{};
  // Those of them that may be promoted: they hold a complete copy, and their priority is not 0.
  std::vector<Endpoint> candidates{};
  // Sentinels that can be asked, in this order: they know a candidate, and trust their clocks.
  std::vector<Endpoint> sentinels{};
  // All that answer and are not in TILT know a candidate, and the first of them would promote no other one:
  // otherwise applications find the new master a second later.
  bool all_ready = false;
  // What the first of them could promote all the same; see FindUnattached.
  std::vector<Endpoint> unattached{};
  std::string refusal{};  // why not; one sentence
  bool passing = false;   // what is refused now may be possible in a moment
};
HandoverPlan PlanHandover(const HandoverView& view);

// Whom Sentinel could promote all the same: it sees them up, and they are not attached. They still copy, or
// their link has just broken.
std::vector<Endpoint> FindUnattached(const std::vector<Endpoint>& attached,
                                     const std::vector<sentinel::ReplicaReport>& known);

// Closes the connections of applications to a server that is no master any more, so that they ask for the
// master again: those of replicas and of subscribers, among them Sentinels, stay.
Status DisconnectClients(redis::Servers& servers, const Endpoint& server);

class Handover {
 public:
  // What becomes of the old master when it could not hand over.
  enum class AfterFailure { kItStops, kItGoesOn };

  struct Terms {
    std::string group;
    Endpoint server;                        // where the master is spoken to
    redis::KeptServer* own = nullptr;       // if it is our own: the connection that is kept to it
    Endpoint announced;                     // what others know it as
    std::vector<sentinel::Peer> sentinels;  // all that are registered
    std::optional<Endpoint> to{};           // whom to promote; nothing: whom Sentinel likes best
    // Whether ZooKeeper answers, and names this master. Without it most Sentinels have to: on the smaller
    // side of a cut a failover, which needs no votes, would be another one than that of the larger side.
    bool recorded = false;
    AfterFailure after_failure;
    Duration timeout{};  // kItStops only: for everything, the wait for a Sentinel included
  };

  struct Outcome {
    enum class Kind {
      kDone,
      kRefused,    // nothing was done
      kGivenUp,    // kItGoesOn: it takes writes as before. kItStops: none, until it stops
      kUndecided,  // a Sentinel that does not answer may still promote one
    };
    Kind kind = Kind::kRefused;
    std::string told{};     // one sentence: what was done, or what was not and why
    bool is_master = true;  // a replica has nothing to hand over
    Endpoint promoted{};    // kDone only
    Duration took{};
    Duration paused{};  // how long nobody could write
  };

  // Waits a moment while others are looked after, and says whether to go on.
  using Pause = std::function<bool(TimePoint until)>;

  // The references must outlive the handover.
  Handover(const redis::Network& network, const Terms& terms, Pause pause);

  // kItStops: whatever the outcome, the server is to be stopped next; after a failure no write has been
  // accepted that a replica promoted meanwhile lacks. kItGoesOn: once a Sentinel has been asked, it is seen
  // through to its end whatever `pause` says; that takes some seconds, and half a minute at most.
  Outcome Run();

 private:
  struct Promotion {
    std::optional<Endpoint> promoted{};
    bool decided = false;  // no replica will be promoted any more
    bool stalled = false;  // the Sentinel that was asked is silent or in TILT
    std::string why{};
  };

  bool GoesOn() const { return terms_.after_failure == AfterFailure::kItGoesOn; }
  Outcome End(Outcome::Kind kind, std::string told) const;
  HandoverPlan Look();
  sentinel::Peer PeerAt(const Endpoint& sentinel) const;
  Outcome Prepare(HandoverPlan plan);
  Outcome CarryOut(HandoverPlan plan);
  Outcome Order(const HandoverPlan& plan, TimePoint deadline);
  Outcome Finish(const Endpoint& promoted);
  // By when a passing refusal has to have passed, and the replicas to have come close.
  TimePoint BeginBy() const;
  Result<redis::Reply> AskMaster(const redis::Command& command) const;
  Result<redis::ServerInfo> AskMasterInfo() const;
  // Nobody writes for `duration` from now on, unless released earlier.
  Status PauseWrites(Duration duration);
  void Release();
  // Why the replicas did not come as close as `slack` bytes; empty when they did. Those that leave meanwhile
  // are not waited for.
  std::string AwaitReplicas(const std::vector<Endpoint>& replicas, std::int64_t slack,
                            TimePoint deadline) const;
  std::vector<Endpoint> Promotable(const HandoverPlan& plan) const;
  std::optional<Endpoint> FindPromoted(const HandoverPlan& plan) const;
  Promotion AwaitPromotion(const HandoverPlan& plan, const Endpoint& asked, TimePoint deadline) const;
  // Makes the Sentinels give up what they were ordered to, and says how it ended: by a failover-timeout that
  // has passed, or, in TILT, by making them forget the order.
  Promotion EndFailover(const HandoverPlan& plan, const std::vector<Endpoint>& asked,
                        TimePoint deadline) const;
  void Withdraw(const HandoverPlan& plan, const Endpoint& sentinel) const;
  Status Demote(const Endpoint& promoted) const;

  const redis::Network network_;
  const Terms& terms_;
  const Pause pause_;
  const TimePoint start_;
  std::optional<Endpoint> to_;               // whom to promote
  std::vector<sentinel::Peer> answering_{};  // Sentinels, when they were asked last
  bool refused_for_good_ = false;            // to try again would be pointless
  LogOnChange log_waiting_;
  TimePoint paused_at_{};
  TimePoint paused_until_{};
  TimePoint released_at_{};
};

}  // namespace redis_zk::failover
