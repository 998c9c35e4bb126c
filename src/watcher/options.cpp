#include "watcher/options.h"

#include <fmt/core.h>

#include <utility>

#include "base/file.h"
#include "net/interface.h"
#include "watcher/admin.h"
#include "watcher/behaviors/config.h"
#include "watcher/web/client.h"
#include "watcher/web/health_check.h"

namespace redis_zk::watcher {

namespace {

Result<CleanUpMode> ParseCleanUpMode(std::string_view text) {
  if (text == "off") return CleanUpMode::kOff;
  if (text == "observe") return CleanUpMode::kObserve;
  if (text == "on") return CleanUpMode::kOn;
  return Fail(ErrorKind::kInvalid, "off, observe or on");
}

Result<UpdateMasterMode> ParseUpdateMasterMode(std::string_view text) {
  if (text == "observe") return UpdateMasterMode::kObserve;
  if (text == "on") return UpdateMasterMode::kOn;
  return Fail(ErrorKind::kInvalid, "observe or on");
}

Endpoint ListenOf(const WatcherOptions& options) {
  return {options.bind_ip, static_cast<std::uint16_t>(options.port)};
}

// "http://host:port" or with https, with a slash behind it or not.
Result<web::Target> ParseUrl(std::string_view text) {
  constexpr std::string_view kPlain = "http://";
  constexpr std::string_view kEncrypted = "https://";
  constexpr std::uint16_t kHttpPort = 80;
  constexpr std::uint16_t kHttpsPort = 443;
  const auto wrong = [] { return Fail(ErrorKind::kInvalid, "http://HOST:PORT or https://HOST:PORT"); };
  const bool tls = text.starts_with(kEncrypted);
  if (!tls && !text.starts_with(kPlain)) return wrong();
  text.remove_prefix(tls ? kEncrypted.size() : kPlain.size());
  if (text.ends_with('/')) text.remove_suffix(1);
  auto endpoint = ParseAddress(text, tls ? kHttpsPort : kHttpPort);
  if (!endpoint) return wrong();
  return web::Target{.watcher = std::move(*endpoint), .tls = tls};
}

Result<ClientCertificates> ParseClientCertificates(std::string_view text) {
  if (text == "none") return ClientCertificates::kNone;
  if (text == "optional") return ClientCertificates::kOptional;
  if (text == "required") return ClientCertificates::kRequired;
  return Fail(ErrorKind::kInvalid, "none, optional or required");
}

// What the commands need to reach the watcher that was started with the same options.
std::vector<std::string> UsesOfAsking(const std::vector<std::string>& more) {
  std::vector<std::string> uses{"BIND_IP", "PORT0", "HTTP_TLS_CERT_FILE", "HTTP_TLS_KEY_FILE",
                                "HTTP_TLS_VERIFY_CLIENT"};
  uses.insert(uses.begin(), more.begin(), more.end());
  return uses;
}

// How the commands reach the watcher. A port that demands certificates accepts its own.
void SettleTarget(WatcherOptions& watcher) {
  web::Target& target = watcher.ask.watcher;
  const TlsFiles& own = watcher.http_tls.files;
  target.files.ca = watcher.ask.ca;
  if (target.watcher.port == 0) {
    // Nobody else has the key to its certificate, whatever names that has.
    target = {.watcher = web::ReachableAt(watcher.listen), .tls = !own.certificate.empty(), .by_name = false};
    target.files.ca = own.certificate;
  }
  auto demanded = own.demanded;
  if (watcher.command == web::kHealthCheck) {
    // It sends no secret, and a watcher that serves must not be restarted because of its files.
    target.verified = false;
    target.files.ca.clear();
    if (demanded == ClientCertificates::kOptional) demanded = ClientCertificates::kNone;
  }
  if (demanded == ClientCertificates::kNone) return;
  target.files.certificate = own.certificate;
  target.files.key = own.key;
}

Result<std::string> ParseServer(std::string_view text) {
  return ParseAddress(text, std::nullopt).map([](const Endpoint& server) { return server.ToAddress(); });
}

Result<std::string> ParsePauseLength(std::string_view text) {
  return ParsePause(text).map([text](Duration) { return std::string(text); });
}

void AddAskingCommands(Options& options, CommandOptions* ask) {
  const auto add = [&](std::string_view name, const char* help,
                       std::vector<std::string> more = {}) -> Command& {
    more.insert(more.end(), {"WATCHER_URL", "WATCHER_CA_CERT_FILE"});
    return options.AddCommand(std::string(name), help, UsesOfAsking(more))
        .Flag("--url", "URL", "the same as --watcher-url", ParseUrl, &ask->watcher);
  };
  const auto optional = Command::Need::kOptional;
  add(kStatus,
      "shows how all groups are, or one, as a table; ends with 0 if nothing is wrong, with 1 if there are "
      "warnings")
      .Argument("[GROUP]", optional, ParseMasterName, &ask->group)
      .Switch("--json", "the answer of /status as it came", &ask->json)
      .Example("watcher status master1 --url http://10.0.0.1:8080");
  add(kEvents, "shows the last events, a line for each")
      .Switch("--follow", "go on with those that happen, until SIGINT or SIGTERM", &ask->follow)
      .Switch("--json", "a JSON object for each event, as /events has them", &ask->json)
      .Example("watcher events --follow");
  add(kFailover,
      "makes a replica the master, with a handover that loses no write, and waits until that is done, a "
      "minute at most",
      {"ADMIN_TOKEN_FILE"})
      .Argument("GROUP", Command::Need::kNeeded, ParseMasterName, &ask->group)
      .Flag("--to", "HOST:PORT", "the replica; when not given, the watcher chooses", ParseServer, &ask->to)
      .Switch("--json", "the answer as it came", &ask->json)
      .Example("watcher failover master1 --to 10.0.0.2:6379 --admin-token-file /run/secrets/admin");
  add(kPause,
      "keeps the daemons from changing anything by themselves, in one group or in all, until the time has "
      "passed or resume is called; Sentinel itself goes on",
      {"ADMIN_TOKEN_FILE"})
      .Argument("[GROUP]", optional, ParseMasterName, &ask->group)
      .Flag("--for", "DURATION", "how long, 1s to 168h; 1h when not given", ParsePauseLength, &ask->lasts)
      .Flag("--reason", "TEXT", "why, for those who see it", ParseText, &ask->reason)
      .Switch("--json", "the answer as JSON", &ask->json)
      .Example("watcher pause master1 --for 2h --reason 'the network is mended'");
  add(kResume, "ends a pause before its time: that of the group, or that of all", {"ADMIN_TOKEN_FILE"})
      .Argument("[GROUP]", optional, ParseMasterName, &ask->group)
      .Switch("--json", "the answer as JSON", &ask->json)
      .Example("watcher resume master1");
  add(kExplain,
      "says what every node would do now, and what would happen if the master, a Sentinel or everything died")
      .Argument("[GROUP]", optional, ParseMasterName, &ask->group)
      .Switch("--json", "the answer of /explain as JSON", &ask->json)
      .Example("watcher explain master1");
  options.Add(
      {"WATCHER_URL",
       "for the commands: the watcher to ask, http://HOST:PORT or https://HOST:PORT; when not set, the one "
       "that would serve here, on BIND_IP and PORT0",
       ""},
      ParseUrl, &ask->watcher);
  options.Add({"WATCHER_CA_CERT_FILE",
               "for the commands: PEM file with the authorities that may have signed the certificate of "
               "WATCHER_URL, or with that certificate; when not set, the authorities of this system",
               ""},
              ParseText, &ask->ca);
}

// Those that need no watcher.
void AddOwnCommands(Options& options, CommandOptions* ask) {
  const std::vector<std::string> zookeeper{"ZK_HOSTS",           "ZK_ROOT",     "ZK_CONNECT_TIMEOUT",
                                           "ZK_SESSION_TIMEOUT", "ZK_USERNAME", "ZK_PASSWORD_FILE",
                                           "ZK_PASSWORD",        "ZK_ACL"};
  options
      .AddCommand(
          std::string(kSecureZooKeeper),
          "makes the ACLs of ZK_ROOT and of everything below it what ZK_ACL says; it may run again at "
          "any time",
          zookeeper)
      .Switch("--check", "changes nothing; lists what is open to others, and ends with 1 if anything is",
              &ask->check)
      .Example(
          "watcher secure-zookeeper --check --zk-username redis --zk-password-file /run/secrets/zookeeper");
  std::vector<std::string> everything{
      "MASTER_NAME",         "TRUSTED_NETWORKS",       "REDIS_USERNAME",         "SENTINEL_USERNAME",
      "REDIS_PASSWORD_FILE", "REDIS_PASSWORD",         "SENTINEL_PASSWORD_FILE", "SENTINEL_PASSWORD",
      "REDIS_TLS",           "REDIS_TLS_CA_CERT_FILE", "REDIS_TLS_CERT_FILE",    "REDIS_TLS_KEY_FILE"};
  everything.insert(everything.begin(), zookeeper.begin(), zookeeper.end());
  options
      .AddCommand(std::string(kDoctor),
                  "looks at ZooKeeper, every Redis and Sentinel and this machine, changes nothing, and says "
                  "what to mend; ends with 2 if something does not work, with 1 if there are warnings",
                  everything)
      .Switch("--json", "the findings as JSON", &ask->json)
      .Example("watcher doctor --zk-hosts zk1:2181,zk2:2181,zk3:2181");
}

void AddWork(Options& options, WatcherOptions* watcher) {
  options.Add(
      {"SENTINEL_TIMEOUT", "how long the followed Sentinel may be silent before another one is chosen", "3s"},
      DurationBetween(300ms, 1min), &watcher->sentinel_timeout);
  options.Add(
      {"UPDATE_MASTER",
       "whether the record of a master is written when it is not true: on, or observe, which only logs "
       "what it would write",
       "on"},
      ParseUpdateMasterMode, &watcher->update_master);
  options.Add({"CLEANUP",
               "whether Sentinels are made to forget peers and replicas that are gone: off, on, or observe, "
               "which only logs what it would do",
               "on"},
              ParseCleanUpMode, &watcher->clean_up);
  options.Add(
      {"CLEANUP_PATIENCE", "how long a peer or a replica must have been gone before it is forgotten", "60s"},
      DurationBetween(1s, 24h), &watcher->clean_up_patience);
  options.Add(
      {"OBSERVE_INTERVAL",
       "how often Redis and Sentinels are asked how they are, for /status and /events; 0 = never", "2s"},
      DurationBetween(0ms, 1h), &watcher->observe_interval);
}

void AddHttpAccess(Options& options, WatcherOptions* watcher) {
  options.Add(
      {.env = "ADMIN_TOKEN_FILE",
       .help =
           "a file with the token that POST and DELETE take, or with a line NAME:TOKEN for each that they "
           "take; the command failover sends the first; without it they are off",
       .fallback = "",
       .holds_secret = true},
      ReadAdminTokens, &watcher->admin_tokens);
  options.Add(
      {"ADMIN_INSECURE",
       "whether other machines may use the admin API without TLS, although their token then crosses the "
       "network in the clear: on or off",
       "off"},
      ParseSwitch, &watcher->http.admin_insecure);
  options.Add({"HTTP_ALLOWED_HOSTS",
               "the names, separated by commas, under which browsers and other clients may ask this watcher; "
               "a request for another Host gets 421; loopback is always one; when not set, any",
               ""},
              web::ParseHosts, &watcher->http.allowed_hosts);
}

void AddHttpTls(Options& options, HttpTls* tls) {
  options.Add({"HTTP_TLS_CERT_FILE",
               "PEM file with the certificate of the watcher's own port, with the chain up to an authority; "
               "with it the port speaks HTTPS alone",
               ""},
              ParseText, &tls->files.certificate);
  options.Add({.env = "HTTP_TLS_KEY_FILE",
               .help = "PEM file with the key of HTTP_TLS_CERT_FILE, without a passphrase",
               .fallback = "",
               .holds_secret = true},
              ParseText, &tls->files.key);
  options.Add({"HTTP_TLS_CA_CERT_FILE",
               "PEM file with the authorities whose certificates HTTP clients may present", ""},
              ParseText, &tls->files.ca);
  options.Add({"HTTP_TLS_VERIFY_CLIENT",
               "whether HTTP clients must present a certificate: none, which asks for none, optional, which "
               "rejects a wrong one, or required",
               "none"},
              ParseClientCertificates, &tls->files.demanded);
  options.AddCheck([tls] { return SettleHttpTls(*tls); });
}

Options Describe(WatcherOptions* watcher) {
  Options options(
      "watcher",
      "Follows a Sentinel, keeps the master in ZooKeeper true and tells clients where the Sentinels are.");
  options.AddCommand(std::string(web::kHealthCheck),
                     "asks the watcher that was started with the same options how it is; ends with 0 if it "
                     "is well",
                     UsesOfAsking({}));
  AddCommonOptions(options, &watcher->common);
  AddAskingCommands(options, &watcher->ask);
  AddOwnCommands(options, &watcher->ask);
  options.Add({"BIND_IP", "address to serve HTTP on", "0.0.0.0"}, ParseIp, &watcher->bind_ip);
  options.Add({"PORT0", "port to serve HTTP on", "8080"}, WholeNumber(1, 65535), &watcher->port);
  AddWork(options, watcher);
  AddHttpAccess(options, watcher);
  AddHttpTls(options, &watcher->http_tls);
  options.AddSections("behavior", [watcher](const auto& sections) -> std::vector<std::string> {
    auto behaviors = ReadBehaviors(sections);
    if (!behaviors) return behaviors.error();
    watcher->behaviors = std::move(*behaviors);
    return {};
  });
  const auto check_port = [watcher](bool taken) -> std::vector<std::string> {
    const auto bindable = CheckBindable(ListenOf(*watcher));
    if (bindable || IsPortTaken(bindable.error()) != taken) return {};
    return {"BIND_IP, PORT0: " + bindable.error().message};
  };
  options.AddCheck([check_port] { return check_port(false); });
  options.AddCheck([check_port] { return check_port(true); }, kExitTryAgain);
  return options;
}

}  // namespace

std::vector<std::string> SettleHttpTls(HttpTls& tls) {
  auto& [ca, certificate, key, serves, demanded] = tls.files;
  const bool verifies = demanded != ClientCertificates::kNone;
  const auto lacks = [](std::string_view option, std::string_view expected) {
    return std::vector<std::string>{fmt::format("{}: found none, expected {}", option, expected)};
  };
  if (certificate.empty() && key.empty() && ca.empty() && !verifies) return {};
  if (certificate.empty())
    return lacks("HTTP_TLS_CERT_FILE",
                 "a file with HTTP_TLS_KEY_FILE, HTTP_TLS_CA_CERT_FILE or HTTP_TLS_VERIFY_CLIENT");
  if (key.empty()) return lacks("HTTP_TLS_KEY_FILE", "a file with HTTP_TLS_CERT_FILE");
  if (verifies && ca.empty())
    return lacks("HTTP_TLS_CA_CERT_FILE", "a file with HTTP_TLS_VERIFY_CLIENT=optional or required");
  // It would look closed, and be open.
  if (!verifies && !ca.empty())
    return lacks("HTTP_TLS_VERIFY_CLIENT", "optional or required with HTTP_TLS_CA_CERT_FILE");
  for (auto* const path : {&ca, &certificate, &key}) {
    if (!path->empty()) *path = AbsolutePath(*path);
  }
  auto context = TlsContext::Load(tls.files);
  if (!context) {
    const std::string& why = context.error().message;
    const std::string_view option = why.starts_with(certificate) ? "HTTP_TLS_CERT_FILE"
                                    : why.starts_with(key)       ? "HTTP_TLS_KEY_FILE"
                                                                 : "HTTP_TLS_CA_CERT_FILE";
    return {fmt::format("{}: {}", option, why)};
  }
  tls.source = std::make_shared<TlsSource>(std::move(*context));
  return {};
}

WatcherOptions ReadWatcherOptions(int argc, const char* const* argv) {
  WatcherOptions watcher;
  Options options = Describe(&watcher);
  watcher.command = ReadOptionsOrExit(options, argc, argv);
  watcher.listen = ListenOf(watcher);
  if (!watcher.admin_tokens.list.empty()) watcher.ask.admin_token = watcher.admin_tokens.list.front().text;
  SettleTarget(watcher);
  watcher.common.read_again = Rereader(&Describe, argc, argv);
  return watcher;
}

}  // namespace redis_zk::watcher
