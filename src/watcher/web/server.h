// The HTTP server. Only its .cpp includes httplib.h.
//
// Threads: its own, one per open connection, made when needed and gone when idle; they read nothing but what
// is published, so that neither ZooKeeper nor Redis can make a client wait. Only admin requests do more.
#pragma once

#include <atomic>
#include <memory>

#include "base/published.h"
#include "base/result.h"
#include "base/time.h"
#include "net/endpoint.h"
#include "watcher/admin.h"
#include "watcher/behaviors/behaviors.h"
#include "watcher/counters.h"
#include "watcher/events.h"
#include "watcher/status.h"
#include "watcher/topology.h"

namespace redis_zk::watcher::web {

// What the server tells of.
struct Sources {
  const Published<Topology>& topology;
  const Published<FleetStatus>& status;
  const RecentEvents& events;
  const Behaviors& behaviors;
  Admin& admin;
  const Published<ZooKeeperFigures>& figures;
  const std::atomic<Clock::rep>& loop_turned_at;  // when the watcher's loop last went round
  Duration session_timeout;
};

class Server {
 public:
  // They must outlive the server.
  explicit Server(const Sources& sources);
  // Waits for the answers under way, for as long as their clients take.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Binds and starts to answer.
  Status Start(const Endpoint& listen);

  // Stops answering, within some seconds. False: a client keeps the destructor from ending.
  bool Stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace redis_zk::watcher::web
