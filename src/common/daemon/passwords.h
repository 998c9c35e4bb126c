// Keeps the passwords of Redis and Sentinel as their files are: a file that has changed is read while the
// daemon runs. Loop thread only.
#pragma once

#include <string>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "daemon/watched_files.h"
#include "options/common_options.h"

namespace redis_zk::daemon {

class Passwords {
 public:
  // `common` must outlive this; its credentials are those that change. What was no ordinary file when it was
  // read first is not read again.
  explicit Passwords(const CommonOptions& common);

  // Reads the files if they have changed, and did so a second ago. A file that cannot be used changes nothing
  // and is an error in the log; one that is gone changes nothing.
  void Look(TimePoint now);
  // The same at once, changed or not. For SIGHUP.
  void Reload();

  // How often other passwords were read. A server that was told the passwords at another number has older
  // ones.
  int generation() const { return generation_; }

 private:
  // A file, and whose password stands there.
  struct Source {
    std::string option;
    std::string path;
    redis::CredentialsSource credentials;
  };

  static std::vector<Source> SourcesOf(const CommonOptions& common);
  void Read();
  // Whether it has other passwords than before. An error: it cannot be used.
  Result<bool> Read(const Source& source);

  const bool strict_;
  const std::vector<Source> sources_;
  WatchedFiles files_;
  int generation_ = 0;
  LogOnChange log_problem_;
};

}  // namespace redis_zk::daemon
