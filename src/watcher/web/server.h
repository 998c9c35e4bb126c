// The HTTP server: its port, its threads, and their end; Poller has the connections, Responder knows what to
// answer.
//
// Threads: one of its own for all connections, and workers for what takes long. They read nothing but what is
// published, so that neither ZooKeeper nor Redis can make a client wait. Only admin requests do more.
#pragma once

#include <memory>

#include "base/result.h"
#include "net/endpoint.h"
#include "net/tls_context.h"
#include "watcher/web/responder.h"

namespace redis_zk::watcher::web {

class Server {
 public:
  // They must outlive the server.
  explicit Server(const Sources& sources);
  // Waits for the admin requests under way.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Binds and starts to answer. `tls` must outlive the server; nothing: without. kInvalid: it cannot bind;
  // nothing was started.
  Status Start(const Endpoint& listen, const TlsSource* tls);

  // Stops answering, within some seconds; admin requests have a minute. False: one of them keeps the
  // destructor from ending.
  bool Stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace redis_zk::watcher::web
