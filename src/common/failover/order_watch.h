// What becomes of an order for a failover: watches the Sentinel that took it.
#pragma once

#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "net/endpoint.h"
#include "sentinel/reports.h"

namespace redis_zk::failover {

// A replica that was told to be a master is one within this time.
inline constexpr Duration kPromotionArrives = 500ms;

class OrderWatch {
 public:
  OrderWatch(Endpoint asked, TimePoint now) : asked_(std::move(asked)), working_at_(now), heard_at_(now) {}

  enum class State {
    kWorks,      // or may still begin
    kTilted,     // it waits for half a minute before it goes on
    kGone,       // its process ended, and the order with it
    kStalled,    // it is silent: when it wakes it enters TILT before it does anything
    kAbandoned,  // it gave the failover up
  };
  // `answers` stand in the order of `sentinels`, the one that was asked among them.
  State Judge(const std::vector<sentinel::Peer>& sentinels,
              const std::vector<Result<sentinel::SentinelReport>>& answers, TimePoint now);

  const Endpoint& asked() const { return asked_; }

 private:
  Endpoint asked_;
  TimePoint working_at_;
  TimePoint heard_at_;
};

}  // namespace redis_zk::failover
