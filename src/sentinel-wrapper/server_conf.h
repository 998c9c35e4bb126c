// The configuration that redis-sentinel is launched with, as a function of values: the user's lines, then
// what only the wrapper can know. Sentinel rewrites its file while it runs, so it gets a copy.
//
// A group's settings are the user's lines about it; what they leave open is set as for MASTER_NAME, by the
// options or by the user's lines about that one.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "redis/conf_check.h"
#include "redis/conf_file.h"
#include "sentinel-wrapper/monitoring.h"
#include "sentinel-wrapper/options.h"

namespace redis_zk::sentinel_wrapper {

// Begins the lines of ours in the text.
inline constexpr std::string_view kAddedLines =
    "# Added by sentinel-wrapper; this file is written anew at every start.\n";

struct ServerConf {
  std::string text{};
  redis::ConfFindings findings{};  // about the user's lines
  // As whom the Sentinels of this deployment tell each other what they know. A Sentinel takes over the master
  // of a newer hello whichever client sends it, and addresses are reused: without a password, only a user of
  // ours may publish, and another deployment's Sentinels are not heard. They still hear each other through
  // the group's own servers. With SENTINEL_PASSWORD, or users or passwords of the user's file, it is for
  // those to keep deployments apart, and this is the user that they leave.
  redis::Credentials hello{};
  bool own_user = false;  // the text makes a user
};

// `users` is the user's file. `takes_users`: false before Redis 6.2.
ServerConf RenderServerConf(const redis::Conf& users, const WrapperOptions& options,
                            const Monitoring& monitoring, bool takes_users);

struct GroupSetting {
  std::string directive;  // "failover-timeout"
  std::vector<std::string> values;
};

// The settings of a group that Sentinel is told of while it runs: for SENTINEL SET. `auth_pass`: as in
// Monitoring.
std::vector<GroupSetting> SettingsOf(const redis::Conf& users, const WrapperOptions& options,
                                     const std::string& group,
                                     const std::optional<std::string>& auth_pass = std::nullopt);

}  // namespace redis_zk::sentinel_wrapper
