// The options that the daemons share, and the start every main has in common.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "net/interface.h"
#include "net/networks.h"
#include "net/tls_context.h"
#include "options/options.h"
#include "redis/credentials.h"
#include "zookeeper/hosts.h"
#include "zookeeper/security.h"

namespace redis_zk {

// What a running daemon takes over when the options are read again.
struct LiveOptions {
  std::string log_level;
  std::string log_level_source;  // as in OptionsOutcome
  std::vector<ConfigSection> sections{};
};

// The options of the login at ZooKeeper, as they were given.
struct ZooKeeperLogin {
  std::string username;
  std::string password;
  std::string password_in_file;
  std::optional<zookeeper::AclPolicy> acl;
};

// Who we are to Redis and Sentinel, as it was given.
struct FleetPasswords {
  std::string redis_username;
  PasswordOption redis;
  std::string sentinel_username;
  PasswordOption sentinel;
};

// TLS to and between Redis and Sentinel.
struct RedisTls {
  bool on = false;
  TlsFiles files;
  std::shared_ptr<TlsSource> source;  // what SettleTls makes of them; nothing: off

  const TlsFiles* used() const { return on ? &files : nullptr; }
};

// All three daemons.
struct CommonOptions {
  zookeeper::Hosts zk_hosts;
  ZooKeeperLogin zk_login;
  zookeeper::Security zk_security;  // what SettleSecurity makes of it
  std::string zk_root;
  Duration zk_session_timeout{};
  Duration zk_connect_timeout{};
  std::string master_name;
  LogFormat log_format = LogFormat::kText;
  std::string log_level;
  FleetPasswords passwords;
  Networks trusted_networks;            // empty: all
  redis::FleetCredentials credentials;  // what SettleCredentials makes of them
  RedisTls redis_tls;
  bool strict_secrets = false;
  std::vector<std::string> open_secret_files;  // a line each, which is an error with strict_secrets

  // Reads the same command line, the environment and the config file again. An error is all that is wrong
  // with them, line by line.
  std::function<Result<LiveOptions>()> read_again;
};
void AddCommonOptions(Options& options, CommonOptions* target);
// Makes zk_security of zk_login. Returns error lines where its options contradict each other. The daemons'
// options check that; commands that log in call it.
std::vector<std::string> SettleSecurity(CommonOptions& options);
// Makes the credentials of the passwords and the trusted networks.
void SettleCredentials(CommonOptions& options);
// Loads the files and makes their paths absolute. Returns error lines where they cannot be used.
std::vector<std::string> SettleTls(RedisTls& tls);

// Both wrappers. After Read, `bind` is where the server listens and `announce` what others are told.
struct ServerOptions {
  std::string net_iface;
  std::string bind_ip;
  std::int64_t port = 0;
  std::string announce_ip;
  std::int64_t announce_port = 0;  // 0: the port that is bound
  std::string work_dir;
  std::string run_dir;             // empty: one of the wrapper's own, see daemon/run_directory.h
  Duration master_wait_timeout{};  // 0: for ever
  Duration start_timeout{};
  Duration stop_timeout{};

  Endpoint bind;
  Endpoint announce;
};
// Of the addresses (REQUIRES: at least one) of a name in ANNOUNCE_IP, the one to announce: loopback only to
// loopback (a machine often has its own name there), then one of the bound address's family, then the
// resolver's order.
std::string AddressToAnnounce(const std::vector<std::string>& addresses, std::string_view bound);
// The address that is here instead of the bound one: a container that was connected to its network anew, by
// which its interface may get another name. Nothing: the bound one is here still, or NET_IFACE exists and has
// none of that family, and may get its own back.
std::optional<std::string> MovedTo(const ServerOptions& options, bool interface_exists,
                                   const std::vector<InterfaceAddress>& addresses);
// What `common` trusts gets our own server's address in addition.
void AddServerOptions(Options& options, const std::string& default_port,
                      const std::string& default_stop_timeout, ServerOptions* target, CommonOptions* common);

// Reads the options, or prints what Read says and ends the process with its code. The command that was asked
// for; empty: be the daemon.
std::string ReadOptionsOrExit(Options& options, int argc, const char* const* argv);

// `options` writes to `common`.
Result<LiveOptions> ReadLiveOptions(Options options, const CommonOptions& common, int argc,
                                    const char* const* argv);

// What CommonOptions::read_again is made of: `describe` says which options a daemon has, and reads them into
// its argument. `argv` must outlive it.
template <class DaemonOptions>
std::function<Result<LiveOptions>()> Rereader(Options (*describe)(DaemonOptions*), int argc,
                                              const char* const* argv) {
  return [=] {
    DaemonOptions fresh;
    return ReadLiveOptions(describe(&fresh), fresh.common, argc, argv);
  };
}

}  // namespace redis_zk
