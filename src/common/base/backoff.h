// Delays between retries: doubling from `first` to `most`, each shortened by up to half at random, so that
// many daemons that lost the same server do not come back in step. Computes only; the caller waits.
#pragma once

#include <algorithm>
#include <functional>
#include <utility>

#include "base/time.h"

namespace redis_zk {

class Backoff {
 public:
  // `random` returns numbers from [0, 1).
  Backoff(Duration first, Duration most, std::function<double()> random)
      : first_(first), most_(most), next_(first), random_(std::move(random)) {}

  Duration Next() {
    const Duration full = next_;
    next_ = std::min(most_, next_ * 2);
    const double kept = 1.0 - random_() / 2;
    return Duration(static_cast<Duration::rep>(static_cast<double>(full.count()) * kept));
  }

  void Reset() { next_ = first_; }

 private:
  Duration first_;
  Duration most_;
  Duration next_;
  std::function<double()> random_;
};

}  // namespace redis_zk
