// A user's sentinel.conf, and the file that a sentinel-wrapper makes of it.
#pragma once

#include <string>
#include <vector>

#include "sentinel-wrapper/server_conf.h"
#include "unit/conf_lines.h"
#include "unit/files.h"

namespace redis_zk::testing {

using sentinel_wrapper::Monitoring;
using sentinel_wrapper::RenderServerConf;
using sentinel_wrapper::ServerConf;
using sentinel_wrapper::WrapperOptions;

inline const Endpoint kMonitored{"10.0.0.9", 6380};
inline const std::string kSentinelId(40, 'a');

inline WrapperOptions Wrapper() {
  WrapperOptions wrapper;
  wrapper.common.master_name = "master1";
  wrapper.common.zk_root = "/r";
  wrapper.server.bind = {"10.0.0.1", 26379};
  wrapper.server.announce = {"192.0.2.1", 31000};
  wrapper.quorum = 2;
  return wrapper;
}

// A group before its first failover, with nobody in it but the master.
inline Monitoring Alone(const Endpoint& master = kMonitored, const std::string& group = "master1") {
  return {.sentinel_id = kSentinelId,
          .epoch = 0,
          .groups = {{.name = group, .master = master, .config_epoch = 0, .replicas = {}}},
          .peers = {}};
}

// Beside it another group.
inline Monitoring WithOrders() {
  Monitoring monitoring = Alone();
  monitoring.groups.push_back(
      {.name = "orders", .master = {"10.0.0.8", 6379}, .config_epoch = 4, .replicas = {{"10.0.0.7", 6379}}});
  return monitoring;
}

inline redis::Conf UsersConf(const std::string& text) {
  const TempDir dir;
  return redis::ReadConf(WriteFile(dir.path() / "sentinel.conf", text), dir.path().string()).value();
}

inline ServerConf Render(const std::string& user_conf, const WrapperOptions& options = Wrapper(),
                         const Monitoring& monitoring = Alone(), bool takes_users = true) {
  return RenderServerConf(UsersConf(user_conf), options, monitoring, takes_users);
}

// What stands before the wrapper's own lines.
inline std::string UsersPart(const ServerConf& conf) {
  return conf.text.substr(0, conf.text.find("# Added by"));
}

inline std::vector<Words> OwnPart(const ServerConf& conf) {
  return Directives(conf.text.substr(conf.text.find("# Added by")));
}

}  // namespace redis_zk::testing
