// The start of a redis-wrapper: connect, decide (see settling.h), launch, record. What follows is in
// serving.h.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/log.h"
#include "daemon/address_claim.h"
#include "daemon/connections.h"
#include "daemon/server_passwords.h"
#include "daemon/server_runner.h"
#include "daemon/wrapper_loop.h"
#include "os/process.h"
#include "os/signals.h"
#include "redis-wrapper/bootstrap.h"
#include "redis-wrapper/copy_lock.h"
#include "redis-wrapper/dataset_keeper.h"
#include "redis-wrapper/lookup.h"
#include "redis-wrapper/options.h"
#include "redis-wrapper/settling.h"
#include "redis/conf_file.h"
#include "redis/servers.h"
#include "zookeeper/lock.h"

namespace redis_zk::redis_wrapper {

class Wrapper {
 public:
  // Options and signals must outlive the wrapper.
  Wrapper(const WrapperOptions& options, const BlockedSignals& signals,
          const daemon::Connections& connections, os::Launcher launch);

  // Returns the process's exit code.
  int Run();

 private:
  // Reads the user's file against the options. An exit code when it cannot work.
  std::optional<int> CheckConf() const;
  // Takes the data directory for this wrapper and its server. An exit code when another process keeps it.
  std::optional<int> ClaimData();
  // Before it exits with this code without having launched a server: tells the group that this node is not
  // gone, so that no empty node begins in its place.
  int EndUnserved(int code);
  // Launches in the decided role and records it. True: serving; false: start over.
  OrExit<bool> Enter(const Decision& decision);
  // What the server is to load, and what Redis would load in its stead. An exit code when that is unclear.
  std::optional<int> CheckData();
  Result<daemon::Answer> Probe(const Decision& decision);
  // What the server is launched with. `takes_users`: as in PasswordsToUse.
  Status WriteConf(const Decision& decision, bool takes_users);
  // An exit code when it does not serve.
  std::optional<int> Launch(const Decision& decision);
  // Warns of commands that the started server does not know or denies. True: it cannot work without.
  bool LacksCommands();
  // Until it serves, or will not.
  daemon::Start RunServer(const Decision& decision);
  // How the load of the data came out, which had failed that often before.
  void TellLoad(const daemon::Start& start, std::int64_t failed_before);
  // Under the lock the record is made to say what was decided; then the lock goes to the next.
  Status RecordDecision(const Decision& decision);
  // Whether it names another master than before, or names it against other data.
  Result<bool> WriteRecord(const Decision& decision);
  void AddToEventLog(const std::string& kind, const std::string& sentence);

  const WrapperOptions& options_;
  const Result<redis::Conf> users_conf_;
  const redis::Network network_;
  daemon::WrapperLoop loop_;
  daemon::ServerRunner runner_;
  daemon::AddressClaim address_claim_;
  const std::unique_ptr<redis::KeptServer> own_server_;
  daemon::ServerPasswords server_passwords_;
  CopyLock copy_lock_;
  DatasetKeeper keeper_;
  Lookup lookup_;
  store::Member self_;
  zookeeper::Lock lock_;
  Settling settling_;
  store::Record record_;  // as it was decided on, and then as it was written
  std::string led_id_;    // CopyGuard::Launch::replication_id
  LogOnChange log_data_;
};

}  // namespace redis_zk::redis_wrapper
