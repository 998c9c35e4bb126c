// Follows the events of one Sentinel, on a thread of its own, until it is destroyed or the Sentinel is lost.
//
// Pub/sub forgets: what happened before kSubscribed or after kLost was not seen. Read the state afresh each
// time. A peer that is gone without a word (a cut cable, a stopped process) is noticed because it does not
// answer PING.
#pragma once

#include <functional>
#include <string>
#include <thread>

#include "base/time.h"
#include "net/endpoint.h"
#include "redis/connection.h"
#include "redis/credentials.h"
#include "sentinel/event.h"

namespace redis_zk::sentinel {

struct SubscriberEvent {
  enum class Kind { kSubscribed, kEvent, kLost };
  Kind kind;
  Endpoint sentinel;
  SentinelEvent event{};  // kEvent
  std::string reason{};   // kLost; the last thing a subscriber says
};

class Subscriber {
 public:
  // Called on the subscriber's thread; must only pass the event on.
  using Sink = std::function<void(SubscriberEvent)>;

  // `silence` is how long the Sentinel may be quiet: a PING goes out after a third of it.
  Subscriber(Endpoint sentinel, redis::Credentials credentials, Duration silence, Sink sink);
  // Ends the thread; takes no longer than a loopback write.
  ~Subscriber();
  Subscriber(const Subscriber&) = delete;
  Subscriber& operator=(const Subscriber&) = delete;

  const Endpoint& sentinel() const { return sentinel_; }

 private:
  void Run();
  std::string Follow();

  const Endpoint sentinel_;
  const redis::Credentials credentials_;
  const Duration silence_;
  const Sink sink_;
  const int stop_fd_;
  std::thread thread_;
};

}  // namespace redis_zk::sentinel
