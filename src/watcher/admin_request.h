// A request to the admin API, and what came of it. Values; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "net/endpoint.h"

namespace redis_zk::watcher {

struct AdminRequest {
  enum class Action { kFailOver, kDeleteGroup, kPauseCleanUp, kResumeCleanUp };
  Action action = Action::kFailOver;
  std::string group{};   // the first two
  std::string to{};      // kFailOver: "host:port" of the candidate; empty: Sentinel chooses
  std::string reason{};  // kPauseCleanUp
  std::string who{};     // the name of the token that it came with; empty: that has none
  std::string from{};    // its address
};

struct AdminOutcome {
  struct FailedOver {
    Endpoint from;
    Endpoint to;
    Duration took{};
    Duration paused{};  // how long clients could not write
    std::uint64_t epoch = 0;
  };
  int status = 200;  // of HTTP
  std::string told;  // one sentence
  std::optional<FailedOver> failed_over{};
};

// "failover of master1 to 10.0.0.2:6379".
std::string DescribeRequest(const AdminRequest& request);
// The kind of the event that tells of it.
const char* KindOf(AdminRequest::Action action);
// "alice (10.0.0.9:41234)"; without a name the address alone.
std::string Requester(std::string_view who, std::string_view from);

}  // namespace redis_zk::watcher
