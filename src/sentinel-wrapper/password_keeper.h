// Keeps our Sentinel in step with passwords that change: which it accepts, and which it gives to the groups'
// servers and to its peers. It can give one alone, so it gives the old one until all accept the new one.
//
// Loop thread only. What fails is logged and tried again.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "daemon/server_passwords.h"
#include "daemon/wrapper_loop.h"
#include "redis/servers.h"
#include "sentinel-wrapper/group_reader.h"
#include "sentinel-wrapper/groups.h"
#include "sentinel-wrapper/monitoring.h"
#include "sentinel-wrapper/options.h"
#include "sentinel-wrapper/sentinel_conf.h"

namespace redis_zk::sentinel_wrapper {

class PasswordKeeper {
 public:
  // All must outlive this.
  PasswordKeeper(daemon::WrapperLoop& loop, const WrapperOptions& options, const redis::Network& network,
                 GroupReader& reader);

  // Says in `monitoring` which passwords a Sentinel that starts now has to give. `members` are those of each
  // group in it.
  void Choose(Monitoring* monitoring, const GroupReader::Members& members,
              const std::vector<store::Sentinel>& registered) const;
  // Our Sentinel has been started with this. `takes_users`: false, it may accept one password alone.
  void Reset(const Monitoring& monitoring, bool takes_users);
  // Always: it does what is to be done while passwords change. `monitored` is what our Sentinel said last, by
  // group.
  void Look(const Reports& monitored);
  // Instead, where it refuses us: it may still accept older passwords than we have.
  void LookRefused();

 private:
  bool AreChanging() const;
  // False: it does not give the changed passwords everywhere yet.
  bool Tell(const Reports& monitored);
  Status TellGroups(const Reports& monitored);
  Status TellGroup(const std::string& group, const std::optional<std::string>& auth_pass);
  Status TellPeers();
  std::optional<std::string> ForGroup(const Endpoint& master,
                                      const std::vector<store::Member>& members) const;
  // ZooKeeper is only asked where there is an old password.
  Result<std::optional<std::string>> FindForGroup(const std::string& group, const Endpoint& master);
  Result<std::optional<std::string>> FindForPeers();
  std::optional<std::string> ForPeers(const std::vector<store::Sentinel>& registered) const;

  daemon::WrapperLoop& loop_;
  const WrapperOptions& options_;
  const redis::Network network_;
  GroupReader& reader_;
  UsersConf users_conf_;
  const std::unique_ptr<redis::KeptServer> own_sentinel_;
  daemon::ServerPasswords accepted_;
  TimePoint look_at_{};
  int told_ = 0;                                  // the generation
  std::map<std::string, std::string> of_groups_;  // as our Sentinel was told
  std::optional<std::string> of_peers_;           // the same
  std::string last_told_;                         // the group where the last turn ended
  LogOnChange log_problem_;
};

}  // namespace redis_zk::sentinel_wrapper
