// The steps of a handover, with what each knows.
#pragma once

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "base/time.h"
#include "failover/call_off.h"
#include "failover/catch_up.h"
#include "failover/order_watch.h"
#include "failover/plan.h"
#include "net/endpoint.h"

namespace redis_zk::failover::step {

// Before the pause: what prevents it may pass, and then all is looked at anew.
struct Looking {
  std::string last_obstacle{};
  TimePoint not_before{};
};
// A Sentinel has yet to see the priorities that make it prefer one replica.
struct Preferring {
  HandoverPlan plan;
  TimePoint seen_by;
};
// The replicas come close, while writes go on.
struct Approaching {
  HandoverPlan plan;
  CatchUp catch_up;
  TimePoint by;
};
// Writes are paused, and the replicas get the last of them.
struct CatchingUp {
  HandoverPlan plan;
  CatchUp catch_up;
  TimePoint by;
};
// Writes are paused, and every replica has them all.
struct Attempt {
  Promotion awaited;
  TimePoint deadline;
  std::vector<Endpoint> to_ask;   // Sentinels, in this order
  std::vector<Endpoint> asked{};  // those that may have taken the order
  bool open = false;              // one of these may still act
  std::string why = "no Sentinel accepted the failover request";
};
struct Ordering {
  Attempt attempt;
};
struct AwaitingPromotion {
  Attempt attempt;
  OrderWatch watch;
  TimePoint by;
};
struct CallingOff {
  Attempt attempt;
  std::unique_ptr<CallOff> call_off;
  TimePoint by;
  bool ask_next;  // then another Sentinel is asked
};
struct Demoting {
  Endpoint promoted;
  TimePoint by;
  TimePoint not_before{};
};
using Any = std::variant<Looking, Preferring, Approaching, CatchingUp, Ordering, AwaitingPromotion,
                         CallingOff, Demoting>;

}  // namespace redis_zk::failover::step
