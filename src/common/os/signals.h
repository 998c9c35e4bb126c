// Signals as data. main blocks them before any thread exists; the loop reads them from a descriptor.
#pragma once

#include <signal.h>

#include <optional>

namespace redis_zk {

struct SignalReceived {
  int number;
};

// Blocks every signal that can be blocked, except those the kernel raises for our own faults, and ignores
// SIGPIPE. REQUIRES: made first in main, before any thread: threads inherit the mask. Loop thread only.
class BlockedSignals {
 public:
  BlockedSignals();
  ~BlockedSignals();
  BlockedSignals(const BlockedSignals&) = delete;
  BlockedSignals& operator=(const BlockedSignals&) = delete;

  // Readable when a signal waits.
  int fd() const { return fd_; }
  // The next waiting signal; never blocks.
  std::optional<SignalReceived> Next() const;
  // What a child must restore before exec.
  const sigset_t& original_mask() const { return original_mask_; }

 private:
  sigset_t original_mask_{};
  int fd_;
};

}  // namespace redis_zk
