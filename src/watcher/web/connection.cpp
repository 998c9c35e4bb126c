#include "watcher/web/connection.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace redis_zk::watcher::web {

namespace {

constexpr Duration kRequestWithin = 5s;
// Longer than proxies keep a connection that they may use again: nginx 60 s.
constexpr Duration kIdle = 75s;
constexpr Duration kTakesWithin = 10s;
constexpr Duration kLinger = 2s;
// Most requests and answers are small, and thousands of connections may be idle.
constexpr std::size_t kKept = 1024;

void Shrink(std::string* text) {
  if (text->empty() && text->capacity() > kKept) std::string().swap(*text);
}

}  // namespace

TimePoint Connection::deadline() const {
  if (state == State::kLingering) return since + kLinger;
  const TimePoint taken = out.empty() ? TimePoint::max() : moved_at + kTakesWithin;
  switch (state) {
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

bool Connection::Receive(std::size_t most, TimePoint now) {
  static thread_local std::array<char, std::size_t{16} * 1024> buffer;
  for (std::size_t received = 0; received < most;) {
    const ssize_t length = recv(socket.get(), buffer.data(), buffer.size(), 0);
    if (length < 0) return errno == EAGAIN || errno == EINTR;
    half_closed = length == 0;
    if (half_closed) return true;
    received += static_cast<std::size_t>(length);
    if (state == State::kLingering) continue;
    if (in.empty() && state == State::kReading) since = now;
    in.append(buffer.data(), static_cast<std::size_t>(length));
    if (static_cast<std::size_t>(length) < buffer.size()) break;
  }
  return true;
}

bool Connection::Flush(TimePoint now) {
  std::size_t sent = 0;
  while (sent < out.size()) {
    const ssize_t length = send(socket.get(), out.data() + sent, out.size() - sent, MSG_NOSIGNAL);
    if (length < 0 && errno == EINTR) continue;
    if (length < 0 && errno != EAGAIN) return false;
    if (length < 0) break;
    sent += static_cast<std::size_t>(length);
    moved_at = now;
  }
  out.erase(0, sent);
  Shrink(&out);
  return true;
}

void Connection::Linger(TimePoint now) {
  shutdown(socket.get(), SHUT_WR);
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
