// Sends each event to a URL, as JSON, until it is taken or the time is up.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "net/endpoint.h"
#include "watcher/behaviors/behavior.h"
#include "watcher/behaviors/config.h"

namespace redis_zk::watcher {

// The keys `url`, `timeout`, `retry_for` and `header_file`.
BehaviorSettings::Make ReadWebhook(SectionReader& section);

struct HookUrl {
  bool tls = false;
  Endpoint server;
  std::string target;  // path and query: may hold a secret, and is never shown
};
Result<HookUrl> ParseHookUrl(std::string_view text);

// "Name: value".
struct HookHeader {
  std::string name;
  std::string value;
};
Result<HookHeader> ParseHookHeader(std::string_view line);

struct HookAnswer {
  int status = 0;  // 0: there was none
  std::string retry_after{};
  std::string error{};  // why there was none
};

// What an answer means.
struct HookVerdict {
  enum class Kind { kDone, kRetry, kGiveUp };
  Kind kind;
  Duration pause{};  // before another attempt, at least
};
HookVerdict Judge(const HookAnswer& answer);

}  // namespace redis_zk::watcher
