// The socket that clients connect to.
//
// One thread at a time.
#pragma once

#include <optional>

#include "base/result.h"
#include "net/endpoint.h"
#include "os/descriptor.h"

namespace redis_zk::watcher::web {

class Listener {
 public:
  struct Accepted {
    os::Descriptor socket;  // does not block
    Endpoint from;
  };
  enum class Failure { kNone, kNoDescriptor };

  // kInvalid: it cannot listen there.
  static Result<Listener> Listen(const Endpoint& endpoint);

  // The next client that waits; nothing: none does, or, with a failure, it cannot be accepted now.
  std::optional<Accepted> Accept(Failure* failure) const;
  int fd() const { return socket_.get(); }

 private:
  explicit Listener(os::Descriptor socket) : socket_(std::move(socket)) {}

  os::Descriptor socket_;
};

}  // namespace redis_zk::watcher::web
