// The socket that clients connect to.
//
// One thread at a time.
#pragma once

#include <optional>

#include "base/result.h"
#include "net/endpoint.h"
#include "net/stream.h"
#include "net/tls_context.h"
#include "os/descriptor.h"

namespace redis_zk::watcher::web {

class Listener {
 public:
  struct Accepted {
    redis_zk::Stream socket;
    Endpoint from;
  };
  enum class Failure { kNone, kNoDescriptor };

  // `tls` must outlive it; nothing: its clients speak without. kInvalid: it cannot listen there.
  static Result<Listener> Listen(const Endpoint& endpoint, const TlsSource* tls);

  // The next client that waits; nothing: none does, or, with a failure, it cannot be accepted now.
  std::optional<Accepted> Accept(Failure* failure) const;
  int fd() const { return socket_.get(); }

 private:
  Listener(os::Descriptor socket, const TlsSource* tls) : socket_(std::move(socket)), tls_(tls) {}

  os::Descriptor socket_;
  const TlsSource* tls_;
};

}  // namespace redis_zk::watcher::web
