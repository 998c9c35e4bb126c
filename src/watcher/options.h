// The options of watcher.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "config/common_options.h"

namespace redis_zk::watcher {

// Whether Sentinels are made to forget those that are gone, or only those are named that would be.
enum class CleanUpMode { kOff, kObserve, kOn };

// Who knows it may steer.
struct SteeringToken {
  std::string path;
  std::string text;  // empty: nobody may
};
// From the first line of a file. An error says what was expected.
Result<SteeringToken> ReadSteeringToken(std::string_view path);

struct WatcherOptions {
  std::string command;  // empty: be the daemon
  CommonOptions common;
  std::string bind_ip;
  std::int64_t port = 0;
  Duration sentinel_timeout{};
  CleanUpMode clean_up = CleanUpMode::kOff;
  Duration clean_up_patience{};
  Duration observe_interval{};  // 0: nobody is asked
  SteeringToken steering_token;

  Endpoint listen;  // bind_ip and port
};

// Ends the process when they are wrong, or when only help was asked for.
WatcherOptions ReadWatcherOptions(int argc, const char* const* argv);

}  // namespace redis_zk::watcher
