// Owns all connections of the HTTP port: accepts them, collects complete requests within a deadline, has them
// answered and sends the answers. A client can hold up no other one: it costs no thread.
//
// Run() on a thread of its own; Stop() on any. Quick answers are made on that thread, since handing one over
// takes longer than making it; answers that take long, and admin requests, each have workers of their own.
#pragma once

#include <sys/epoll.h>

#include <atomic>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "base/time.h"
#include "os/descriptor.h"
#include "watcher/web/connections.h"
#include "watcher/web/http_codec.h"
#include "watcher/web/listener.h"
#include "watcher/web/outcomes.h"
#include "watcher/web/responder.h"
#include "watcher/web/thread_pool.h"

namespace redis_zk::watcher::web {

class Poller {
 public:
  // The responder must outlive it. `most`: connections at a time.
  Poller(Responder& responder, Listener listener, std::size_t most);
  ~Poller();
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;

  // Until it is stopped and what was asked is answered: within seconds, unless an admin request runs.
  void Run();
  void Stop();

 private:
  using Id = Connections::Id;

  void Wake() const;
  // Waits until something happens, and sees to the connections that it happened to.
  void Turn();
  // True: there are clients to accept.
  bool SeeTo(std::span<const epoll_event> events);
  void Accept();
  // No client is accepted before; TimePoint{}: from now on.
  void ListenAgainAt(TimePoint time);
  // One has to go for another one. False: none can.
  bool MakeRoom(const std::string& holder);
  void TakeDone();
  void TellNews();
  void BeginStop();
  bool IsOver() const;

  // Does it for the connection, if that is still there, and then what follows from it. False from `act`: the
  // connection is of no use any more.
  template <class Act>
  void With(Id id, Act act);
  bool OnReady(Id id, Connection& connection, std::uint32_t events);
  bool ShakeHands(Connection& connection);
  bool OnDue(Id id, Connection& connection);
  // Answers what is complete.
  bool Advance(Id id, Connection& connection);
  // False: there is no request to answer.
  bool AnswerNext(Id id, Connection& connection);
  void Ask(Id id, Connection& connection, const Framed& request, bool may_wait);
  void AskAgain(Id id, Connection& connection, bool may_wait);
  void Deliver(Connection& connection, Outcome outcome);
  void Refuse(Connection& connection, const Refused& refused);
  // False: the client takes too little.
  bool Pump(Connection& connection);
  void Register(Id id, Connection& connection);

  Responder& responder_;
  HttpCodec codec_;
  std::optional<Listener> listener_;  // nothing: it stops
  const os::Descriptor epoll_;
  const os::Descriptor wake_;
  Connections connections_;
  TimePoint now_;
  TimePoint accept_at_{};  // not before, for lack of descriptors
  std::vector<Id> again_;  // there is more to do for them
  TimePoint stop_by_ = TimePoint::max();
  std::atomic<bool> news_ = false;
  std::atomic<bool> stopping_ = false;
  Outcomes outcomes_;
  std::uint64_t news_told_ = 0;
  // Last: they end before what they use.
  ThreadPool slow_;
  ThreadPool admin_;
};

}  // namespace redis_zk::watcher::web
