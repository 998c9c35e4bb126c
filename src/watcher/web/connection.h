// One client's connection, as the poller keeps it: a socket that never blocks, plain or with TLS, what has
// come and what is to go, and what is being done for it.
//
// The poller's thread alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/time.h"
#include "net/endpoint.h"
#include "net/networks.h"
#include "net/stream.h"
#include "watcher/web/event_stream.h"

namespace redis_zk::watcher::web {

struct Connection {
  enum class State {
    kHandshake,  // of TLS: nothing has come, or a part
    kReading,    // for a request: none of it is there, or a part
    kRunning,    // a worker answers
    kWaiting,    // for news
    kStreaming,  // events
    kLingering,  // all is said; what the client still sends is thrown away, so that it hears the answer
  };

  // How far the handshake is.
  enum class Handshake {
    kUnfinished,
    kDone,
    kPlain,    // the client writes HTTP without TLS, and so can be answered
    kRefused,  // of either side; the client is told why by TLS
    kBroken,
  };

  Connection(redis_zk::Stream&& accepted, Endpoint from, TimePoint now)
      : socket(std::move(accepted)),
        peer(std::move(from)),
        holder(HolderOf(peer.host)),
        state(socket.encrypted() ? State::kHandshake : State::kReading),
        since(now),
        moved_at(now) {}

  bool idle() const {
    return state == State::kHandshake ? !greeted : state == State::kReading && in.empty() && out.empty();
  }
  std::size_t held() const { return in.capacity() + out.capacity(); }
  // When something must be done for it although nothing comes.
  TimePoint deadline() const;

  // What is to go.
  void Append(std::string_view bytes, TimePoint now);
  // Whether the client has taken nothing for too long.
  bool is_slow(TimePoint now) const;
  // REQUIRES: kHandshake. Goes on with it after epoll reported something.
  Handshake ShakeHands(TimePoint now);
  // Takes what there is, but not much more than `most` at a time. False: the connection is broken.
  bool Receive(std::size_t most, TimePoint now);
  // Sends what the client takes. False: the connection is broken.
  bool Flush(TimePoint now);
  // No more is to be answered: the client hears of it once it has everything.
  void Linger(TimePoint now);
  // Forgets the request at the front.
  void DropRequest(TimePoint now);

  redis_zk::Stream socket;
  const Endpoint peer;
  const std::string holder;  // of its address
  State state;
  bool greeted = false;     // the handshake has begun
  std::string in;           // the request that is being answered is its front
  std::size_t request = 0;  // how long that is
  std::string out;
  std::shared_ptr<EventStream> stream{};
  bool chunked = false;      // the stream
  bool keeps_alive = true;   // after what is in `out`
  bool half_closed = false;  // the client will send nothing more
  TimePoint since;           // when the request or handshake began, or when the connection became idle
  TimePoint moved_at;        // when the client took something last, or its handshake was seen to
  TimePoint wait_until{};
  std::uint64_t asked_at_news = 0;  // how many news there had been when it was asked last
  TimePoint timer{};                // when it is looked at, at the latest
  std::uint32_t interest = 0;
  std::size_t counted = 0;  // of held()
};

}  // namespace redis_zk::watcher::web
