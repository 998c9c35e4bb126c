// Tells in the log that certificates expire, in time to replace them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/time.h"
#include "store/report.h"

namespace redis_zk::daemon {

// How long before its end a certificate is told of.
inline constexpr Duration kTellBefore = 30 * 24h;

enum class Validity { kGood, kEndsSoon, kExpired };
// Both times are milliseconds since 1970.
Validity Judge(std::int64_t expires, std::int64_t unix_now);
// "in 12 days", "in 3 hours", "5 days ago".
std::string DescribeDistance(std::int64_t expires, std::int64_t unix_now);

// Loop thread only.
class ExpiryNotice {
 public:
  // Files with certificates that have been loaded; an empty path is none. Of `authorities`, one of them, the
  // last to expire counts, of the others the first.
  explicit ExpiryNotice(std::vector<std::string> paths, std::string authorities = "");

  // They have been loaded again.
  void Read();
  // Logs those that end soon, or have ended: the first time, when one becomes the other, and once a day.
  void Look(TimePoint now, std::int64_t unix_now);

  // Each file with the end that counts.
  const std::vector<store::CertificateFile>& files() const { return files_; }

 private:
  struct Told {
    std::string subject;  // of the certificate that counts
    Validity validity = Validity::kGood;
    TimePoint tell_again_at{};
  };

  const std::vector<std::string> paths_;
  const std::string authorities_;
  std::vector<store::CertificateFile> files_;
  std::vector<Told> told_;  // of each
};

}  // namespace redis_zk::daemon
