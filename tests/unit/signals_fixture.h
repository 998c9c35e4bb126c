// Signals as the daemons see them: blocked, and read from a descriptor. The test's own mask is put back.
#pragma once

#include <gtest/gtest.h>
#include <signal.h>

#include <optional>
#include <utility>

#include "os/signals.h"

namespace redis_zk::testing {

class SignalsTest : public ::testing::Test {
 protected:
  SignalsTest()
      : before_(CurrentMask()), sigpipe_before_(signal(SIGPIPE, SIG_DFL)), signals_(std::in_place) {}
  ~SignalsTest() override {
    // What nobody took must not arrive when the mask is put back.
    while (signals_->Next()) {
    }
    signals_.reset();
    sigprocmask(SIG_SETMASK, &before_, nullptr);
    signal(SIGPIPE, sigpipe_before_);
  }

  static sigset_t CurrentMask() {
    sigset_t mask;
    sigprocmask(SIG_SETMASK, nullptr, &mask);
    return mask;
  }

  const BlockedSignals& signals() const { return *signals_; }

 private:
  const sigset_t before_;
  void (*const sigpipe_before_)(int);
  std::optional<BlockedSignals> signals_;
};

}  // namespace redis_zk::testing
