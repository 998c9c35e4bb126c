#include "redis-wrapper/conversion.h"

#include <fmt/core.h>

#include "redis-wrapper/lookup.h"

namespace redis_zk::redis_wrapper {

namespace {

// Whatever is ordered costs a fork.
constexpr Duration kOrderAgain = 5s;

redis::Command ToCommand(Conversion::Order order) {
  switch (order) {
    case Conversion::Order::kAppendOnlyOn:
      return {"CONFIG", "SET", "appendonly", "yes"};
    case Conversion::Order::kAppendOnlyOff:
      return {"CONFIG", "SET", "appendonly", "no"};
    case Conversion::Order::kSave:
      return {"BGSAVE", "SCHEDULE"};
    case Conversion::Order::kNone:
      break;
  }
  return {};
}

}  // namespace

Conversion::Order Conversion::Next(const redis::ServerInfo& own, TimePoint now) {
  const auto unless_ordered = [&](Order order) {
    if (now < order_again_at_) return Order::kNone;
    order_again_at_ = now + kOrderAgain;
    return order;
  };
  if (to_ == To::kAppendOnly) {
    if (!own.append_only) return unless_ordered(Order::kAppendOnlyOn);
    // Redis itself tries again after a failure.
    if (!own.rewriting_aof && !own.aof_rewrite_failed) to_ = To::kNothing;
  } else if (to_ == To::kSnapshots) {
    if (!own.append_only) {
      to_ = To::kNothing;
      return Order::kNone;
    }
    if (own.saving) return Order::kNone;
    if (saved_before_ >= 0 && own.last_save > saved_before_ && !own.save_failed) return Order::kAppendOnlyOff;
    const Order order = unless_ordered(Order::kSave);
    if (order == Order::kSave) saved_before_ = own.last_save;
    return order;
  }
  return Order::kNone;
}

void Conversion::Check(const redis::ServerInfo& own, redis::KeptServer& server) {
  if (!pending()) return;
  const To to = to_;
  const Order order = Next(own, Clock::now());
  if (!pending()) {
    log::Info({.event = "conversion-finished"}, "conversion finished: {}",
              to == To::kAppendOnly ? "the append-only file is complete and in use"
                                    : "a snapshot is written and the append-only file is not in use");
    return;
  }
  if (order == Order::kNone) return;
  const auto done = server.Order(ToCommand(order));
  if (!done) {
    log_problem_(log::Severity::kWarn, {.event = "conversion-failed"},
                 fmt::format("conversion failed, retrying: {}", done.error().message));
    return;
  }
  log_problem_.Reset();
  if (order != Order::kAppendOnlyOff)
    log::Info({.event = "conversion-started"}, "conversion started: {}",
              order == Order::kSave ? "writing a snapshot" : "writing the append-only file");
}

void Conversion::BeforeStop(const redis::ServerInfo& own, bool snapshots, redis::KeptServer& server) {
  if (to_ != To::kAppendOnly || !own.append_only || !snapshots) return;
  const auto done = server.Order(ToCommand(Order::kAppendOnlyOff));
  if (!done)
    log::Warn({.event = "conversion-not-interrupted"}, "cannot stop the conversion before the last save: {}",
              done.error().message);
}

}  // namespace redis_zk::redis_wrapper
