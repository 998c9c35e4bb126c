// What the HTTP API answers, as functions of the topology: no server, no thread.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "watcher/admin.h"
#include "watcher/behaviors/behavior.h"
#include "watcher/counters.h"
#include "watcher/events.h"
#include "watcher/status.h"
#include "watcher/topology.h"
#include "watcher/web/request_counts.h"

namespace redis_zk::watcher::web {

struct Answer {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string cache_control = "no-cache";
  std::string body;
  // How old the answer is; nothing while ZooKeeper is there to tell of changes.
  std::optional<std::chrono::seconds> age{};
  // Names what is told, the same at every watcher that tells the same; "none" for what there is not yet;
  // empty for an answer without a wait.
  std::string version{};
};

inline const FleetStatus kNothingObserved{};
inline const History kNothingHappened{};
inline const Counters kNothingCounted{};
inline const RequestCounts kNoRequests{};
inline const ZooKeeperFigures kNothingMeasured{};

struct Request {
  std::string_view path;
  std::string_view accept;  // the Accept header
  std::string_view addr;    // of the query: the server that is-master asks about
  std::string_view group;   // of the query: the only group in /status and /explain; empty: all
  std::string_view form;    // of the query: how /sentinels is written; empty: as a list
  TimePoint now;
  std::function<std::size_t(std::size_t)> pick;  // a random index below the argument
  bool loop_alive = true;                        // for /healthz
  // For /status and /explain.
  const FleetStatus* status = &kNothingObserved;
  const History* history = &kNothingHappened;
  std::function<std::vector<BehaviorStatus>()> behaviors = [] { return std::vector<BehaviorStatus>{}; };
  // For /metrics.
  const Counters* counters = &kNothingCounted;
  const RequestCounts* requests = &kNoRequests;
  const ZooKeeperFigures* figures = &kNothingMeasured;
};

inline constexpr const char* kPageType = "text/html; charset=utf-8";

// The answer of this type goes on with every event that happens; the server sees to that.
inline constexpr const char* kEventStream = "text/event-stream";

// Nothing: no such path.
std::optional<Answer> AnswerFor(const Request& request, const Topology& topology);

// Which threads answer: some answers take as long as a thousand others together, and an admin request takes
// seconds, and none may hold up a health check.
enum class Lane { kQuick, kSlow, kAdmin };
// Of a request as it stands in its first line.
Lane LaneOf(std::string_view method, std::string_view target);

// What a path is for, beside what GET tells there.
struct AdminRoute {
  std::string_view method;
  AdminRequest::Action action;
  std::string_view group;  // from the path
};
std::optional<AdminRoute> AdminAt(std::string_view path);

// A failover that was done is always told as JSON.
Answer AnswerOf(const AdminOutcome& outcome, std::string_view accept);
// An error line, or JSON.
Answer Failed(int status, std::string_view accept, std::string why);

// The ETag: of the version, and another for JSON, since a cache may hold only one of them under a name. Text
// has no other place for its version, so its tag is the version itself, which `since` takes.
std::string EntityTagOf(const Answer& answer);
// Whether the header If-None-Match names it: a list, or "*" for whatever there is.
bool NamesEntityTag(std::string_view if_none_match, std::string_view entity_tag);

// Whether the client asks for JSON rather than text.
bool WantsJson(std::string_view accept);
// Whether it asks for HTML rather than text, as browsers do.
bool WantsPage(std::string_view accept);

}  // namespace redis_zk::watcher::web
