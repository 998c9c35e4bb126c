#include "daemon/wait_publisher.h"

#include <chrono>
#include <utility>

#include "base/log.h"
#include "base/unix_time.h"

namespace redis_zk::daemon {

namespace {

constexpr Duration kWriteAtMostEvery = 1s;
constexpr Duration kWriteAgain = 10s;

std::int64_t UnixTimeOf(TimePoint time, TimePoint now) {
  return UnixTime() + std::chrono::duration_cast<Duration>(time - now).count();
}

}  // namespace

WaitPublisher::WaitPublisher(zookeeper::Session& session, store::Waits& waits, store::Wait whose)
    : session_(session), waits_(waits), whose_(std::move(whose)) {}

void WaitPublisher::Keep(const std::optional<Wait>& wait, TimePoint now) {
  if (!session_.connected() || now < write_at_) return;
  if (written_session_ != session_.id()) {
    // It was ephemeral.
    written_session_ = session_.id();
    written_.reset();
    unsure_ = false;
  }
  if (wait == written_ && !unsure_) return;
  const auto done = Write(wait, now);
  // A request may have taken its time, and there is more to do than this.
  write_at_ = Clock::now() + (done ? kWriteAtMostEvery : kWriteAgain);
  if (!done) {
    unsure_ = true;
    log::Debug({.event = "zookeeper-request-failed"}, "{}", done.error().message);
    return;
  }
  unsure_ = false;
  written_ = wait;
}

Status WaitPublisher::Write(const std::optional<Wait>& wait, TimePoint now) {
  if (!wait) return waits_.Remove(whose_.uuid);
  store::Wait stored = whose_;
  stored.name = wait->name;
  stored.sentence = wait->sentence;
  stored.since = UnixTimeOf(wait->since, now);
  if (wait->until) stored.until = UnixTimeOf(*wait->until, now);
  stored.needs_person = wait->needs_person;
  return waits_.Put(stored);
}

}  // namespace redis_zk::daemon
