#include "sentinel/subscriber.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <utility>

#include "base/log.h"

namespace redis_zk::sentinel {

Subscriber::Subscriber(Endpoint sentinel, const redis::Access& access, Duration silence, Sink sink)
    : sentinel_(std::move(sentinel)),
      access_(access),
      silence_(silence),
      sink_(std::move(sink)),
      stop_fd_(eventfd(0, EFD_CLOEXEC)),
      thread_(&Subscriber::Run, this) {}

Subscriber::~Subscriber() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(stop_fd_, &one, sizeof one);
  thread_.join();
  close(stop_fd_);
}

void Subscriber::Run() {
  const std::string reason = Follow();
  if (!reason.empty()) sink_({SubscriberEvent::Kind::kLost, sentinel_, {}, reason});
}

// Returns why the Sentinel was lost; empty when asked to stop.
std::string Subscriber::Follow() {
  auto connection = redis::Connection::Start(sentinel_, access_);
  if (!connection) return connection.error().message;
  // A Redis would let us subscribe too, and never say a word; it does not know this command.
  connection->Send({"SENTINEL", "MASTERS"});
  connection->Send({"PSUBSCRIBE", "*"});
  TimePoint heard = Clock::now();
  TimePoint pinged = heard;
  while (true) {
    const TimePoint now = Clock::now();
    if (now - heard > silence_) return sentinel_.ToAddress() + " does not answer";
    // PING is one of the few commands a subscribed connection may send.
    if (now - std::max(heard, pinged) > silence_ / 3) {
      connection->Send({"PING"});
      pinged = now;
    }
    std::array<pollfd, 2> waiting{
        {{connection->fd(), connection->wanted_events(), 0}, {stop_fd_, POLLIN, 0}}};
    poll(waiting.data(), waiting.size(), static_cast<int>((silence_ / 6).count()));
    if (waiting[1].revents != 0) return "";
    if (waiting[0].revents == 0) continue;
    auto reply = connection->Progress(waiting[0].revents);
    for (; reply && reply->has_value(); reply = connection->Progress(0)) {
      heard = Clock::now();
      const redis::Reply& message = **reply;
      if (message.is_error()) return sentinel_.ToAddress() + ": " + message.text;
      if (message.type != redis::Reply::Type::kArray || message.items.empty()) continue;
      const std::string& kind = message.items[0].text;
      if (kind == "psubscribe") {
        sink_({SubscriberEvent::Kind::kSubscribed, sentinel_});
      } else if (kind == "pmessage" && message.items.size() == 4) {
        auto event = ParseSentinelEvent(message.items[2].text, message.items[3].text);
        if (event) {
          sink_({SubscriberEvent::Kind::kEvent, sentinel_, std::move(*event)});
        } else {
          log::Warn({.event = "sentinel-event-unreadable", .peer = sentinel_.ToAddress()},
                    "skipped an event of the Sentinel: {}", event.error().message);
        }
      }
    }
    if (!reply) return reply.error().message;
  }
}

}  // namespace redis_zk::sentinel
