// The HTTP server: connections, threads and what the HTTP library needs; Responder knows what to answer. Only
// its .cpp includes httplib.h.
//
// Threads: its own, one per open connection, made when needed and gone when idle; they read nothing but what
// is published, so that neither ZooKeeper nor Redis can make a client wait. Only admin requests do more.
#pragma once

#include <memory>

#include "base/result.h"
#include "net/endpoint.h"
#include "watcher/web/responder.h"

namespace redis_zk::watcher::web {

class Server {
 public:
  // They must outlive the server.
  explicit Server(const Sources& sources);
  // Waits for the answers under way, for as long as their clients take.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Binds and starts to answer. kInvalid: it cannot bind; nothing was started.
  Status Start(const Endpoint& listen);

  // Stops answering, within some seconds. False: a client keeps the destructor from ending.
  bool Stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace redis_zk::watcher::web
