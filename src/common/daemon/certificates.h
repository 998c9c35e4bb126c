// Keeps certificates as their files are: new ones are loaded while the daemon runs, and it is told in time
// when they expire. Loop thread only.
#pragma once

#include <memory>
#include <vector>

#include "base/log.h"
#include "base/time.h"
#include "daemon/expiry_notice.h"
#include "daemon/watched_files.h"
#include "net/tls_context.h"
#include "store/report.h"

namespace redis_zk::daemon {

class Certificates {
 public:
  // They are loaded already. Without a source, which means without TLS, nothing is ever done.
  Certificates(TlsFiles files, std::shared_ptr<TlsSource> source);

  // Loads the files if they have changed, and did so a second ago: several are not written at once. Files
  // that do not fit change nothing, and are an error in the log. So are those in use that have expired.
  void Look(TimePoint now);
  // The same at once, changed or not; says what came of it. For SIGHUP.
  void Reload();

  // How often others were loaded. A server that was started at another number has older ones.
  int generation() const { return generation_; }
  // How often any were loaded, the same ones by SIGHUP included.
  int loads() const { return loads_; }
  // When those in use expire; none without TLS.
  const std::vector<store::CertificateFile>& Expiries() const { return expiry_.files(); }

 private:
  void Load();

  const TlsFiles files_;
  const std::shared_ptr<TlsSource> source_;  // nothing: off
  WatchedFiles watched_;
  int generation_ = 0;
  int loads_ = 0;
  ExpiryNotice expiry_;
  LogOnChange log_problem_;
};

}  // namespace redis_zk::daemon
