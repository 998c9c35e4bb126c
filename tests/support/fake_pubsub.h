// The pub/sub of Sentinels, played by the test: a subscriber is told what the test says.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "sentinel/event.h"
#include "sentinel/subscriber.h"

namespace redis_zk::testing {

// One subscription at a time. Thread: the one that subscribes.
class FakePubSub {
 public:
  FakePubSub() = default;
  FakePubSub(const FakePubSub&) = delete;
  FakePubSub& operator=(const FakePubSub&) = delete;

  // Must not outlive this.
  sentinel::SubscribeTo Subscribe() {
    return [this](const Endpoint& sentinel, sentinel::Subscription::Sink sink) {
      if (no_thread) throw std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again));
      return std::make_unique<Held>(*this, sentinel, std::move(sink));
    };
  }

  // The Sentinel of the subscription that there is now.
  const std::optional<Endpoint>& followed() const { return followed_; }
  // All that there were, in order.
  const std::vector<Endpoint>& chosen() const { return chosen_; }

  // REQUIRES, as what follows: there is a subscription.
  void Confirm() { sink_({sentinel::SubscriberEvent::Kind::kSubscribed, *followed_}); }
  void Publish(const std::string& channel, const std::string& message) {
    sink_({sentinel::SubscriberEvent::Kind::kEvent, *followed_,
           sentinel::ParseSentinelEvent(channel, message).value()});
  }
  void Lose(const std::string& reason) {
    sink_({sentinel::SubscriberEvent::Kind::kLost, *followed_, {}, reason});
  }

  bool no_thread = false;  // the process has no room for one more

 private:
  class Held final : public sentinel::Subscription {
   public:
    Held(FakePubSub& pubsub, const Endpoint& sentinel, Sink sink) : pubsub_(pubsub) {
      pubsub_.followed_ = sentinel;
      pubsub_.chosen_.push_back(sentinel);
      pubsub_.sink_ = std::move(sink);
    }
    ~Held() override { pubsub_.followed_.reset(); }

   private:
    FakePubSub& pubsub_;
  };

  std::optional<Endpoint> followed_;
  std::vector<Endpoint> chosen_;
  sentinel::Subscription::Sink sink_;
};

}  // namespace redis_zk::testing
