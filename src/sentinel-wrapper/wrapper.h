// The life of a sentinel-wrapper: connect, wait for a master, take an identity, launch, register, supervise.
#pragma once

#include <optional>
#include <string>

#include "base/log.h"
#include "daemon/address_claim.h"
#include "daemon/connections.h"
#include "daemon/server_runner.h"
#include "daemon/wrapper_loop.h"
#include "os/process.h"
#include "os/signals.h"
#include "redis/credentials.h"
#include "redis/servers.h"
#include "sentinel-wrapper/certificate_restart.h"
#include "sentinel-wrapper/group_keeper.h"
#include "sentinel-wrapper/identity_keeper.h"
#include "sentinel-wrapper/monitoring.h"
#include "sentinel-wrapper/options.h"
#include "sentinel-wrapper/peer_announcer.h"
#include "sentinel-wrapper/registration.h"
#include "sentinel-wrapper/sentinel_conf.h"
#include "sentinel-wrapper/server_conf.h"
#include "store/record.h"

namespace redis_zk::sentinel_wrapper {

class Wrapper {
 public:
  // Options and signals must outlive the wrapper.
  Wrapper(const WrapperOptions& options, const BlockedSignals& signals,
          const daemon::Connections& connections, os::Launcher launch);

  // Returns the process's exit code.
  int Run();

 private:
  tl::expected<store::Record, int> AwaitMaster();
  // The recorded master or a replica that serves.
  bool SomebodyLives(const store::Record& record);
  // To whom refuses us, our Sentinel cannot speak either.
  void WarnOfRefusal(const Endpoint& master);
  // Waits for a master and an identity. An exit code when the start is over.
  tl::expected<Monitoring, int> Prepare();
  std::optional<int> Start(const Monitoring& monitoring);
  ServerConf Render(const Monitoring& monitoring);
  // The line that tells that it ended before it served.
  void LogEnded(const daemon::Start& start, log::Severity severity) const;
  // Until it serves, or will not.
  daemon::Start Launch(const ServerConf& conf);
  Result<daemon::Answer> Probe() const;
  // Until our Sentinel ends. Nothing: another Sentinel has our identity now; start over.
  std::optional<int> Supervise();
  // False: our identity is lost.
  bool KeepRegistered();
  void NoteEpoch();
  void SayHealth();
  // Starts our Sentinel anew, with the same identity. An exit code when it does not serve again.
  std::optional<int> Restart(const RestartRequest& restart);
  // Something: restart our Sentinel, since it is its turn to read new certificates.
  std::optional<RestartRequest> FindCertificateRestart();
  // Whether the group can do without our Sentinel for a moment, and will accept it again.
  Status CanBeMissed(const store::Record& record);
  // Whether our Sentinel, once stopped, can be started with this.
  Status CanStart(const Monitoring& monitoring);
  // Until something happened in ZooKeeper, or it is time to look again.
  void AwaitTurn();

  // Whose hellos our Sentinel hears.
  struct HelloUser {
    explicit HelloUser(const TlsSource* tls) : servers({credentials, tls}) {}

    redis::CredentialsSource credentials;
    redis::ConnectedServers servers;
  };

  const WrapperOptions& options_;
  UsersConf users_conf_;
  const redis::Network network_;
  daemon::WrapperLoop loop_;
  daemon::ServerRunner runner_;
  daemon::AddressClaim address_claim_;
  LogOnChange log_postponed_;
  HelloUser hello_;
  IdentityKeeper identities_;
  Registration registration_;
  GroupKeeper groups_;
  PeerAnnouncer peer_announcer_;
  CertificateRestart certificate_restart_;
  bool ready_ = false;       // it was registered once
  bool takes_users_ = true;  // our redis-sentinel, for all that is known
};

}  // namespace redis_zk::sentinel_wrapper
