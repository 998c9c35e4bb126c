#include "redis-wrapper/fence.h"

#include "redis-wrapper/recovery.h"

namespace redis_zk::redis_wrapper {

Confirmations CountPeers(const PeersView& view) {
  Confirmations confirmations{.peers = view.peers};
  for (const auto& report : view.sentinels) {
    const bool confirms = report.master == view.self && !report.master_down;
    if (confirms && report.config_epoch >= view.newer_epoch) ++confirmations.confirming;
  }
  if (view.newer_epoch > 0 && confirmations.confirming == 0) return confirmations;
  for (const auto& info : view.replicas) {
    const bool confirms = info.role == redis::Role::kReplica && info.master == view.self;
    // What counts as alive there counts here: no peer can deny a master and confirm it at once.
    if (confirms && HearsMaster(info)) ++confirmations.confirming;
  }
  return confirmations;
}

bool Confirmed(const Confirmations& confirmations) {
  return confirmations.zookeeper || confirmations.peers == 0 ||
         confirmations.confirming * 2 > confirmations.peers;
}

Fence::Action Fence::Next(bool is_master, bool confirmed, TimePoint now) {
  if (!is_master || confirmed) {
    confirmed_at_ = now;
    alone_since_.reset();
    return may_be_raised_ ? Action::kLower : Action::kNone;
  }
  if (!alone_since_) {
    // One silence may be a slow moment.
    alone_since_ = confirmed_at_.value_or(now);
    return Action::kNone;
  }
  if (raised_ || now - *alone_since_ < patience_) return Action::kNone;
  return Action::kRaise;
}

void Fence::Sent(Action action) {
  if (action == Action::kRaise) may_be_raised_ = true;
  if (action == Action::kLower) raised_ = false;
}

void Fence::Did(Action action) {
  if (action != Action::kNone) raised_ = may_be_raised_ = action == Action::kRaise;
}

}  // namespace redis_zk::redis_wrapper
