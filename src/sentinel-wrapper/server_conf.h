// The configuration that redis-sentinel is launched with, as a function of values: the user's lines, then
// what only the wrapper can know. Sentinel rewrites its file while it runs, so it gets a copy.
//
// A group's settings are the user's lines about it; what they leave open is set as for MASTER_NAME, by the
// options or by the user's lines about that one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sentinel-wrapper/monitoring.h"
#include "sentinel-wrapper/options.h"

namespace redis_zk::sentinel_wrapper {

struct ServerConf {
  std::string text;
  std::vector<std::string> left_out;  // user's lines that the wrapper's replace, with the reason
  // As whom the Sentinels of this deployment tell each other what they know. A Sentinel takes over the master
  // of a newer hello whoever sends it, and addresses are reused: without a password, only a user of ours may
  // publish, and another deployment's Sentinels are not heard. They still hear each other through the group's
  // own servers. With SENTINEL_PASSWORD, or users or passwords of the user's file, it is for those to keep
  // deployments apart, and this is the user that they leave.
  redis::Credentials hello;
  bool own_user = false;     // the text makes that user
  bool hides_users = false;  // it does not, for a file that the user's includes may hold users or passwords
};

// `user_conf` is the text of the user's file. `takes_users`: false before Redis 6.2.
ServerConf RenderServerConf(std::string_view user_conf, const WrapperOptions& options,
                            const Monitoring& monitoring, bool takes_users);

struct GroupSetting {
  std::string directive;  // "failover-timeout"
  std::vector<std::string> values;
};

// The settings of a group that Sentinel is told of while it runs: for SENTINEL SET.
std::vector<GroupSetting> SettingsOf(std::string_view user_conf, const WrapperOptions& options,
                                     const std::string& group);

}  // namespace redis_zk::sentinel_wrapper
