// The whole watcher, from its start to its end, in a time that jumps.
#include "watcher/watcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "base/exit_code.h"
#include "support/servers.h"
#include "unit/log_fixture.h"
#include "unit/signals_fixture.h"
#include "unit/watcher_fixture.h"

namespace redis_zk::testing::watcher_test {
namespace {

using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using zookeeper::Watch;

class WatcherTest : public SignalsTest {
 protected:
  // A watcher that runs until a test has played to its end.
  struct Site : WatcherSite {
    Site() { options.listen = {"127.0.0.1", FreePort()}; }

    // `after` the start. The loop hears of it a second later at the latest: it jumps from one turn to the
    // next.
    void At(Duration after, std::function<void()> what) { time.At(start + after, std::move(what)); }
    int RunFor(Duration duration, const BlockedSignals& signals) {
      At(duration, [] { raise(SIGTERM); });
      return Run(signals);
    }
    int Run(const BlockedSignals& signals) {
      watcher::Watcher watcher(options, signals,
                               {FailingSessions(zookeeper, own), fleet.network(), pubsub.Subscribe()});
      return watcher.Run();
    }
    store::EventLog EventLog() { return other.event_log.Read(Watch::kNo).value(); }

    FakePubSub pubsub;
    FailingSession* own = nullptr;  // the watcher's
    const TimePoint start = Clock::now();
  };
};

TEST_F(WatcherTest, RecordsAFailoverAndKeepsItInTheEventLog) {
  const CapturedLog log;
  Site site;
  site.options.common.master_name = kGroup;
  site.At(1s, [&] { site.pubsub.Confirm(); });
  site.At(4s, [&] { site.pubsub.Publish("+sdown", "master master1 10.0.0.1 6379"); });
  site.At(7s, [&] {
    site.FailOver(kB, 2);
    site.pubsub.Publish("+switch-master", "master1 10.0.0.1 6379 10.0.0.2 6379");
  });
  store::Record recorded;
  site.At(8500ms, [&] { recorded = site.Record(); });
  EXPECT_EQ(site.RunFor(10s, signals()), kExitStopped);
  EXPECT_EQ(recorded.master, kB);
  EXPECT_EQ(recorded.epoch, 2U);
  EXPECT_THAT(site.EventLog(), ElementsAre(Field(&store::PastEvent::kind, "master-changed")));
  EXPECT_THAT(site.EventLog().front().sentence, HasSubstr("after an outage of "));
  EXPECT_THAT(log.text(), HasSubstr("| following Sentinel "));
  EXPECT_THAT(log.text(), HasSubstr("| serving HTTP on 127.0.0.1:"));
  EXPECT_THAT(log.text(), HasSubstr("| stop requested by signal 15\n"));
}

TEST_F(WatcherTest, AChangeByAnotherWatcherIsNotItsToKeep) {
  Site site;
  site.At(3s, [&] {
    site.FailOver(kB, 2);
    EXPECT_TRUE(site.other.records.Write(kGroup, site.Record(), {kB, 2, "theirs"}, ""));
  });
  EXPECT_EQ(site.RunFor(20s, signals()), kExitStopped);
  EXPECT_EQ(site.Record().reason, "theirs");
  EXPECT_THAT(site.EventLog(), IsEmpty());
}

TEST_F(WatcherTest, FollowsAnotherSentinelAndSeesWhatItMissed) {
  Site site;
  site.At(1s, [&] { site.pubsub.Confirm(); });
  site.At(3s, [&] { site.pubsub.Lose("the connection was closed"); });
  site.At(8s, [&] { site.FailOver(kC, 2); });
  store::Record before;
  store::Record after;
  site.At(8200ms, [&] {
    before = site.Record();
    site.pubsub.Confirm();
  });
  site.At(8500ms, [&] { after = site.Record(); });
  EXPECT_EQ(site.RunFor(9s, signals()), kExitStopped);
  EXPECT_EQ(site.pubsub.chosen().size(), 2U);
  EXPECT_EQ(before.master, kA);
  EXPECT_EQ(after.master, kC);
}

TEST_F(WatcherTest, WaitsForZooKeeperWithoutSpinningAndCatchesUp) {
  const CapturedLog log;
  Site site;
  site.At(2s, [&] {
    // There is something to read, and no ZooKeeper to read it from.
    ASSERT_TRUE(site.other.sentinels.Register({UuidOf(4), SentinelAt(4)}));
    site.zookeeper.Stop();
  });
  site.At(10s, [&] { site.FailOver(kB, 2); });
  site.At(30s, [&] { site.zookeeper.Start(); });
  EXPECT_EQ(site.RunFor(40s, signals()), kExitStopped);
  EXPECT_EQ(site.Record().master, kB);
  EXPECT_THAT(log.text(), HasSubstr("| registered Sentinels: 4: "));
}

TEST_F(WatcherTest, KeepsGoingWhicheverOfItsCallsFails) {
  AtEveryCall([this](int number, Fault fault) {
    Site site;
    bool happened = false;
    site.At(4500ms, [&] {
      site.FailOver(kB, 2);
      site.own->FailCall(number, fault);
    });
    site.At(12s, [&] { happened = site.own->faults() > 0; });
    EXPECT_EQ(site.RunFor(30s, signals()), kExitStopped);
    EXPECT_EQ(site.Record().master, kB);
    EXPECT_EQ(site.Record().epoch, 2U);
    return happened && number < 40;
  });
}

TEST_F(WatcherTest, GoesOnInANewSessionAfterTheEndOfOne) {
  Site site;
  site.At(3s, [&] { site.zookeeper.Expire(site.own->id()); });
  site.At(20s, [&] { site.FailOver(kB, 2); });
  EXPECT_EQ(site.RunFor(30s, signals()), kExitStopped);
  EXPECT_EQ(site.Record().master, kB);
}

TEST_F(WatcherTest, StopsAtEachSignalThatAsksForIt) {
  for (const int number : {SIGTERM, SIGINT, SIGQUIT}) {
    Site site;
    site.At(1s, [number] { raise(number); });
    EXPECT_EQ(site.Run(signals()), kExitStopped);
    EXPECT_LT(Clock::now() - site.start, 3s);
  }
}

TEST_F(WatcherTest, LooksForOpenZnodesAlsoWhileTheRegistryCannotBeRead) {
  const CapturedLog log("warn");
  Site site;
  site.options.common.zk_security = {.credentials = {"redis", "secret"},
                                     .acl = zookeeper::AclPolicy::kPrivate};
  ASSERT_TRUE(site.zookeeper.SetAcl("/redis/sentinels", {}));
  EXPECT_EQ(site.RunFor(20s, signals()), kExitStopped);
  EXPECT_THAT(log.text(), HasSubstr("reading the registry in ZooKeeper failed: "));
  EXPECT_THAT(log.text(), HasSubstr("open to other users of ZooKeeper than ZK_USERNAME, /redis for one"));
}

TEST_F(WatcherTest, CleansUp) {
  Site site;
  site.AddSentinel(4);
  site.fleet.sentinel(SentinelAt(4)).state = FakeFleet::State::kGone;
  EXPECT_EQ(site.RunFor(120s, signals()), kExitStopped);
  for (const int number : {1, 2, 3}) EXPECT_EQ(site.Monitored(number).peers.size(), 2U) << number;
}

TEST_F(WatcherTest, ExitsWhereZooKeeperCannotBeReached) {
  const CapturedLog log;
  Site site;
  site.zookeeper.Stop();
  EXPECT_EQ(site.Run(signals()), kExitUnavailable);
  EXPECT_EQ(Clock::now() - site.start, site.options.common.zk_connect_timeout);
}

TEST_F(WatcherTest, StopsAlsoWhileItWaitsForZooKeeper) {
  Site site;
  site.zookeeper.Stop();
  EXPECT_EQ(site.RunFor(1s, signals()), kExitStopped);
  EXPECT_LT(Clock::now() - site.start, site.options.common.zk_connect_timeout);
}

TEST_F(WatcherTest, ExitsWhereItsAddressIsNotToBeHad) {
  const CapturedLog log;
  Site site;
  site.options.listen = {"192.0.2.1", 1};
  EXPECT_EQ(site.Run(signals()), kExitConfig);
  EXPECT_THAT(log.text(), HasSubstr("free the address, or change BIND_IP or PORT0; exiting 78"));
}

TEST_F(WatcherTest, TakesOverBehaviorsAtSighup) {
  const CapturedLog log;
  Site site;
  Result<LiveOptions> read = Fail(ErrorKind::kInvalid, "LOG_LEVEL: found \"x\"");
  site.options.common.read_again = [&read] { return read; };
  const auto reload_with = [&read](ConfigSection section) {
    read = LiveOptions{.log_level = "info", .log_level_source = "the test", .sections = {std::move(section)}};
    raise(SIGHUP);
  };
  site.At(1s, [] { raise(SIGCHLD); });
  site.At(3s, [] { raise(SIGHUP); });
  site.At(6s, [&] { reload_with({.name = "wrong", .entries = {{"do", {"no such kind"}}}}); });
  site.At(9s, [&] {
    // Of an event that does not happen here.
    reload_with(
        {.name = "hook", .entries = {{"do", {"exec"}}, {"on", {"group-gone"}}, {"command", {"/bin/true"}}}});
  });
  site.At(12s, [] { raise(SIGUSR1); });
  EXPECT_EQ(site.RunFor(15s, signals()), kExitStopped);
  EXPECT_THAT(log.text(), HasSubstr("SIGHUP: reload rejected, nothing changed: LOG_LEVEL: found \"x\""));
  EXPECT_THAT(log.text(), HasSubstr("SIGHUP: behaviors not reloaded: "));
  EXPECT_THAT(log.text(), HasSubstr("| SIGHUP: behaviors: added hook"));
}

}  // namespace
}  // namespace redis_zk::testing::watcher_test
