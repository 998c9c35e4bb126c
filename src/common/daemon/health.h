// How a wrapper is, told to the `healthcheck` command, which a container engine or a scheduler runs as a
// process of its own: through a file in RUN_DIR, locked by the wrapper as long as it lives and touched by
// every turn of its loop.
//
// Ready is a wrapper whose server once did what it is there for, and answers. One that waits is not: an
// upgrade that goes from node to node must not go on before. But it is not to be killed either, for it does
// not wait less after a restart; a scheduler that kills on failed checks has to leave starts in peace.
#pragma once

#include <string>
#include <string_view>

#include "base/log.h"
#include "base/time.h"
#include "options/common_options.h"

namespace redis_zk::daemon {

// Loop thread only. Its place on the disk is taken at the start: a full disk later keeps nothing back.
class HealthFile {
 public:
  // The options must outlive it.
  explicit HealthFile(const ServerOptions& options);
  // Removes it, and the directory that was made for it.
  ~HealthFile();
  HealthFile(const HealthFile&) = delete;
  HealthFile& operator=(const HealthFile&) = delete;

  // Says how the wrapper is, in one sentence; writes when it is news.
  void Say(bool ready, std::string_view what);
  // The loop has turned; written once a second at most. A file that was deleted or emptied is made anew.
  void Touch(TimePoint now);

 private:
  bool TryOpen();
  void Write();

  const ServerOptions& options_;
  const std::string path_;
  int fd_ = -1;  // -1: it cannot be written, or another one has it, for now
  LogOnChange log_problem_;
  std::string said_;
  TimePoint touch_at_{};
};

// Adds the command `healthcheck`.
void AddHealthCheck(Options& options);
inline constexpr std::string_view kHealthCheck = "healthcheck";

// Carries it out: prints what the wrapper said last; 0 when it is ready and its loop turns, else 1.
int CheckHealth(const CommonOptions& common, const ServerOptions& options);

}  // namespace redis_zk::daemon
