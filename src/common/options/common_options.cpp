#include "options/common_options.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "base/file.h"
#include "net/lookup.h"

namespace redis_zk {

namespace {

constexpr std::string_view kLoopback = "lo";

std::string DescribeUnbindable(const ServerOptions& options, const Error& error) {
  return fmt::format("{}: {}", options.bind_ip.empty() ? "PORT0" : "BIND_IP, PORT0", error.message);
}

// Settles what is bound and what is announced.
std::vector<std::string> ResolveAddresses(ServerOptions& options) {
  std::vector<std::string> errors;
  options.bind.port = static_cast<std::uint16_t>(options.port);
  if (!options.bind_ip.empty()) {
    options.bind.host = options.bind_ip;
  } else {
    const auto addresses = ListInterfaceAddresses();
    const auto ip = addresses ? AddressOf(options.net_iface, *addresses) : tl::unexpected(addresses.error());
    if (!ip) {
      errors.push_back(
          fmt::format("NET_IFACE: found \"{}\", expected {}", options.net_iface, ip.error().message));
      return errors;
    }
    options.bind.host = *ip;
  }
  const auto bindable = CheckBindable(options.bind);
  if (!bindable && !IsPortTaken(bindable.error()))
    errors.push_back(DescribeUnbindable(options, bindable.error()));
  options.announce.host = options.announce_ip.empty() ? options.bind.host : options.announce_ip;
  options.announce.port =
      options.announce_port == 0 ? options.bind.port : static_cast<std::uint16_t>(options.announce_port);
  return errors;
}

// REQUIRES: what is bound is settled. A name is looked up once and announced to none: each who is told one
// would have to resolve it, and Sentinel names the same server now by its name and now by its address.
std::vector<std::string> LookUpAnnounced(ServerOptions& options) {
  if (options.announce_ip.empty() || IsIpAddress(options.announce_ip)) return {};
  const auto addresses = LookUp(options.announce_ip);
  if (!addresses) return {fmt::format("ANNOUNCE_IP: {}", addresses.error().message)};
  options.announce.host = AddressToAnnounce(*addresses, options.bind.host);
  return {};
}

// REQUIRES: the addresses are settled.
std::vector<std::string> CheckAnnounced(const ServerOptions& options) {
  const std::string& announced = options.announce.host;
  if (IsWildcard(announced)) {
    return {fmt::format("ANNOUNCE_IP: found \"{}\", expected an address that others can reach", announced)};
  }
  const bool was_name = !options.announce_ip.empty() && announced != options.announce_ip;
  if (was_name && IsLoopback(announced) && !IsLoopback(options.bind.host)) {
    return {
        fmt::format("ANNOUNCE_IP: found \"{}\", which is {} here, expected an address that others can reach",
                    options.announce_ip, announced)};
  }
  return {};
}

// REQUIRES: the addresses are settled. Our own server has the passwords anyway, and listens where it is
// bound; the others send theirs to what it announces.
std::vector<std::string> TrustOwnServer(const ServerOptions& server, CommonOptions* common) {
  Networks& trusted = common->trusted_networks;
  if (trusted.empty()) return {};
  if (!trusted.Contain(server.announce.host))
    return {fmt::format("TRUSTED_NETWORKS: found no network with {}, which this announces, expected one",
                        server.announce.host)};
  if (const auto own = Networks::Parse(server.bind.host)) trusted.Add(*own);
  SettleCredentials(*common);
  return {};
}

// REQUIRES: the addresses are resolved.
std::vector<std::string> CheckPortIsFree(const ServerOptions& options) {
  const auto bindable = CheckBindable(options.bind);
  if (bindable || !IsPortTaken(bindable.error())) return {};
  return {DescribeUnbindable(options, bindable.error())};
}

std::vector<std::string> CheckDirectory(std::string_view option, const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0 || !S_ISDIR(status.st_mode) ||
      access(path.c_str(), W_OK | X_OK) != 0) {
    return {fmt::format("{}: found \"{}\", expected a writable directory", option, path)};
  }
  return {};
}

Result<std::string> ParseUsername(std::string_view text) {
  auto name = ParseText(text);
  if (!name || name->find(':') != std::string::npos)
    return Fail(ErrorKind::kInvalid, "a name without colons and control characters");
  return name;
}

void AddLogin(Options& options, CommonOptions* target) {
  ZooKeeperLogin& login = target->zk_login;
  options.Add({"ZK_USERNAME", "user of ZooKeeper, for its digest authentication; none when not set", ""},
              ParseUsername, &login.username);
  options.AddSecret("ZK_PASSWORD", "password of ZK_USERNAME", &login.password, &login.password_in_file);
  options.Add({"ZK_ACL",
               "what others may do with the znodes that this creates: everything (open), read (readable) or "
               "nothing (private); when not set, private with ZK_USERNAME and open without",
               ""},
              zookeeper::ParseAclPolicy, &login.acl);
  options.AddCheck([target] { return SettleSecurity(*target); });
}

void AddTls(Options& options, RedisTls* target) {
  options.Add(
      {"REDIS_TLS",
       "on: Redis and Sentinel listen with TLS on PORT0 and on nothing else, and are reached with it; "
       "off: without",
       "off"},
      ParseSwitch, &target->on);
  options.Add(
      {"REDIS_TLS_CA_CERT_FILE",
       "PEM file with the authorities whose certificates are trusted; required with REDIS_TLS=on", ""},
      ParseText, &target->files.ca);
  options.Add(
      {"REDIS_TLS_CERT_FILE",
       target->files.serves
           ? "PEM file with the certificate of the server and of our own connections, and the chain up "
             "to an authority; required with REDIS_TLS=on"
           : "PEM file with the certificate that is presented to Redis and Sentinel; none when not set",
       ""},
      ParseText, &target->files.certificate);
  options.Add({.env = "REDIS_TLS_KEY_FILE",
               .help = "PEM file with the key of REDIS_TLS_CERT_FILE, without a passphrase",
               .fallback = "",
               .holds_secret = true},
              ParseText, &target->files.key);
  options.AddCheck([target] { return SettleTls(*target); });
}

}  // namespace

std::vector<std::string> SettleTls(RedisTls& tls) {
  auto& [ca, certificate, key, serves, demanded] = tls.files;
  const bool has_pair = !certificate.empty() || !key.empty();
  if (!tls.on && (!ca.empty() || has_pair))
    return {
        "REDIS_TLS: found off, expected on with REDIS_TLS_CA_CERT_FILE, REDIS_TLS_CERT_FILE or "
        "REDIS_TLS_KEY_FILE"};
  if (!tls.on) return {};
  std::vector<std::string> errors;
  const auto need = [&errors](const std::string& path, const std::string& option) {
    if (path.empty()) errors.push_back(option + ": found none, expected a file with REDIS_TLS=on");
  };
  need(ca, "REDIS_TLS_CA_CERT_FILE");
  if (serves || has_pair) {
    need(certificate, "REDIS_TLS_CERT_FILE");
    need(key, "REDIS_TLS_KEY_FILE");
  }
  if (!errors.empty()) return errors;
  for (auto* const path : {&ca, &certificate, &key}) {
    if (!path->empty()) *path = AbsolutePath(*path);
  }
  auto context = TlsContext::Load(tls.files);
  if (!context) return {"REDIS_TLS: " + context.error().message};
  tls.source = std::make_shared<TlsSource>(std::move(*context));
  return {};
}

void SettleCredentials(CommonOptions& options) {
  const auto settle = [](const std::string& username, const PasswordOption& given) {
    const auto& [password, old_password] = given.file.lines;
    return given.text.empty() ? redis::Credentials{username, password, old_password}
                              : redis::Credentials{username, given.text};
  };
  const auto& [redis_username, redis, sentinel_username, sentinel] = options.passwords;
  // Both warn once of the same address.
  const auto trust = std::make_shared<redis::Trust>(options.trusted_networks);
  options.credentials = {.redis = {settle(redis_username, redis), trust},
                         .sentinel = {settle(sentinel_username, sentinel), trust}};
}

// Of the server whose options have the prefix.
std::string DescribeMissingPassword(std::string_view prefix) {
  return fmt::format("{0}_PASSWORD: found none, expected one, or {0}_PASSWORD_FILE, with {0}_USERNAME",
                     prefix);
}

std::vector<std::string> CheckUsernames(const CommonOptions& options) {
  std::vector<std::string> errors;
  const auto check = [&errors](std::string_view server, const redis::Credentials& credentials) {
    if (!credentials.username.empty() && credentials.password.empty())
      errors.push_back(DescribeMissingPassword(server));
  };
  check("REDIS", *options.credentials.redis.Get());
  check("SENTINEL", *options.credentials.sentinel.Get());
  return errors;
}

std::vector<std::string> SettleSecurity(CommonOptions& options) {
  using zookeeper::AclPolicy;
  const auto& [username, password, password_in_file, acl] = options.zk_login;
  const std::string& given = password.empty() ? password_in_file : password;
  if (username.empty() && !given.empty()) return {"ZK_USERNAME: found none, expected one with ZK_PASSWORD"};
  if (!username.empty() && given.empty()) return {DescribeMissingPassword("ZK")};
  const bool known = !username.empty();
  if (!known && acl.value_or(AclPolicy::kOpen) != AclPolicy::kOpen)
    return {"ZK_ACL: found readable or private, expected open without ZK_USERNAME and ZK_PASSWORD"};
  options.zk_security = {.credentials = {username, given},
                         .acl = acl.value_or(known ? AclPolicy::kPrivate : AclPolicy::kOpen)};
  return {};
}

void AddCommonOptions(Options& options, CommonOptions* target) {
  options.Add({"ZK_HOSTS", "ZooKeeper servers, host:port with commas between, and an optional /chroot",
               "localhost:2181"},
              zookeeper::ParseHosts, &target->zk_hosts);
  options.Add({"ZK_ROOT", "the znode that everything stands below", "/redis"}, zookeeper::ParsePath,
              &target->zk_root);
  AddLogin(options, target);
  options.Add({"ZK_SESSION_TIMEOUT",
               "how long ZooKeeper keeps the registrations of a daemon that falls silent", "10s"},
              DurationBetween(1s, 10min), &target->zk_session_timeout);
  options.Add({"ZK_CONNECT_TIMEOUT", "how long a start waits for ZooKeeper before it ends with 69", "30s"},
              DurationBetween(100ms, 1h), &target->zk_connect_timeout);
  options.Add({"MASTER_NAME", "the group, as Sentinel names its master", "master1"}, ParseMasterName,
              &target->master_name);
  options.Add({"LOG_LEVEL", "trace, debug, info, warn, error or off; SIGHUP reads it again", "info"},
              ParseLogLevel, &target->log_level);
  options.Add({"LOG_FORMAT", "text, or json: one object a line", "text"}, ParseLogFormat,
              &target->log_format);
  options.Add({"REDIS_USERNAME", "ACL user of Redis; the default user when not set", ""}, ParseText,
              &target->passwords.redis_username);
  options.AddPassword("REDIS_PASSWORD", "password of Redis", &target->passwords.redis);
  options.Add({"SENTINEL_USERNAME", "ACL user of Sentinel itself; the default user when not set", ""},
              ParseText, &target->passwords.sentinel_username);
  options.AddPassword("SENTINEL_PASSWORD", "password of Sentinel itself", &target->passwords.sentinel);
  options.Add(
      {"TRUSTED_NETWORKS",
       "networks whose Redis and Sentinels may be told the passwords, as CIDR with commas between; any "
       "when not set",
       ""},
      Networks::Parse, &target->trusted_networks);
  options.AddCheck([target] {
    SettleCredentials(*target);
    return CheckUsernames(*target);
  });
  options.Add(
      {"STRICT_SECRETS",
       "whether a start ends with 78 when other users of this host can read a file with a secret: on, "
       "or off, which warns",
       "off"},
      ParseSwitch, &target->strict_secrets);
  options.AddSecretFilesCheck([target](const auto& files) {
    auto open = FindOpen(files);
    if (target->strict_secrets) return open;
    target->open_secret_files = std::move(open);
    return std::vector<std::string>{};
  });
  AddTls(options, &target->redis_tls);
}

void AddServerOptions(Options& options, const std::string& default_port,
                      const std::string& default_stop_timeout, ServerOptions* target, CommonOptions* common) {
  options.Add({"NET_IFACE", "interface whose address is bound and announced", "eth0"}, ParseText,
              &target->net_iface);
  options.Add({"BIND_IP", "address to bind instead of the interface's", ""}, ParseIp, &target->bind_ip);
  options.Add({"PORT0", "port to serve on", default_port}, WholeNumber(1, 65535), &target->port);
  options.Add({"ANNOUNCE_IP",
               "what others are told instead of the bound address; a name is looked up at the start", ""},
              ParseHost, &target->announce_ip);
  options.Add({"ANNOUNCE_PORT", "what others are told instead of the bound port", ""}, WholeNumber(1, 65535),
              &target->announce_port);
  options.Add({"WORK_DIR", "where the server runs", "."}, ParseText, &target->work_dir);
  options.Add({"RUN_DIR",
               "where the generated configuration and the word to health checks stand while this runs; when "
               "not set, a directory of its own in TMPDIR or /tmp",
               ""},
              ParseText, &target->run_dir);
  options.Add({"MASTER_WAIT_TIMEOUT",
               "how long a start waits for a master before it ends with 75; 0 = for ever", "0"},
              ParseDuration, &target->master_wait_timeout);
  options.Add(
      {"START_TIMEOUT", "how long the server may take to answer; loading its data does not count", "60s"},
      DurationBetween(100ms, 24h), &target->start_timeout);
  options.Add(
      {"STOP_TIMEOUT", "how long the server may take to stop before it is killed", default_stop_timeout},
      DurationBetween(100ms, 24h), &target->stop_timeout);
  options.AddCheck([target] { return ResolveAddresses(*target); });
  // A name server may be away for a moment.
  options.AddCheck([target] { return LookUpAnnounced(*target); }, kExitTryAgain);
  options.AddCheck([target] { return CheckAnnounced(*target); });
  options.AddCheck([target, common] { return TrustOwnServer(*target, common); });
  // A child of a server that was killed may hold its port for a moment.
  options.AddCheck([target] { return CheckPortIsFree(*target); }, kExitTryAgain);
  options.AddCheck([target] { return CheckDirectory("WORK_DIR", target->work_dir); });
  options.AddCheck([target] {
    return target->run_dir.empty() ? std::vector<std::string>{} : CheckDirectory("RUN_DIR", target->run_dir);
  });
}

std::string AddressToAnnounce(const std::vector<std::string>& addresses, std::string_view bound) {
  const auto rank = [&](const std::string& ip) {
    const bool of_the_family =
        (ip.find(':') == std::string::npos) == (bound.find(':') == std::string_view::npos);
    return std::pair(IsLoopback(ip) != IsLoopback(bound), !of_the_family);
  };
  return *std::min_element(addresses.begin(), addresses.end(),
                           [&](const auto& a, const auto& b) { return rank(a) < rank(b); });
}

std::optional<std::string> MovedTo(const ServerOptions& options, bool interface_exists,
                                   const std::vector<InterfaceAddress>& addresses) {
  if (!options.bind_ip.empty()) return std::nullopt;
  const std::string& bound = options.bind.host;
  if (std::any_of(addresses.begin(), addresses.end(), [&](const auto& there) { return there.ip == bound; }))
    return std::nullopt;
  const bool wants_ipv6 = bound.find(':') != std::string::npos;
  const auto replaces = [&](const InterfaceAddress& there) {
    const bool right_place =
        interface_exists ? there.interface == options.net_iface : there.interface != kLoopback;
    return right_place && there.is_ipv6 == wants_ipv6 && !there.is_link_local;
  };
  const auto found = std::find_if(addresses.begin(), addresses.end(), replaces);
  return found == addresses.end() ? std::nullopt : std::optional(found->ip);
}

std::string ReadOptionsOrExit(Options& options, int argc, const char* const* argv) {
  const auto outcome = options.Read(argc, argv, [](const char* name) { return std::getenv(name); });
  if (!outcome.exit_code) {
    // Nothing that we launch inherits them.
    for (const auto& secret : options.Secrets()) unsetenv(secret.c_str());
    return outcome.command;
  }
  std::fputs(outcome.text.c_str(), *outcome.exit_code == 0 ? stdout : stderr);
  std::exit(*outcome.exit_code);
}

Result<LiveOptions> ReadLiveOptions(Options options, const CommonOptions& common, int argc,
                                    const char* const* argv) {
  const auto outcome = options.ReadAgain(argc, argv, [](const char* name) { return std::getenv(name); });
  if (outcome.exit_code) return Fail(ErrorKind::kInvalid, fmt::format("{}", fmt::join(outcome.errors, "\n")));
  return LiveOptions{common.log_level, outcome.sources.at("LOG_LEVEL"), outcome.sections};
}

}  // namespace redis_zk
