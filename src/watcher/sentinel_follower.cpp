#include "watcher/sentinel_follower.h"

#include <fmt/core.h>

#include <system_error>
#include <utility>

#include "base/random_id.h"
#include "sentinel/event.h"
#include "watcher/failovers.h"

namespace redis_zk::watcher {

using sentinel::SubscriberEvent;

namespace {

constexpr Duration kFirstRetry = 100ms;
constexpr Duration kLongestRetry = 3s;

}  // namespace

SentinelFollower::SentinelFollower(sentinel::SubscribeTo subscribe, sentinel::Subscription::Sink sink)
    : subscribe_(std::move(subscribe)),
      sink_(std::move(sink)),
      backoff_(kFirstRetry, kLongestRetry, RandomFraction) {}

SentinelFollower::News SentinelFollower::Reduce(const SubscriberEvent& event) {
  // Something that an earlier subscription said before it was replaced.
  if (event.sentinel != chosen_) return {};
  const std::string address = event.sentinel.ToAddress();
  switch (event.kind) {
    case SubscriberEvent::Kind::kSubscribed:
      log::Info({.event = "sentinel-followed", .peer = address}, "following Sentinel {}", address);
      confirmed_ = true;
      log_lost_.clear();
      backoff_.Reset();
      return {.following_changed = true, .missed_events = true};
    case SubscriberEvent::Kind::kEvent:
      log::Debug({.event = "sentinel-event", .group = event.event.group, .peer = address},
                 "Sentinel published {} {}", event.event.name, event.event.payload);
      return {.called_down_changed = NoteOutage(event.event),
              .hinted_group = sentinel::MayChangeMaster(event.event) ? event.event.group : "",
              .step = StepOf(event.event, event.sentinel)};
    case SubscriberEvent::Kind::kLost:
      log_lost_[event.sentinel](
          log::Severity::kWarn, {.event = "sentinel-lost", .peer = address},
          fmt::format("lost the followed Sentinel: {}; retrying with one chosen at random", event.reason));
      subscription_.reset();
      chosen_.reset();
      confirmed_ = false;
      called_down_.clear();
      follow_at_ = Clock::now() + backoff_.Next();
      return {.following_changed = true};
  }
  return {};
}

bool SentinelFollower::NoteOutage(const sentinel::SentinelEvent& event) {
  if (!event.payload.starts_with("master ")) return false;
  if (event.name == "+sdown") return called_down_.emplace(event.group, Clock::now()).second;
  return event.name == "-sdown" && called_down_.erase(event.group) > 0;
}

void SentinelFollower::Follow(const std::vector<store::Sentinel>& sentinels) {
  if (chosen_ || sentinels.empty() || Clock::now() < follow_at_) return;
  const Endpoint& chosen = sentinels[RandomIndex(sentinels.size())].endpoint;
  try {
    subscription_ = subscribe_(chosen, sink_);
    chosen_ = chosen;
    log_failure_.Reset();
  } catch (const std::system_error& error) {
    log_failure_(log::Severity::kWarn, {.event = "sentinel-follow-failed"},
                 fmt::format("cannot create a thread to follow a Sentinel: {}; retrying", error.what()));
    follow_at_ = Clock::now() + backoff_.Next();
  }
}

}  // namespace redis_zk::watcher
