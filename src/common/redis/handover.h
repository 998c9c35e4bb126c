// A planned change of the master: nothing that was acknowledged may be lost, and writes go on elsewhere soon.
//
//   wait until every replica is close -> pause writes -> wait until every replica has them all -> a Sentinel
//   fails over -> the moment a replica is promoted, make the old master its replica -> release the clients,
//   which are told that this is no master any more
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
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "config/common_options.h"
#include "net/endpoint.h"
#include "redis/sentinel_client.h"
#include "redis/server_info.h"

namespace redis_zk::redis {

// Whether a hand-over can begin, as a function of what was looked up.
struct HandOverPlan {
  // Those attached to the master: all of them have to catch up first, for Sentinel's knowledge of who is
  // ahead is up to ten seconds old.
  std::vector<Endpoint> replicas;
  // Sentinels that can be asked, in this order.
  std::vector<Endpoint> sentinels;
  std::string refusal;  // why not; one sentence
};
// `needed`: how many Sentinels have to name the master.
HandOverPlan PlanHandOver(const ServerInfo& master, const Endpoint& announced,
                          const std::vector<SentinelReport>& reports,
                          const std::optional<Endpoint>& to = std::nullopt, std::size_t needed = 1);

// Whom Sentinel could promote all the same: it sees them up, and they are not attached. They still copy, or
// their link has just broken.
std::vector<Endpoint> FindUnattached(const std::vector<Endpoint>& attached,
                                     const std::vector<ReplicaReport>& known);

// Leaves out of the plan whom no failover promotes since it still loads or copies, and need not be waited
// for; refuses where nobody is left who may be promoted, or `to` is not. `infos` stand in the order of the
// plan's replicas; one that does not answer is given the benefit of the doubt.
void LeaveOutIncomplete(const std::vector<Result<ServerInfo>>& infos, const std::optional<Endpoint>& to,
                        HandOverPlan* plan);

class HandOver {
 public:
  // What becomes of the old master when it could not hand over.
  enum class AfterFailure { kItStops, kItGoesOn };

  struct Terms {
    std::string group;
    Endpoint server;               // where the master is spoken to
    Endpoint announced;            // what others know it as
    std::vector<Peer> sentinels;   // all that are registered
    std::optional<Endpoint> to{};  // whom to promote; nothing: whom Sentinel likes best
    // Whether ZooKeeper answers, and names this master. Without it most Sentinels have to: on the smaller
    // side of a cut a failover, which needs no votes, would be another one than that of the larger side.
    bool recorded = false;
    AfterFailure after_failure;
    Duration timeout{};  // kItStops only: for everything
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

  // The references must outlive the hand-over.
  HandOver(const CommonOptions& options, const Terms& terms, Pause pause);

  // kItStops: whatever the outcome, the server is to be stopped next; after a failure no write has been
  // accepted that a replica promoted meanwhile lacks. kItGoesOn: once a Sentinel has been asked, it is seen
  // through to its end whatever `pause` says; that takes some seconds.
  Outcome Run();

 private:
  struct Promotion {
    std::optional<Endpoint> promoted;
    bool decided = false;  // nobody will be promoted any more
    std::string why;
  };

  bool GoesOn() const { return terms_.after_failure == AfterFailure::kItGoesOn; }
  Outcome End(Outcome::Kind kind, std::string told) const;
  Outcome Prepare(HandOverPlan plan);
  Outcome CarryOut(const HandOverPlan& plan);
  Outcome Order(const HandOverPlan& plan, TimePoint deadline);
  Result<Reply> AskMaster(const Command& command) const;
  // Nobody writes for `duration` from now on, unless released earlier.
  Status PauseWrites(Duration duration);
  void Release();
  // Why the replicas did not come as close as `slack` bytes; empty when they did. Those that leave meanwhile
  // are not waited for.
  std::string AwaitReplicas(const std::vector<Endpoint>& replicas, std::int64_t slack,
                            TimePoint deadline) const;
  Promotion AwaitPromotion(const HandOverPlan& plan, const Endpoint& asked, TimePoint deadline) const;
  // Makes those that fail over give up, by a failover-timeout that has passed, and says how it ended.
  Promotion EndFailover(const Endpoint& asked) const;
  Status Demote(const Endpoint& promoted) const;

  const CommonOptions& options_;
  const Terms& terms_;
  const Pause pause_;
  const TimePoint start_;
  std::optional<Endpoint> to_;          // whom to promote
  std::vector<Endpoint> unattached_{};  // see FindUnattached
  TimePoint paused_at_{};
  TimePoint paused_until_{};
  TimePoint released_at_{};
};

}  // namespace redis_zk::redis
