// Answers requests from what the watcher has published: finds the answer, says until when to wait for news
// where the client asks for that, lets those who may do so run admin requests. It knows no HTTP library; see
// http_codec.h.
//
// Threads: any. A request is answered on the thread that brings it, at once; an admin request takes seconds.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/published.h"
#include "base/time.h"
#include "net/endpoint.h"
#include "watcher/admin.h"
#include "watcher/behaviors/behaviors.h"
#include "watcher/counters.h"
#include "watcher/events.h"
#include "watcher/status.h"
#include "watcher/topology.h"
#include "watcher/web/answers.h"
#include "watcher/web/event_stream.h"
#include "watcher/web/places.h"
#include "watcher/web/policy.h"
#include "watcher/web/request_counts.h"

namespace redis_zk::watcher::web {

// What the answers tell of.
struct Sources {
  const Published<Topology>& topology;
  const Published<FleetStatus>& status;
  const RecentEvents& events;
  const Behaviors& behaviors;
  Admin& admin;
  const Published<ZooKeeperFigures>& figures;
  const std::atomic<Clock::rep>& loop_turned_at;  // when the watcher's loop last went round
  Duration session_timeout;
  const HttpPolicy& policy;
};

struct ClientRequest {
  std::string method;
  std::string path;
  std::map<std::string, std::string> query;  // of each name the first value
  // Headers; the empty text where there is none.
  std::string accept;
  std::string authorization;
  std::optional<std::string> last_event_id;
  std::string host;        // empty: none was named
  Endpoint from;           // the client
  bool encrypted = false;  // it asks with TLS
  TimePoint asked_at;
  bool may_wait = true;  // false: what is known is told, whatever `wait` says

  std::string in_query(const std::string& name) const;
};

struct Reply {
  Answer answer;
  std::vector<std::pair<std::string, std::string>> headers{};  // beside those that the answer implies
  std::shared_ptr<EventStream> stream{};                       // follows; nothing: the answer is all
  std::shared_ptr<const Topology> follows_from{};              // from nothing else; nothing: from more
  std::optional<TimePoint> wait_until{};  // there is no news: ask again with the next, or then
};

class Responder {
 public:
  // They must outlive it.
  explicit Responder(const Sources& sources);

  Reply Respond(const ClientRequest& request);

  // For /metrics: an answer was sent.
  void Count(int status) { counts_.Add(status); }
  bool admin_runs() const { return admin_places_.taken() > 0; }
  std::shared_ptr<const Topology> topology() const { return sources_.topology.Get(); }
  // Calls `wake`, which must only wake, with all news that a wait or a stream may be about, and when there
  // will be no more. Empty: no longer.
  void OnNews(const std::function<void()>& wake) const;

 private:
  // Nothing: there is no such path.
  std::optional<Answer> Look(const ClientRequest& request, const Topology& known) const;
  Reply RunAdmin(const ClientRequest& request, const AdminRoute& route);
  Reply BeginStream(const ClientRequest& request, Answer answer, std::optional<TimePoint> ends_at);

  const Sources sources_;
  RequestCounts counts_;
  Places stream_places_;
  Places admin_places_;
};

}  // namespace redis_zk::watcher::web
