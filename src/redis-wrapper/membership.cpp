#include "redis-wrapper/membership.h"

#include <utility>

#include "redis/servers.h"

namespace redis_zk::redis_wrapper {

namespace {

using store::Record;
using zookeeper::Watch;

// What was registered may have been deleted.
constexpr Duration kRefreshInterval = 10s;

}  // namespace

Membership::Membership(const std::string& group, daemon::WrapperLoop& loop,
                       daemon::AddressClaim& address_claim, zookeeper::Lock& lock, Lookup& lookup,
                       store::Member self, store::Record record)
    : group_(group),
      loop_(loop),
      address_claim_(address_claim),
      lock_(lock),
      lookup_(lookup),
      self_(std::move(self)),
      record_(std::move(record)),
      pauses_(group) {}

bool Membership::IsRecorded() const {
  return record_.state == Record::State::kMaster && record_.master == self_.endpoint;
}

bool Membership::AnotherIsRecorded() const {
  return record_.state == Record::State::kMaster && record_.master != self_.endpoint;
}

bool Membership::Refresh() {
  if (!loop_.session().connected()) return false;
  const Endpoint before = record_.master;
  if (const auto refreshed = TryRefresh(); !refreshed) {
    refreshed_session_ = 0;
    log_failure_(log::Severity::kWarn, {.event = "refresh-failed"},
                 "cannot refresh this node's registration, retrying: " + refreshed.error().message);
  } else {
    log_failure_.Reset();
  }
  return record_.master != before;
}

template <class Call>
auto Membership::InItsPlace(const Call& call) -> decltype(call()) {
  auto done = call();
  if (done || done.error().kind != ErrorKind::kNotFound) return done;
  if (auto made = loop_.registry().groups.Ensure(group_); !made) return tl::unexpected(made.error());
  return call();
}

Status Membership::TryRefresh() {
  const std::int64_t session = loop_.session().id();
  confirmed_session_ = 0;
  // A node that cannot register must still hear who the master is.
  auto record = InItsPlace([this] { return loop_.registry().records.Read(group_, Watch::kYes); });
  if (!record) return tl::unexpected(record.error());
  record_ = std::move(*record);
  Status registered = Due() ? Register() : Status();
  // A second request would wait as long for its answer.
  if (!registered && registered.error().kind == ErrorKind::kUnknownOutcome) return registered;
  if (registered) confirmed_session_ = session;
  pauses_.Take(loop_.registry().paused_groups.Read(Watch::kYes));
  // A lock that was left half-taken must not keep the others from starting.
  if (auto released = lock_.Release(); !released) return released;
  // One registration of another ZooKeeper user fails the whole list.
  if (auto read = InItsPlace([this] { return lookup_.Refresh(self_.endpoint); }); !read) return read;
  if (!registered) return registered;
  refreshed_session_ = session;
  refresh_at_ = Clock::now() + kRefreshInterval;
  return {};
}

Status Membership::Register() {
  auto registered = InItsPlace([this] { return loop_.registry().members.Register(group_, self_); });
  if (!registered) return registered;
  changed_ = false;
  address_claim_.Keep();
  return {};
}

bool Membership::Due() const {
  return changed_ || refreshed_session_ != loop_.session().id() || Clock::now() >= refresh_at_;
}

bool Membership::SetIncomplete(bool incomplete) {
  if (self_.incomplete == incomplete) return false;
  self_.incomplete = incomplete;
  changed_ = true;
  return true;
}

bool Membership::SetHanging(std::optional<store::Dataset> held) {
  if (self_.hanging.has_value() == held.has_value()) return false;
  self_.hanging = std::move(held);
  self_.serving = !self_.hanging;
  changed_ = true;
  return true;
}

bool Membership::ZooKeeperAnswers() const {
  return loop_.session().connected() && loop_.session().Answers(redis::kAnswerTimeout);
}

bool Membership::IsCurrent() const {
  return confirmed_session_ == loop_.session().id() && ZooKeeperAnswers();
}

}  // namespace redis_zk::redis_wrapper
