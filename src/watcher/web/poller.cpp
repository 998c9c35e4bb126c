#include "watcher/web/poller.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <exception>
#include <memory>
#include <string>
#include <variant>

#include "base/log.h"
#include "watcher/web/answers.h"

namespace redis_zk::watcher::web {

namespace {

using State = Connection::State;

constexpr std::uint64_t kListener = 0;
constexpr std::uint64_t kWake = 1;
// Of one connection at a time, so that all of them get on.
constexpr int kAnswersPerTurn = 16;
constexpr std::size_t kReceivedPerTurn = std::size_t{64} * 1024;
constexpr int kAcceptedPerTurn = 64;
// A step of one takes up to milliseconds, a quick answer microseconds.
constexpr std::size_t kHandshakesPerTurn = 8;
// A client may send its next requests before it has the answer; not many.
constexpr std::size_t kMostAhead = std::size_t{2} * 1024;
// Each at a worker holds a copy of its request.
constexpr int kMostRunning = 64;
constexpr std::size_t kMostUnsent = std::size_t{256} * 1024;
constexpr Duration kNoDescriptors = 100ms;
// What is under way when the watcher stops has this time; an admin request has more.
constexpr Duration kStopPatience = 4s;
constexpr std::size_t kSlowWorkers = 2;
// One more than may run, so that the next is told so.
constexpr std::size_t kAdminWorkers = 9;
constexpr Duration kIdleWorker = 10s;

}  // namespace

Poller::Poller(Responder& responder, Listener listener, std::size_t most)
    : responder_(responder),
      codec_(responder),
      listener_(std::move(listener)),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      wake_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      connections_(most),
      slow_(kSlowWorkers, kIdleWorker),
      admin_(kAdminWorkers, kIdleWorker) {
  for (const auto& [fd, id] : {std::pair{listener_->fd(), kListener}, std::pair{wake_.get(), kWake}}) {
    epoll_event event{.events = EPOLLIN, .data = {.u64 = id}};
    if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) std::abort();
  }
  responder_.OnNews([this] {
    if (!news_.exchange(true)) Wake();
  });
}

Poller::~Poller() { responder_.OnNews(nullptr); }

void Poller::Wake() const {
  const std::uint64_t one = 1;
  // Fails only when the counter is full, and then the poller is awake anyway.
  [[maybe_unused]] const ssize_t written = write(wake_.get(), &one, sizeof one);
}

void Poller::Stop() {
  stopping_ = true;
  Wake();
}

void Poller::Run() {
  now_ = Clock::now();
  while (!IsOver()) Turn();
}

bool Poller::IsOver() const {
  if (stop_by_ == TimePoint::max() || outcomes_.awaited() > 0) return false;
  return connections_.empty() || now_ >= stop_by_;
}

void Poller::Turn() {
  std::array<epoll_event, 256> events{};
  TimePoint until = std::min(connections_.next_due(), now_ < stop_by_ ? stop_by_ : TimePoint::max());
  if (accept_at_ != TimePoint{}) until = std::min(until, accept_at_);
  int timeout = -1;
  if (!again_.empty()) {
    timeout = 0;
  } else if (until != TimePoint::max()) {
    timeout = PollTimeout(Remaining(until, Clock::now()));
  }
  const int count = epoll_wait(epoll_.get(), events.data(), events.size(), timeout);
  now_ = Clock::now();
  for (const Id id : std::exchange(again_, {})) With(id, [](Connection&) { return true; });
  // Behind what has come on the others, since one of them may have to make room.
  if (SeeTo({events.data(), static_cast<std::size_t>(std::max(count, 0))})) Accept();
  std::uint64_t woken = 0;
  if (read(wake_.get(), &woken, sizeof woken) > 0) {
    if (stopping_ && listener_) BeginStop();
    TakeDone();
    if (news_.exchange(false)) TellNews();
  }
  while (const auto id = connections_.TakeDue(now_))
    With(*id, [this, id](Connection& connection) { return OnDue(*id, connection); });
  while (const auto id = connections_.FindTooMuch()) connections_.Remove(*id);
  if (listener_ && accept_at_ != TimePoint{} && now_ >= accept_at_) ListenAgainAt(TimePoint{});
}

bool Poller::SeeTo(std::span<const epoll_event> events) {
  bool accepts = false;
  std::vector<std::pair<TimePoint, Id>> handshakes;
  for (const auto& event : events) {
    const Id id = event.data.u64;
    accepts = accepts || id == kListener;
    if (id == kListener || id == kWake) continue;
    With(id, [&](Connection& connection) {
      const bool shakes = connection.state == State::kHandshake;
      if (shakes) handshakes.emplace_back(connection.moved_at, id);
      return (event.events & (EPOLLERR | EPOLLHUP)) == 0 && (shakes || OnReady(id, connection, event.events));
    });
  }
  // Those that have waited longest. epoll reports the others again.
  std::sort(handshakes.begin(), handshakes.end());
  handshakes.resize(std::min(handshakes.size(), kHandshakesPerTurn));
  for (const auto& [since, id] : handshakes)
    With(id, [this](Connection& connection) { return ShakeHands(connection); });
  return accepts;
}

void Poller::ListenAgainAt(TimePoint time) {
  accept_at_ = time;
  // A client that cannot be accepted would wake us at once, again and again.
  epoll_event event{.events = time == TimePoint{} ? EPOLLIN : 0U, .data = {.u64 = kListener}};
  epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, listener_->fd(), &event);
}

void Poller::Accept() {
  for (int count = 0; count < kAcceptedPerTurn; ++count) {
    Listener::Failure failure = Listener::Failure::kNone;
    auto accepted = listener_->Accept(&failure);
    if (failure == Listener::Failure::kNoDescriptor) {
      if (MakeRoom("")) continue;
      ListenAgainAt(now_ + kNoDescriptors);
    }
    if (!accepted) return;
    auto begun = std::make_unique<Connection>(std::move(accepted->socket), std::move(accepted->from), now_);
    const std::string& holder = begun->holder;
    // No other client loses a connection to one that has its share.
    if (!connections_.HasRoomFor(holder) && !MakeRoom(holder) &&
        !(connections_.IsBelowShare(holder) && MakeRoom("")))
      continue;
    const auto [id, connection] = connections_.Add(std::move(begun));
    epoll_event event{.events = EPOLLIN, .data = {.u64 = id}};
    connection->interest = event.events;
    if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, connection->socket.fd(), &event) != 0) {
      connections_.Remove(id);
      continue;
    }
    connections_.Note(id, *connection);
  }
}

bool Poller::MakeRoom(const std::string& holder) {
  const auto id = connections_.FindDispensable(holder);
  if (id) connections_.Remove(*id);
  return id.has_value();
}

template <class Act>
void Poller::With(Id id, Act act) {
  Connection* connection = connections_.Find(id);
  if (connection == nullptr) return;
  bool goes_on = false;
  try {
    goes_on = act(*connection) && Advance(id, *connection);
  } catch (const std::exception& error) {
    log::Error({.event = "http-request-failed"},
               "an HTTP connection failed: {}; this is a bug of the watcher", error.what());
  }
  if (!goes_on) {
    connections_.Remove(id);
    return;
  }
  Register(id, *connection);
  connections_.Note(id, *connection);
}

bool Poller::OnReady(Id id, Connection& connection, std::uint32_t events) {
  // TLS may have waited for the one to do the other.
  const auto ready = connection.socket.Advance(static_cast<short>(events & (EPOLLIN | EPOLLOUT)));
  if (!ready) return false;
  if ((*ready & POLLIN) == 0 || (connection.interest & EPOLLIN) == 0) return true;
  const bool was_open = !connection.half_closed;
  if (!connection.Receive(kReceivedPerTurn, now_)) return false;
  const bool ended = was_open && connection.half_closed;
  if (ended && connection.state == State::kWaiting) AskAgain(id, connection, /*may_wait=*/false);
  return true;
}

bool Poller::ShakeHands(Connection& connection) {
  switch (connection.ShakeHands(now_)) {
    case Connection::Handshake::kUnfinished:
      return true;
    case Connection::Handshake::kDone:
      // What comes with the end of the handshake is a request already.
      return connection.Receive(kReceivedPerTurn, now_);
    case Connection::Handshake::kPlain:
      Refuse(connection, {400, "this port speaks HTTPS: ask with https://"});
      return true;
    case Connection::Handshake::kRefused:
      connection.Linger(now_);
      return true;
    case Connection::Handshake::kBroken:
      break;
  }
  return false;
}

bool Poller::OnDue(Id id, Connection& connection) {
  if (connection.state == State::kLingering || connection.idle() || connection.is_slow(now_)) return false;
  if (connection.state == State::kHandshake) return false;
  if (connection.state == State::kReading) Refuse(connection, {408, "found no complete request within 5 s"});
  if (connection.state == State::kWaiting) AskAgain(id, connection, /*may_wait=*/true);
  return connection.state != State::kStreaming || Pump(connection);
}

bool Poller::Advance(Id id, Connection& connection) {
  for (int turn = 0; turn < kAnswersPerTurn; ++turn) {
    if (!connection.out.empty() && !connection.Flush(now_)) return false;
    if (connection.state == State::kLingering) return !connection.half_closed;
    if (connection.state == State::kHandshake) return !stopping_;
    // Whether it still listens would show only when something happens.
    if (connection.state == State::kStreaming && connection.half_closed && connection.out.empty())
      return false;
    if (!connection.out.empty() || connection.state != State::kReading) return true;
    if (!connection.keeps_alive) {
      if (connection.half_closed) return false;
      connection.Linger(now_);
      return true;
    }
    if (!AnswerNext(id, connection)) return !connection.half_closed && !stopping_;
  }
  again_.push_back(id);
  return true;
}

bool Poller::AnswerNext(Id id, Connection& connection) {
  if (connection.in.empty()) return false;
  const auto framing = Frame(connection.in);
  if (const auto* refused = std::get_if<Refused>(&framing)) {
    Refuse(connection, *refused);
    return true;
  }
  if (const auto* request = std::get_if<Framed>(&framing)) {
    Ask(id, connection, *request, /*may_wait=*/!connection.half_closed && !stopping_);
    return true;
  }
  // Empty lines are no beginning of a request.
  if (!std::get<NeedMore>(framing).begun && connection.in.ends_with('\n')) std::string().swap(connection.in);
  return false;
}

void Poller::Ask(Id id, Connection& connection, const Framed& request, bool may_wait) {
  connection.request = request.consumed;
  connection.asked_at_news = news_told_;
  connection.chunked = !request.is_http10;
  connection.keeps_alive = request.keeps_alive && !stopping_;
  const Lane lane = LaneOf(request.method, request.target);
  const Asked asked{.request = request,
                    .from = connection.peer,
                    .encrypted = connection.socket.encrypted(),
                    .at = connection.since,
                    .may_wait = may_wait,
                    .keeps_alive = connection.keeps_alive,
                    .may_compress = lane == Lane::kSlow};
  if (lane == Lane::kQuick) {
    Deliver(connection, codec_.Answer(asked));
    return;
  }
  if (lane == Lane::kSlow && outcomes_.awaited() >= kMostRunning) {
    Refuse(connection, {503, "too many requests are being answered; retry later"});
    return;
  }
  connection.state = State::kRunning;
  // The connection may end before its request.
  auto work = [this, id, asked = asked, bytes = std::string(request.bytes)]() mutable {
    const auto framing = Frame(bytes);
    asked.request = std::get<Framed>(framing);
    outcomes_.Put({id, codec_.Answer(asked)});
    Wake();
  };
  (lane == Lane::kAdmin ? admin_ : slow_).Run(std::move(work));
  outcomes_.Await();
}

void Poller::AskAgain(Id id, Connection& connection, bool may_wait) {
  const auto framing = Frame(connection.in);
  Ask(id, connection, std::get<Framed>(framing), may_wait);
}

void Poller::Deliver(Connection& connection, Outcome outcome) {
  if (outcome.wait_until) {
    connection.state = State::kWaiting;
    connection.wait_until = *outcome.wait_until;
    return;
  }
  responder_.Count(outcome.status);
  connection.Append(outcome.bytes, now_);
  connection.DropRequest(now_);
  connection.state = outcome.stream ? State::kStreaming : State::kReading;
  connection.stream = std::move(outcome.stream);
  if (connection.stream) Pump(connection);
}

void Poller::Refuse(Connection& connection, const Refused& refused) {
  responder_.Count(refused.status);
  connection.Append(RenderRefusal(refused), now_);
  connection.request = connection.in.size();
  connection.DropRequest(now_);
  connection.keeps_alive = false;
}

bool Poller::Pump(Connection& connection) {
  const std::string text = connection.stream->Take(now_);
  if (!text.empty()) connection.Append(connection.chunked ? RenderChunk(text) : text, now_);
  if (connection.stream->IsOver(now_)) {
    if (connection.chunked) connection.Append(RenderChunk(""), now_);
    // Without chunks its end is the end of the connection.
    connection.keeps_alive = connection.keeps_alive && connection.chunked;
    connection.stream.reset();
    connection.state = State::kReading;
    connection.since = now_;
  }
  return connection.out.size() <= kMostUnsent;
}

void Poller::Register(Id id, Connection& connection) {
  // Before TLS can read on, it may have to write.
  const auto reads = static_cast<std::uint32_t>(connection.socket.wanted_events(/*unsent=*/false));
  std::uint32_t interest = 0;
  const bool full = connection.state != State::kReading && connection.state != State::kLingering &&
                    connection.in.size() - connection.request >= kMostAhead;
  const bool behind =
      connection.state == State::kReading && !connection.out.empty() && connection.in.size() >= kMostAhead;
  if (!connection.half_closed && !full && !behind) interest |= reads;
  if (!connection.out.empty()) interest |= EPOLLOUT;
  if (interest == connection.interest) return;
  epoll_event event{.events = interest, .data = {.u64 = id}};
  epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, connection.socket.fd(), &event);
  connection.interest = interest;
}

void Poller::TakeDone() {
  for (auto& each : outcomes_.Take()) {
    With(each.id, [this, &each](Connection& connection) {
      Deliver(connection, std::move(each.outcome));
      // What happened meanwhile was told to those that waited already.
      const bool is_late = connection.half_closed || connection.asked_at_news != news_told_;
      if (connection.state == State::kWaiting && is_late)
        AskAgain(each.id, connection, /*may_wait=*/!connection.half_closed && !stopping_);
      return true;
    });
  }
}

void Poller::TellNews() {
  ++news_told_;
  for (const Id id : connections_.ids()) {
    const auto* connection = connections_.Find(id);
    if (connection->state != State::kWaiting && connection->state != State::kStreaming) continue;
    With(id, [this, id](Connection& listening) {
      if (listening.state == State::kStreaming) return Pump(listening);
      AskAgain(id, listening, /*may_wait=*/!stopping_);
      return true;
    });
  }
}

void Poller::BeginStop() {
  listener_.reset();
  accept_at_ = TimePoint{};
  stop_by_ = now_ + kStopPatience;
  news_ = true;
  for (const Id id : connections_.ids()) With(id, [](Connection&) { return true; });
}

}  // namespace redis_zk::watcher::web
