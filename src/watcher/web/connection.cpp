#include "watcher/web/connection.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <optional>

#include "base/log.h"

namespace redis_zk::watcher::web {

namespace {

constexpr Duration kRequestWithin = 5s;
// Longer than proxies keep a connection that they may use again: nginx 60 s.
constexpr Duration kIdle = 75s;
constexpr Duration kTakesWithin = 10s;
constexpr Duration kLinger = 2s;
// Most requests and answers are small, and thousands of connections may be idle.
constexpr std::size_t kKept = 1024;
// The longest record of TLS: with less, a part of one would wait where epoll does not see it.
constexpr std::size_t kReceived = std::size_t{16} * 1024;
// How each connection with TLS begins.
constexpr char kHandshakeRecord = 0x16;

// As all methods of HTTP begin.
bool IsCapital(char c) { return c >= 'A' && c <= 'Z'; }

void Shrink(std::string* text) {
  if (text->empty() && text->capacity() > kKept) std::string().swap(*text);
}

}  // namespace

TimePoint Connection::deadline() const {
  if (state == State::kLingering) return since + kLinger;
  const TimePoint taken = out.empty() ? TimePoint::max() : moved_at + kTakesWithin;
  switch (state) {
    case State::kHandshake:
      return since + (greeted ? kRequestWithin : kIdle);
    case State::kReading:
      return out.empty() ? since + (in.empty() ? kIdle : kRequestWithin) : taken;
    case State::kWaiting:
      return wait_until;
    case State::kStreaming:
      return std::min(taken, stream->due_at());
    default:
      return taken;
  }
}

void Connection::Append(std::string_view bytes, TimePoint now) {
  if (out.empty()) moved_at = now;
  out += bytes;
}

bool Connection::is_slow(TimePoint now) const { return !out.empty() && moved_at + kTakesWithin <= now; }

Connection::Handshake Connection::ShakeHands(TimePoint now) {
  moved_at = now;
  if (!greeted) {
    const auto first = socket.Peek();
    if (!first) return socket.ended() ? Handshake::kBroken : Handshake::kUnfinished;
    greeted = true;
    since = now;
    if (*first != kHandshakeRecord) {
      socket.LeaveTls();
      state = State::kReading;
      return IsCapital(*first) ? Handshake::kPlain : Handshake::kBroken;
    }
  }
  if (const auto advanced = socket.Advance(POLLIN | POLLOUT); !advanced) {
    log::Debug({.event = "http-handshake-failed"}, "TLS handshake failed: {}", advanced.error().message);
    return advanced.error().kind == ErrorKind::kRefused ? Handshake::kRefused : Handshake::kBroken;
  }
  if (socket.in_handshake()) return Handshake::kUnfinished;
  state = State::kReading;
  since = now;
  return Handshake::kDone;
}

bool Connection::Receive(std::size_t most, TimePoint now) {
  static thread_local std::array<char, kReceived> buffer;
  for (std::size_t received = 0; received < most;) {
    const auto length = socket.Read(buffer.data(), buffer.size());
    half_closed = !length && socket.ended();
    if (!length) return half_closed;
    if (*length == 0) return true;
    received += *length;
    if (state == State::kLingering) continue;
    if (in.empty() && state == State::kReading) since = now;
    in.append(buffer.data(), *length);
    if (*length < buffer.size()) break;
  }
  return true;
}

bool Connection::Flush(TimePoint now) {
  std::size_t sent = 0;
  while (sent < out.size()) {
    const auto taken = socket.Write(std::string_view{out}.substr(sent));
    if (!taken) return false;
    if (*taken == 0) break;
    sent += *taken;
    moved_at = now;
  }
  out.erase(0, sent);
  Shrink(&out);
  return true;
}

void Connection::Linger(TimePoint now) {
  socket.Finish();
  state = State::kLingering;
  since = now;
  stream.reset();
  std::string().swap(in);
}

void Connection::DropRequest(TimePoint now) {
  in.erase(0, request);
  request = 0;
  since = now;
  Shrink(&in);
}

}  // namespace redis_zk::watcher::web
