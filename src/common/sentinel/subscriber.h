// Follows the events of one Sentinel, on a thread of its own, until it is destroyed or the Sentinel is lost.
//
// Pub/sub forgets: what happened before kSubscribed or after kLost was not seen. Read the state afresh each
// time. A peer that is gone without a word (a cut cable, a stopped process) is noticed because it does not
// answer PING.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "base/time.h"
#include "net/endpoint.h"
#include "redis/servers.h"
#include "sentinel/event.h"

namespace redis_zk::sentinel {

struct SubscriberEvent {
  enum class Kind { kSubscribed, kEvent, kLost };
  Kind kind;
  Endpoint sentinel;
  SentinelEvent event{};  // kEvent
  std::string reason{};   // kLost; the last thing a subscriber says
};

// One Sentinel's events, as long as this lives: the seam for tests, which have others than Subscriber.
class Subscription {
 public:
  // Called on any thread; must only pass the event on.
  using Sink = std::function<void(SubscriberEvent)>;

  virtual ~Subscription() = default;
  Subscription(const Subscription&) = delete;
  Subscription& operator=(const Subscription&) = delete;

 protected:
  Subscription() = default;
};

// How a daemon begins to follow a Sentinel. Throws std::system_error when there is no thread to be had.
using SubscribeTo =
    std::function<std::unique_ptr<Subscription>(const Endpoint& sentinel, Subscription::Sink sink)>;

class Subscriber final : public Subscription {
 public:
  // `silence` is how long the Sentinel may be quiet: a PING goes out after a third of it.
  Subscriber(Endpoint sentinel, const redis::Access& access, Duration silence, Sink sink);
  // Ends the thread; takes no longer than a loopback write.
  ~Subscriber() override;

 private:
  void Run();
  std::string Follow();

  const Endpoint sentinel_;
  const redis::Access access_;
  const Duration silence_;
  const Sink sink_;
  const int stop_fd_;
  std::thread thread_;
};

}  // namespace redis_zk::sentinel
