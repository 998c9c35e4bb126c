// A child process: started so that it cannot outlive us, ended so that nothing of it stays.
//
// One thread only, which must live as long as the child: the kernel kills the child when the thread that
// forked it ends (prctl PR_SET_PDEATHSIG).
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "os/child_output.h"
#include "os/process.h"

namespace redis_zk::os {

struct ChildSpec {
  std::vector<std::string> argv;  // argv[0] is looked up in PATH unless it has a slash
  std::string work_dir;
  sigset_t signal_mask{};  // what the child starts with
  // Under this name our log passes on what the child writes; empty: it writes to our standard output and
  // error.
  std::string log_name{};
  // What is logged in a line's stead; called by another thread. Nothing: the line itself.
  std::function<std::string(std::string_view)> log_edit{};
  std::optional<std::size_t> log_lines{};  // and no more of them than these
  int input = -1;                          // its standard input, which stays the caller's; -1: empty
  std::optional<std::vector<std::string>> environment{};  // "NAME=value"; nothing: ours
  int kept = -1;  // a descriptor of ours that it inherits, and with it a lock; -1: none
};

class Child final : public Process {
 public:
  // Starts the child in a process group of its own, with no descriptor of ours but standard output and error,
  // and `kept`.
  // kNotFound: no such binary; kRefused: it cannot be executed.
  static Result<Child> Start(const ChildSpec& spec);

  // Kills what is left of the group when the child was not reaped.
  ~Child() override;
  Child(Child&& other) noexcept;
  Child& operator=(Child&&) = delete;

  pid_t pid() const override { return pid_; }
  bool Leads(pid_t other) const override;
  void Signal(int number) const override;
  void Kill() const override;

  // Reaps every child of this thread that has ended, which of the main thread is what PID 1 must reap. When
  // the child has, its last words are logged and what is left of its group is killed.
  std::optional<int> Reap() override;

 private:
  Child(pid_t pid, std::unique_ptr<Output> output) : pid_(pid), output_(std::move(output)) {}

  pid_t pid_;  // 0: reaped, or moved from
  std::unique_ptr<Output> output_;
};

// The Launcher of real ones.
Result<std::unique_ptr<Process>> LaunchChild(const ChildSpec& spec);

// Reaps what has ended, without a child: as PID 1 the main thread inherits whatever lost its parent.
void ReapStrangers();

}  // namespace redis_zk::os
