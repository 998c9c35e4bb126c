// A place for tests with faults: an ensemble in memory, a session at it that fails on demand, and another one
// that does not.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <utility>

#include "store/registry.h"
#include "support/failing_session.h"
#include "support/fake_zookeeper.h"

namespace redis_zk::testing {

// Connected.
inline std::unique_ptr<zookeeper::Session> OpenFake(
    FakeZooKeeper& zookeeper, zookeeper::Session::Sink sink = [](const zookeeper::SessionEvent&) {}) {
  auto session = zookeeper.Factory()({}, {}, 2s, std::move(sink));
  session->Maintain(Clock::now());
  return session;
}

// For a daemon: its sessions fail on demand, and `opened` is the last of them. Both must outlive the factory.
inline zookeeper::SessionFactory FailingSessions(FakeZooKeeper& zookeeper, FailingSession*& opened) {
  return [&zookeeper, &opened](const zookeeper::Hosts& hosts, const zookeeper::Security& security,
                               Duration timeout, zookeeper::Session::Sink sink) {
    auto session =
        std::make_unique<FailingSession>(zookeeper.Factory()(hosts, security, timeout, std::move(sink)));
    opened = session.get();
    return session;
  };
}

struct FaultSite {
  FakeZooKeeper zookeeper;
  FailingSession session{OpenFake(zookeeper)};
  store::Registry registry{session, "/redis"};
  std::unique_ptr<zookeeper::Session> other_session = OpenFake(zookeeper);
  store::Registry other{*other_session, "/redis"};

  // As another client sees it; "(none)": it does not exist.
  std::string Data(const std::string& path) const {
    const auto node = other_session->Get("/redis" + path, zookeeper::Watch::kNo);
    return node ? node->data : "(none)";
  }
  // 0: it is persistent, or does not exist.
  std::int64_t OwnerOf(const std::string& path) const {
    const auto node = other_session->Get("/redis" + path, zookeeper::Watch::kNo);
    return node ? node->stat.ephemeral_owner : 0;
  }
  // The server ends the failing session, and it begins a new one.
  void Expire() {
    zookeeper.Expire(session.id());
    session.Maintain(Clock::now());
  }
};

// Plays `scenario(number, fault)` with each fault at each of its calls: with number 0, 1, ... until it
// returns false, which says that it had no such call.
inline void AtEveryCall(const std::function<bool(int number, Fault fault)>& scenario) {
  constexpr int kMostCalls = 200;
  for (const Fault fault : {Fault::kBefore, Fault::kAfter, Fault::kLate}) {
    int number = 0;
    for (bool happened = true; happened; ++number) {
      SCOPED_TRACE("call " + std::to_string(number) + ", fault " + std::to_string(static_cast<int>(fault)));
      happened = scenario(number, fault);
      ASSERT_LT(number, kMostCalls);
      if (::testing::Test::HasFatalFailure()) return;
    }
    EXPECT_GT(number, 1) << "a scenario without a call tests nothing";
  }
}

}  // namespace redis_zk::testing
