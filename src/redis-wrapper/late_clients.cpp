#include "redis-wrapper/late_clients.h"

#include <utility>

namespace redis_zk::redis_wrapper {

bool LateClients::Expects(redis::Role role, TimePoint now) {
  const bool master = role == redis::Role::kMaster;
  if (std::exchange(was_master_, master) && !master) {
    until_ = now + kComeWithin;
    aware_ = disconnected_for_ = 0;
  }
  if (master) until_.reset();
  return until_.has_value();
}

bool LateClients::ShouldDisconnect(const Seen& seen, TimePoint now) {
  // A look later than the last Sentinel learned of it: who had just been sent here has connected by then.
  const bool settled = std::exchange(aware_, seen.aware) == seen.aware && seen.unaware == 0;
  const bool over = now >= *until_;
  const bool disconnect =
      (settled && seen.aware > disconnected_for_) || (over && seen.aware + seen.unaware > disconnected_for_);
  if (disconnect) disconnected_for_ = seen.aware;
  if (over || (settled && seen.aware == seen.registered)) until_.reset();
  return disconnect;
}

}  // namespace redis_zk::redis_wrapper
