// Keeps certificates as their files are: new ones are loaded while the daemon runs. Loop thread only.
#pragma once

#include <array>
#include <ctime>
#include <memory>

#include "base/log.h"
#include "base/time.h"
#include "net/tls_context.h"

namespace redis_zk::daemon {

class Certificates {
 public:
  // They are loaded already. Without a source, which means without TLS, nothing is ever done.
  Certificates(TlsFiles files, std::shared_ptr<TlsSource> source);

  // Loads the files if they have changed, and did so a second ago: several are not written at once. Files
  // that do not fit change nothing, and are an error in the log.
  void Look(TimePoint now);
  // The same at once, changed or not; says what came of it. For SIGHUP.
  void Reload();

  // How often others were loaded. A server that was started at another number has older ones.
  int generation() const { return generation_; }
  // How often any were loaded, the same ones by SIGHUP included.
  int loads() const { return loads_; }

 private:
  // Tells a file from the one that stood there before.
  struct Stamp {
    dev_t device = 0;
    ino_t inode = 0;
    off_t size = 0;
    time_t seconds = 0;
    long nanoseconds = 0;
    bool operator==(const Stamp&) const = default;
  };
  using Stamps = std::array<Stamp, 3>;

  Stamps Stat() const;
  void Load(const Stamps& stamps);

  const TlsFiles files_;
  const std::shared_ptr<TlsSource> source_;  // nothing: off
  TimePoint look_at_{};
  Stamps loaded_{};
  Stamps seen_{};
  int generation_ = 0;
  int loads_ = 0;
  LogOnChange log_problem_;
};

}  // namespace redis_zk::daemon
