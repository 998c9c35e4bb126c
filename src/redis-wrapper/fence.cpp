#include "redis-wrapper/fence.h"

namespace redis_zk::redis_wrapper {

bool Vouched(const Witnesses& witnesses) {
  return witnesses.zookeeper || witnesses.peers == 0 || witnesses.answering * 2 > witnesses.peers;
}

Fence::Action Fence::Next(bool is_master, bool vouched, TimePoint now) {
  if (!is_master || vouched) {
    alone_since_.reset();
    return raised_ ? Action::kLower : Action::kNone;
  }
  if (!alone_since_) alone_since_ = now;
  if (raised_ || now - *alone_since_ < patience_) return Action::kNone;
  return Action::kRaise;
}

void Fence::Did(Action action) {
  if (action != Action::kNone) raised_ = action == Action::kRaise;
}

}  // namespace redis_zk::redis_wrapper
