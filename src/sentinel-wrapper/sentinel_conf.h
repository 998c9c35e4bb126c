// The user's sentinel.conf.
#pragma once

#include <optional>
#include <string>

#include "base/log.h"
#include "base/result.h"
#include "redis/conf_check.h"
#include "redis/conf_file.h"
#include "sentinel-wrapper/options.h"

namespace redis_zk::sentinel_wrapper {

// The user's lines against what server_conf.h adds, but for those about groups.
redis::ConfFindings CheckSentinelConf(const redis::Conf& users, const WrapperOptions& options);

// The file, read anew whenever it is needed. Loop thread only.
class UsersConf {
 public:
  // Reads it. `options` must outlive this.
  explicit UsersConf(const WrapperOptions& options);

  // As it is now; where it cannot be read now, as it was, with a warning.
  const redis::Conf& Read();
  // As it was read last; an error: it never could be.
  const Result<redis::Conf>& last() const { return last_; }

 private:
  const WrapperOptions& options_;
  Result<redis::Conf> last_;
  redis::Conf none_;
  LogOnChange log_problem_;
};

}  // namespace redis_zk::sentinel_wrapper
