#include "failover/order_watch.h"

#include <algorithm>

namespace redis_zk::failover {

namespace {

// How long a Sentinel that took the order may seem to do nothing.
constexpr Duration kSentinelPatience = 1s;
// One that was silent for this long stood still, and enters TILT before it does anything (sentinel.c,
// sentinel_tilt_trigger, 2 s): what it was ordered to waits for half a minute, and for the next
// configuration.
constexpr Duration kStoodStill = 3s;

}  // namespace

OrderWatch::State OrderWatch::Judge(const std::vector<sentinel::Peer>& sentinels,
                                    const std::vector<Result<sentinel::SentinelReport>>& answers,
                                    TimePoint now) {
  bool gone = false;
  const sentinel::SentinelReport* own = nullptr;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    if (sentinels[i].endpoint != asked_) continue;
    if (answers[i]) own = &*answers[i];
    gone = !answers[i] && answers[i].error().kind != ErrorKind::kTimeout;
  }
  if (own != nullptr) heard_at_ = now;
  if (own != nullptr && own->tilt && own->failover_in_progress) return State::kTilted;
  // Once what it had sent has arrived.
  if (gone && now - heard_at_ > kPromotionArrives) return State::kGone;
  if (now - heard_at_ > kStoodStill) return State::kStalled;
  // What a silent one does is unknown.
  const bool works = own == nullptr || std::any_of(answers.begin(), answers.end(), [](const auto& report) {
                       return report && report->failover_in_progress;
                     });
  if (works) working_at_ = now;
  return now - working_at_ > kSentinelPatience ? State::kAbandoned : State::kWorks;
}

}  // namespace redis_zk::failover
