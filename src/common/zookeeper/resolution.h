// Host names on their way to addresses, on a thread of their own: a name server that is away must not stop
// the loop. The C client would ask it on every turn of its own loop.
//
// Threads: the owner's. That of the look-up cannot be interrupted; it is left behind when its answer is no
// longer wanted, and ends by itself.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "net/endpoint.h"

namespace redis_zk::zookeeper {

// "host:port" for the C client, an IPv6 address without brackets. kUnavailable: not one of the names
// resolves. Blocks for as long as the name servers take.
Result<std::vector<std::string>> ResolveNow(const std::vector<Endpoint>& servers);

class Resolution {
 public:
  using Addresses = Result<std::vector<std::string>>;

  // `on_done` is called once, from the look-up's thread, when Take has something to return, and never after
  // the destructor. kInternal: no thread could be started.
  static Result<std::unique_ptr<Resolution>> Begin(std::vector<Endpoint> servers,
                                                   std::function<void()> on_done);
  ~Resolution();
  Resolution(const Resolution&) = delete;
  Resolution& operator=(const Resolution&) = delete;

  // Nothing: not yet, or taken already.
  std::optional<Addresses> Take();

 private:
  struct Shared;
  explicit Resolution(std::shared_ptr<Shared> shared);

  const std::shared_ptr<Shared> shared_;
};

}  // namespace redis_zk::zookeeper
