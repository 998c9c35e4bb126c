// Runs a wrapper's server: writes what it is launched with, launches it, waits until it serves, and stops it.
//
// Loop thread only.
#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/exit_code.h"
#include "base/result.h"
#include "base/time.h"
#include "daemon/wrapper_loop.h"
#include "options/common_options.h"
#include "os/process.h"
#include "redis/conf_complaint.h"
#include "redis/conf_file.h"
#include "redis/load_failure.h"
#include "redis/servers.h"
#include "redis/storage_trouble.h"

namespace redis_zk::daemon {

// What a probe of the server found.
enum class Answer { kNone, kLoading, kServing };

// How a start of the server came out.
struct Start {
  enum class Kind {
    kServing,
    kStopped,      // a signal asked us to stop, and the server, if there was one, has ended
    kServerEnded,  // by itself, before it answered
    kFailed,       // it could not be launched, or was stopped since it did not serve; the log says why
  };
  Kind kind = Kind::kServing;
  int exit_code = 0;                                // kServerEnded: the server's own; else ours
  std::optional<redis::ConfComplaint> complaint{};  // kServerEnded: what it says about its configuration
  redis::LoadFailure load_failure{};                // the same, about its data
  bool was_loading = false;                         // the same: its last answer was that it loads them
  std::optional<std::string> storage{};             // the same, about files that it cannot write

  bool serving() const { return kind == Kind::kServing; }
  // A server that ends before it answers has failed, whatever it says itself.
  int OurExitCode() const {
    if (storage) return kExitTryAgain;
    if (complaint) return kExitConfig;
    return kind == Kind::kServerEnded ? std::max(exit_code, 1) : exit_code;
  }
};

// Of a process that cannot write the file that it needs.
inline int ExitCodeOfUnwritten(const Error& error) {
  return error.kind == ErrorKind::kUnavailable ? kExitTryAgain : kExitConfig;
}

class ServerRunner {
 public:
  // The references must outlive the runner.
  ServerRunner(WrapperLoop& loop, const ServerOptions& server, os::Launcher launch);
  ~ServerRunner();
  ServerRunner(const ServerRunner&) = delete;
  ServerRunner& operator=(const ServerRunner&) = delete;

  // Writes what the server is launched with, readable by its owner only, for it may hold passwords; it is
  // removed when this ends.
  Status WriteConf(std::string_view daemon, std::string_view text);
  // As written last.
  const std::string& conf_path() const { return conf_path_; }
  std::string directory() const { return std::filesystem::path(conf_path_).parent_path().string(); }

  // REQUIRES: WriteConf. Starts the server, which inherits the descriptor `kept`, and waits until `probe`
  // finds it serving. An error of the probe is final: a server that answers but refuses us. kServerEnded is
  // the caller's to log.
  Start Run(const std::string& binary, const std::function<Result<Answer>()>& probe, int kept = -1);
  // What is wrong with the process `pid` as the one that answers at our address: a foreign server, whose data
  // and role are not ours to record, or a child of a script that will not pass our signals on. Nothing: it is
  // the server that was launched.
  std::optional<std::string> NotOurs(std::int64_t pid) const;
  // Whether the server, which answers us, is in protected mode and would refuse every other host.
  bool RefusesOthers(redis::Servers& servers) const;
  // What a person must do so that the server can write its files; nothing: it has not complained lately.
  std::optional<Wait> FindStorageTrouble(const std::string& directory) const;
  // The server could not store a copy of its master's data a moment ago.
  bool CannotStore() const;
  // Of a server that served, and ended by itself with this code: why, and what to do, as half a sentence.
  std::string DescribeEnd(int exit_code) const;
  // Stops the server, if one runs, and waits for its end. Our exit code.
  int Stop();
  // Whether no client can reach the server any more, since the address it is bound to is gone for good: end,
  // so that the scheduler restarts us at the new one. Says so. Ask about once a second.
  bool AddressIsLost();

 private:
  // Nothing: it runs.
  std::optional<Start> Launch(const std::string& binary, int kept);
  // Nothing: the port is free.
  std::optional<Start> AwaitPort();
  Start AwaitServing(const std::function<Result<Answer>()>& probe);
  Start StopAfterFailure(int exit_code);

  WrapperLoop& loop_;
  const ServerOptions& server_;
  const os::Launcher launch_;
  std::string conf_path_;                               // empty: none was written
  std::shared_ptr<redis::ComplaintReader> complaints_;  // of the server that was launched last
  std::shared_ptr<redis::LoadFailureReader> load_;      // the same
  std::shared_ptr<redis::StorageTrouble> storage_;      // the same
  std::optional<std::uint64_t> oom_kills_;              // when it was launched
  std::optional<TimePoint> moved_since_;
};

// The line that tells of kServerEnded. `users`: the user's configuration, which stands in `path`;
// `directory`: where the server keeps its files.
void LogServerEnded(const Start& start, log::Severity severity, const redis::Conf& users,
                    const std::string& path, const std::string& directory);

}  // namespace redis_zk::daemon
