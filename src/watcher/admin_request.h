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
  enum class Action { kFailOver, kDeleteGroup, kPauseChanges, kResumeChanges };
  Action action = Action::kFailOver;
  std::string group{};   // kPauseChanges, kResumeChanges: empty means all
  std::string to{};      // kFailOver: "host:port" of the candidate; empty: Sentinel chooses
  std::string lasts{};   // kPauseChanges: how long, "2h"; empty: an hour
  std::string reason{};  // kPauseChanges
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
// "master1", or "all groups".
std::string WhomOf(const AdminRequest& request);

}  // namespace redis_zk::watcher
