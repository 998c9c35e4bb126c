// A wrapper's loop at a ZooKeeper and a fleet in memory, through a session and a network that fail on demand,
// in a time that jumps. Nothing listens at the wrapper's address.
#pragma once

#include <memory>
#include <string>

#include "daemon/wrapper_loop.h"
#include "support/failing_network.h"
#include "support/fake_fleet.h"
#include "support/fault_site.h"
#include "support/servers.h"
#include "unit/signals_fixture.h"

namespace redis_zk::testing {

// Of one wrapper; its session has begun.
class FaultyLoop {
 public:
  FaultyLoop(FakeZooKeeper& zookeeper, const BlockedSignals& signals, const CommonOptions& common,
             const ServerOptions& server)
      : loop_(common, server, signals, FailingSessions(zookeeper, session_), "wrapper") {
    loop_.Pump(Clock::now());
  }

  daemon::WrapperLoop& operator*() { return loop_; }
  daemon::WrapperLoop* operator->() { return &loop_; }
  FailingSession& session() { return *session_; }

 private:
  FailingSession* session_ = nullptr;  // the loop's
  daemon::WrapperLoop loop_;
};

// A wrapper's loop, and another client that looks on.
struct WatchedLoop {
  WatchedLoop(const BlockedSignals& signals, const CommonOptions& common, const ServerOptions& server)
      : loop(zookeeper, signals, common, server) {
    EXPECT_TRUE(other.groups.Ensure("master1"));
  }

  // The wrapper's session has ended, and it has another one.
  void Expire() {
    zookeeper.Expire(loop.session().id());
    loop->Pump(Clock::now());
  }

  FakeZooKeeper zookeeper;
  std::unique_ptr<zookeeper::Session> other_session = OpenFake(zookeeper);
  store::Registry other{*other_session, "/redis"};
  FaultyLoop loop;
};

class WrapperTest : public SignalsTest {
 protected:
  static CommonOptions Common() {
    return {
        .zk_root = "/redis", .zk_session_timeout = 2s, .zk_connect_timeout = 2s, .master_name = "master1"};
  }
  static ServerOptions At(const Endpoint& address, const TempDir& dir) {
    return {.work_dir = dir.path().string(), .bind = address, .announce = address};
  }

  FakeTime time_;
  FakeFleet fleet_{time_};
  FailingNetwork network_{fleet_.network()};
  const TempDir dir_;
  const CommonOptions common_ = Common();
  const ServerOptions server_ = At({"127.0.0.1", FreePort()}, dir_);
};

}  // namespace redis_zk::testing
