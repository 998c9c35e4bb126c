// A server as its supervisor sees it: the seam at child processes. Child is the real one; unit tests have
// others.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <optional>

#include "base/result.h"

namespace redis_zk::os {

struct ChildSpec;

// Runs when it exists; nothing of it is left when this is destroyed. SIGCHLD arrives when it has ended.
class Process {
 public:
  virtual ~Process() = default;

  // Of the program that was started. It leads a group, to which its own children belong.
  virtual pid_t pid() const = 0;
  // Whether the process `other` belongs to that group.
  virtual bool Leads(pid_t other) const = 0;

  // To the program alone: it tells its own children what they need to know.
  virtual void Signal(int number) const = 0;
  // To the whole group, with SIGKILL.
  virtual void Kill() const = 0;

  // The exit code, in a shell's terms (128 + n for signal n), once it has ended. Told once.
  virtual std::optional<int> Reap() = 0;
};

// kNotFound: no such binary; kRefused: it cannot be executed.
using Launcher = std::function<Result<std::unique_ptr<Process>>(const ChildSpec&)>;

}  // namespace redis_zk::os
