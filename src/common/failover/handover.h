// A planned change of the master: nothing that was acknowledged may be lost, and writes go on elsewhere soon.
//
//   wait until a Sentinel can promote a replica, and every replica is close -> pause writes -> wait until
//   every replica has them all -> a Sentinel fails over -> the moment a replica is promoted, make the old
//   master its replica -> release the clients, which are told that this is no master any more
//
// Sentinel's failover alone would leave the old master writable for some eleven seconds, and lose what is
// written to it meanwhile; Redis' own FAILOVER is not noticed by Sentinel for half a minute.
//
// The master may be anywhere. The daemon that hands over may die at any moment: then the pause ends by
// itself, early if no Sentinel was asked yet, else when the old master has long been made a replica by
// others.
//
// It never waits: its owner calls Step, and again when that says. One thread. Every step is bounded, and so
// is what they take together.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/log.h"
#include "base/time.h"
#include "failover/handover_steps.h"
#include "failover/old_master.h"
#include "failover/plan.h"
#include "failover/settings_guard.h"
#include "net/endpoint.h"
#include "redis/servers.h"
#include "sentinel/reports.h"

namespace redis_zk::failover {

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
    std::optional<Endpoint> to{};           // which to promote; nothing: Sentinel chooses
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
    Duration paused{};  // how long no client could write
  };

  // The references must outlive the handover.
  //
  // kItStops: whatever the outcome, the server is to be stopped next; after a failure no write has been
  // accepted that a replica promoted meanwhile lacks.
  Handover(const redis::Network& network, const Terms& terms);

  // Goes on as far as possible now. Nothing: it is over. Otherwise the time at which to call it again; it may
  // be called earlier.
  std::optional<TimePoint> Step();
  // Ends it, for this reason, where that can be done. kItGoesOn: once a Sentinel may have been asked, it is
  // seen through to its end all the same; that takes some seconds, and half a minute at most.
  void Interrupt(std::string why);
  // It has not come to the pause: the master takes writes.
  bool writes_go_on() const;
  // REQUIRES: it is over.
  const Outcome& outcome() const { return *outcome_; }

 private:
  // What a step leads to: itself again at some time, another one, or the end.
  struct Wait {
    TimePoint until;
  };
  using Next = std::variant<Wait, step::Any, Outcome>;

  Next Take(step::Looking& at);
  Next Take(step::Preferring& at);
  Next Take(step::Approaching& at);
  Next Take(step::CatchingUp& at);
  Next Take(step::Ordering& at);
  Next Take(step::AwaitingPromotion& at);
  Next Take(step::CallingOff& at);
  Next Take(step::Demoting& at);

  bool GoesOn() const { return terms_.after_failure == AfterFailure::kItGoesOn; }
  // By when a passing obstacle has to have passed, and the replicas to have come close.
  TimePoint BeginBy() const;
  HandoverPlan Look();
  Next Prepare(HandoverPlan plan);
  Next Approach(HandoverPlan plan) const;
  Next PauseWrites(HandoverPlan plan);
  Next EndFailedAttempt(step::Attempt attempt);
  step::Any BeginCallingOff(step::Attempt attempt, std::vector<Endpoint> asked, TimePoint by,
                            bool ask_next) const;
  step::Any Demote(const Endpoint& promoted) const;
  Next LookAgain(std::string obstacle);
  Next GiveUp(Outcome::Kind kind, std::string why);
  Outcome End(Outcome::Kind kind, std::string told);

  const redis::Network network_;
  const Terms& terms_;
  const TimePoint start_;
  std::optional<Endpoint> to_;               // which to promote
  std::vector<sentinel::Peer> answering_{};  // Sentinels, when they were looked at last
  std::optional<TimePoint> possible_since_{};
  std::optional<std::string> interrupted_{};
  LogOnChange log_waiting_{};
  OldMaster master_;
  SettingsGuard preference_;
  step::Any step_ = step::Looking{};
  std::optional<Outcome> outcome_{};
};

}  // namespace redis_zk::failover
