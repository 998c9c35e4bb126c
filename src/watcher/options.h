// The options of watcher.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "options/common_options.h"
#include "watcher/admin_tokens.h"
#include "watcher/behaviors/behavior.h"
#include "watcher/web/client.h"
#include "watcher/web/policy.h"

namespace redis_zk::watcher {

// Whether Sentinels are made to forget those that are gone, or only those are named that would be.
enum class CleanUpMode { kOff, kObserve, kOn };

// Whether a record is written that is not true, or only named.
enum class UpdateMasterMode { kObserve, kOn };

// The commands that ask a running watcher.
inline constexpr std::string_view kStatus = "status";
inline constexpr std::string_view kEvents = "events";
inline constexpr std::string_view kFailover = "failover";
inline constexpr std::string_view kExplain = "explain";
inline constexpr std::string_view kPause = "pause";
inline constexpr std::string_view kResume = "resume";
// Those that ask ZooKeeper, and the latter every server.
inline constexpr std::string_view kSecureZooKeeper = "secure-zookeeper";
inline constexpr std::string_view kDoctor = "doctor";

struct CommandOptions {
  web::Target watcher;
  std::string group;  // empty: all
  bool json = false;
  bool follow = false;
  bool check = false;       // secure-zookeeper only looks
  std::string to;           // empty: Sentinel chooses
  std::string lasts;        // of a pause; empty: as long as the watcher says
  std::string reason;       // of a pause
  std::string admin_token;  // empty: none is sent
  std::string ca;           // of WATCHER_URL's certificate; empty: this system's authorities
};

// TLS on the watcher's own port.
struct HttpTls {
  TlsFiles files{.ca = {}, .certificate = {}, .key = {}, .demanded = ClientCertificates::kNone};
  std::shared_ptr<TlsSource> source{};  // what SettleHttpTls makes of them; nothing: without TLS
};
// Loads the files and makes their paths absolute. Returns error lines where they cannot be used.
std::vector<std::string> SettleHttpTls(HttpTls& tls);

struct WatcherOptions {
  std::string command;  // empty: be the daemon
  CommandOptions ask;
  CommonOptions common;
  std::string bind_ip;
  std::int64_t port = 0;
  Duration sentinel_timeout{};
  UpdateMasterMode update_master = UpdateMasterMode::kObserve;
  CleanUpMode clean_up = CleanUpMode::kOff;
  Duration clean_up_patience{};
  Duration observe_interval{};  // 0: no server is asked
  AdminTokens admin_tokens;
  web::HttpPolicy http;
  HttpTls http_tls;

  std::vector<BehaviorSettings> behaviors;

  Endpoint listen;  // bind_ip and port
};

// Ends the process when they are wrong, or when only help was asked for.
WatcherOptions ReadWatcherOptions(int argc, const char* const* argv);

}  // namespace redis_zk::watcher
