#include "os/signals.h"

#include <sys/signalfd.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace redis_zk {

BlockedSignals::BlockedSignals() {
  sigset_t blocked;
  sigfillset(&blocked);
  // Raised by our own faults: blocking them would turn a crash into a silent one. The terminal's stop signals
  // keep their usual meaning.
  for (int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS, SIGTRAP, SIGTSTP, SIGTTIN, SIGTTOU}) {
    sigdelset(&blocked, fault);
  }
  sigprocmask(SIG_SETMASK, &blocked, &original_mask_);
  // Sockets closed by a peer must show as an error of write(), not as a signal.
  signal(SIGPIPE, SIG_IGN);
  // Where a parent ignored it, the kernel would reap our child, and never say so.
  signal(SIGCHLD, SIG_DFL);
  fd_ = signalfd(-1, &blocked, SFD_NONBLOCK | SFD_CLOEXEC);
  if (fd_ < 0) {
    std::perror("signalfd");
    std::abort();
  }
}

BlockedSignals::~BlockedSignals() { close(fd_); }

std::optional<SignalReceived> BlockedSignals::Next() const {
  signalfd_siginfo info{};
  if (read(fd_, &info, sizeof info) != static_cast<ssize_t>(sizeof info)) return std::nullopt;
  return SignalReceived{static_cast<int>(info.ssi_signo)};
}

}  // namespace redis_zk
