// What SIGHUP changes in a running daemon: the options are read again, all of them, and what can change at
// run time is taken over. Loop thread only.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "options/common_options.h"

namespace redis_zk::daemon {

// What has been read, for whatever else a daemon takes over. Options that are wrong change nothing, and are
// warnings, one for each.
std::optional<LiveOptions> Reload(const CommonOptions& common);

struct LogLevelChoice {
  std::string level;
  std::string told;  // in one sentence, what it is and why
};
LogLevelChoice ChooseLogLevel(std::string_view now, const LiveOptions& read);

}  // namespace redis_zk::daemon
