// The start of a redis-wrapper where nobody lives and the data on the disks decide: whose are the best, which
// are missing, which cannot be loaded, and who may not be the master.
#include <gmock/gmock.h>

#include <filesystem>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>

#include "base/exit_code.h"
#include "support/reports.h"
#include "unit/log_fixture.h"
#include "unit/redis_wrapper_fixture.h"

namespace redis_zk::testing::wrapper_data_test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using WrapperDataTest = RedisWrapperTest;

const std::string kId(40, 'a');
const store::Dataset kBetter{.replication_id = kId, .offset = 900, .bytes = 4};
const store::Dataset kOlder{.replication_id = kId, .offset = 400, .bytes = 4};

// Of the group's history.
void WriteOwnData(WrapperSite& site) {
  site.WriteHistory(kId);
  site.WriteData(kId, 500);
}

TEST_F(WrapperDataTest, BetterDataOfAnotherThatStartsGoFirst) {
  WrapperSite site;
  WriteOwnData(site);
  site.RegisterMember(kB, /*serving=*/false, kBetter);
  site.After(10s, [&] {
    EXPECT_THAT(site.servers.launched, IsEmpty());
    site.fleet.AddMaster(kB).replication_id = kId;
    site.RegisterMember(kB);
    site.WriteRecord(kB);
  });
  RunAndLook(site, signals(),
             [&] { EXPECT_THAT(site.servers.launched, ElementsAre("replica of 10.0.0.2:6379")); });
}

TEST_F(WrapperDataTest, AbsentDataAreAwaitedForColdStartWait) {
  for (const Duration wait : {Duration(0ms), Duration(5s)}) {
    WrapperSite site;
    const CapturedLog log;
    site.options.cold_start_wait = wait;
    WriteOwnData(site);
    site.ReportData(kB, kBetter);
    const TimePoint begun = Clock::now();
    std::optional<std::chrono::nanoseconds> waited;
    site.servers.before_launch = [&] { waited = Clock::now() - begun; };
    RunAndLook(site, signals(), [&] {
      EXPECT_THAT(site.servers.launched, ElementsAre("master"));
      EXPECT_GE(waited.value(), wait);
      EXPECT_LE(waited.value(), wait + 2s);
    });
  }
}

TEST_F(WrapperDataTest, ANodeThatComesAndGoesIsAwaitedForColdStartWaitInSum) {
  WrapperSite site;
  const CapturedLog log;
  site.options.cold_start_wait = 10s;
  WriteOwnData(site);
  site.ReportData(kB, kBetter);
  // It crashes before it can say so, every other second.
  for (Duration at = 1s; at < 40s; at += 2s) {
    site.After(at, [&] { site.RegisterMember(kB, /*serving=*/false, kBetter); });
    site.After(at + 1s, [&] { site.Unregister(kB); });
  }
  const TimePoint begun = Clock::now();
  std::optional<std::chrono::nanoseconds> waited;
  site.servers.before_launch = [&] { waited = Clock::now() - begun; };
  RunAndLook(site, signals(), [&] { EXPECT_THAT(site.servers.launched, ElementsAre("master")); });
  ASSERT_TRUE(waited);
  // It is missing half of the time.
  EXPECT_GE(*waited, 18s);
  EXPECT_LE(*waited, 23s);
  EXPECT_THAT(log.text(), HasSubstr("data given up: 10.0.0.2:6379"));
}

TEST_F(WrapperDataTest, WhileANodeIsHereAndLoadsItIsNotMissed) {
  WrapperSite site;
  site.options.cold_start_wait = 10s;
  WriteOwnData(site);
  site.ReportData(kB, kBetter);
  // It loads for long, is killed for its memory, and is back after five seconds.
  site.After(1s, [&] { site.RegisterMember(kB, /*serving=*/false, kBetter); });
  site.After(21s, [&] { site.Unregister(kB); });
  site.After(26s, [&] { site.RegisterMember(kB, /*serving=*/false, kBetter); });
  RunAndLook(site, signals(), [&] { EXPECT_THAT(site.servers.launched, IsEmpty()); });
}

TEST_F(WrapperDataTest, DataThatFailToLoadAreNotAwaitedAndTheirLossIsAnError) {
  for (const bool is_here : {false, true}) {
    WrapperSite site;
    const CapturedLog errors("error");
    site.options.cold_start_wait = 1h;
    WriteOwnData(site);
    site.ReportData(kB, kBetter, {.count = 3, .cause = redis::LoadCause::kDamaged, .last_exit = 139});
    if (is_here) site.RegisterMember(kB, /*serving=*/false, kBetter);
    RunAndLook(site, signals(), [&] { EXPECT_THAT(site.servers.launched, ElementsAre("master")); });
    for (const char* part : {"data given up: 10.0.0.2:6379", "last exit code 139", "FORCE_MASTER="})
      EXPECT_THAT(errors.text(), HasSubstr(part)) << is_here;
    EXPECT_THAT(site.other_session->Get(site.other.event_log.Path(), zookeeper::Watch::kNo)->data,
                HasSubstr("data-given-up"));
  }
}

TEST_F(WrapperDataTest, CountsHowOftenItsServerFailsToLoadTheSameFiles) {
  const CapturedLog errors("error");
  WrapperSite site;
  site.WriteData(kId, 500);
  const auto start = [&](std::optional<int> ends_with) {
    site.servers.manners.ends_with = ends_with;
    site.servers.manners.says.clear();
    if (ends_with)
      site.servers.manners.says = {"# Bad file format reading the append only file appendonly.aof"};
    if (!ends_with) site.StopAfter(10s);
    return site.Run(signals());
  };
  for (int number = 1; number <= 4; ++number) {
    EXPECT_EQ(start(number), number);
    ASSERT_TRUE(site.KnownOf("own"));
    EXPECT_EQ(site.KnownOf("own")->failed.count, number);
    EXPECT_EQ(site.KnownOf("own")->failed.last_exit, number);
  }
  EXPECT_THAT(errors.text(), HasSubstr("failed load 4 of these files"));
  EXPECT_THAT(errors.text(), HasSubstr("redis-check-aof --fix"));
  // Repaired.
  site.After(1s, [] {});
  WriteFile(site.dir.path() / "appendonly.aof", "mended");
  EXPECT_EQ(start(1), 1);
  EXPECT_EQ(site.KnownOf("own")->failed.count, 1) << "another file fails anew";
  EXPECT_EQ(start(std::nullopt), kExitStopped);
  EXPECT_EQ(site.KnownOf("own")->failed.count, 0) << "it was loaded";
}

TEST_F(WrapperDataTest, AnEndThatProvesNothingIsNoFailedLoad) {
  struct Row {
    const char* name;
    std::function<void(WrapperSite&)> change;
    int code;
    int count = 0;
  };
  const auto ends_while_it_loads = [](int code) {
    return [code](WrapperSite& s) {
      s.servers.manners.loads_for = 1h;
      s.After(5s, [&s, code] { s.servers.End(code); });
    };
  };
  for (const auto& [name, change, code, count] : std::initializer_list<Row>{
           {"a module that is not there",
            [](auto& s) {
              s.servers.manners.says = {"# Can't load module from /x.so: server aborting"};
              s.servers.manners.ends_with = 1;
            },
            1},
           {"a module that the data need",
            [](auto& s) {
              s.servers.manners.says = {"# Internal error in RDB reading: no matching module type 'x'"};
              s.servers.manners.ends_with = 1;
            },
            1},
           {"a line of its configuration",
            [](auto& s) {
              s.servers.manners.says = {"*** FATAL CONFIG FILE ERROR ***", "bad directive"};
              s.servers.manners.ends_with = 1;
            },
            kExitConfig},
           {"no answer", [](auto& s) { s.servers.manners.serves_after = 1h; }, kExitUnavailable},
           {"killed while it loads", ends_while_it_loads(137), 137},
           {"stopped by somebody while it loads", ends_while_it_loads(143), 143},
           {"it ends by itself while it loads", ends_while_it_loads(1), 1, 1}}) {
    const CapturedLog log;
    WrapperSite site;
    site.WriteData(kId, 500);
    change(site);
    EXPECT_EQ(site.Run(signals()), code) << name;
    ASSERT_TRUE(site.KnownOf("own")) << name;
    EXPECT_EQ(site.KnownOf("own")->failed.count, count) << name;
    EXPECT_EQ(site.KnownOf("own")->failed.last_exit, code) << name;
    EXPECT_EQ(site.KnownOf("own")->failed.ends, 1) << name;
    EXPECT_FALSE(site.KnownOf("own")->failed.begun) << name;
    EXPECT_EQ(log.text().find("could not load the data") != std::string::npos, count > 0) << name;
    EXPECT_THAT(log.text(), Not(HasSubstr("redis-check"))) << name << ": nobody knows of a damage";
  }
}

TEST_F(WrapperDataTest, AStartThatCannotSucceedIsToldToTheGroup) {
  const auto loop = [](WrapperSite& s) {
    WriteFile(s.options.redis_conf, "dir " + s.dir.path().string() + "\n");
    const auto file = s.dir.path() / "dump.rdb";
    std::filesystem::create_symlink(file, file);
  };
  struct Row {
    const char* name;
    std::function<void(WrapperSite&)> change;
    int code;
    bool named;  // whether its own note is found
  };
  for (const auto& [name, change, code, named] : std::initializer_list<Row>{
           {"a file that cannot be read", loop, kExitConfig, true},
           {"a line that cannot work",
            [](auto& s) { WriteFile(s.options.redis_conf, "cluster-enabled yes\n"); }, kExitConfig, false}}) {
    const CapturedLog log;
    WrapperSite site;
    site.WriteData(kId, 500);
    const std::string node = named ? "own" : "before";
    ASSERT_TRUE(site.other.groups.Ensure(kGroup));
    ASSERT_TRUE(site.other.datasets.Report(
        kGroup, {.node = node, .endpoint = named ? kB : site.self, .dataset = kBetter}));
    ASSERT_TRUE(site.other.datasets.Report(kGroup, {.node = "other", .endpoint = kC, .dataset = kBetter}));
    change(site);
    EXPECT_EQ(site.Run(signals()), code) << name << log.text();
    EXPECT_EQ(site.KnownOf(node).value().failed.last_exit, code) << name;
    EXPECT_EQ(site.KnownOf(node)->dataset, kBetter) << name;
    EXPECT_FALSE(site.KnownOf("other").value().failed.tried()) << name;
  }
}

// Of a start that could not read its name, the disk is known once it can.
TEST_F(WrapperDataTest, WhatAPersonHasMendedIsNotHeldAgainstTheNodeThatWasHereBefore) {
  WrapperSite site;
  site.options.cold_start_wait = 5s;
  ASSERT_TRUE(site.other.groups.Ensure(kGroup));
  ASSERT_TRUE(site.other.datasets.Report(kGroup, {.node = "before",
                                                  .endpoint = site.self,
                                                  .dataset = kBetter,
                                                  .failed = {.last_exit = kExitConfig, .ends = 1}}));
  RunAndLook(site, signals(), [&] { EXPECT_THAT(site.servers.launched, ElementsAre("master")); });
}

TEST_F(WrapperDataTest, AStopWhileItLoadsIsNoFailure) {
  WrapperSite site;
  site.WriteData(kId, 500);
  site.servers.manners.loads_for = 1h;
  site.After(10s,
             [&] { EXPECT_TRUE(site.KnownOf("own").value().failed.begun) << "its wrapper may die with it"; });
  site.StopAfter(20s);
  site.Run(signals());
  EXPECT_FALSE(site.KnownOf("own").value().failed.tried());
}

TEST_F(WrapperDataTest, AnEmptyNodeHasNoDataThatFailToLoad) {
  WrapperSite site;
  site.servers.manners.ends_with = 1;
  EXPECT_EQ(site.Run(signals()), 1);
  EXPECT_FALSE(site.other.datasets.List(kGroup).has_value() &&
               !site.other.datasets.List(kGroup).value().empty());
}

TEST_F(WrapperDataTest, ForceMasterWinsOverBetterAndAwaitedData) {
  for (const bool is_here : {false, true}) {
    WrapperSite site;
    const CapturedLog errors("error");
    site.options.cold_start_wait = 1h;
    site.options.force_master = site.self.ToAddress();
    WriteOwnData(site);
    if (is_here) {
      site.RegisterMember(kB, /*serving=*/false, kBetter);
    } else {
      site.ReportData(kB, kBetter);
    }
    RunAndLook(site, signals(), [&] { EXPECT_THAT(site.servers.launched, ElementsAre("master")); });
    EXPECT_THAT(errors.text(), HasSubstr("data given up: 10.0.0.2:6379")) << is_here;
    EXPECT_THAT(errors.text(), HasSubstr("FORCE_MASTER=" + site.self.ToAddress() + " selects")) << is_here;
  }
}

TEST_F(WrapperDataTest, ForceMasterIsToldAtEveryStart) {
  for (const bool set : {false, true}) {
    WrapperSite site;
    const CapturedLog warnings("warn");
    if (set) site.options.force_master = site.self.ToAddress();
    RunAndLook(site, signals(), [&] { EXPECT_THAT(site.servers.launched, ElementsAre("master")); });
    EXPECT_EQ(warnings.text().find("is set: when the group begins anew") != std::string::npos, set)
        << warnings.text();
  }
}

TEST_F(WrapperDataTest, TheForcedNodeIsAwaitedAlsoWhenItComesLast) {
  WrapperSite site;
  const CapturedLog errors("error");
  site.options.cold_start_wait = 5s;
  site.options.force_master = kB.ToAddress();
  WriteOwnData(site);
  // Its data are older, and repaired.
  site.ReportData(kB, kOlder, {.count = 3, .cause = redis::LoadCause::kDamaged, .last_exit = 1, .files = 1});
  site.After(20s, [&] {
    EXPECT_THAT(site.servers.launched, IsEmpty());
    EXPECT_THAT(errors.text(), HasSubstr("start that node, or remove FORCE_MASTER")) << "a person is told";
    site.fleet.AddMaster(kB).replication_id = kId;
    site.RegisterMember(kB);
    site.WriteRecord(kB);
  });
  RunAndLook(site, signals(),
             [&] { EXPECT_THAT(site.servers.launched, ElementsAre("replica of 10.0.0.2:6379")); });
}

TEST_F(WrapperDataTest, ANodeOfPriorityZeroWaitsForOthersAtAFirstStart) {
  for (const bool comes : {false, true}) {
    WrapperSite site;
    WriteFile(site.options.redis_conf, "dir " + site.dir.path().string() + "\nreplica-priority 0\n");
    site.options.cold_start_wait = 10s;
    site.After(5s, [&] {
      EXPECT_THAT(site.servers.launched, IsEmpty());
      EXPECT_EQ(site.MemberAt(site.self).value().priority, 0) << "the others are told";
      if (comes) site.RegisterMember(kB, /*serving=*/false);
    });
    site.After(15s, [&] {
      EXPECT_EQ(site.servers.launched.size(), comes ? 0U : 1U);
      if (comes) site.AddRecordedMaster(kB);
    });
    RunAndLook(site, signals(), [&] {
      EXPECT_THAT(site.servers.launched, ElementsAre(comes ? "replica of 10.0.0.2:6379" : "master"));
    });
  }
}

TEST_F(WrapperDataTest, ANodeOfPriorityZeroThatAloneHasTheDataNeedsAPerson) {
  for (const bool allowed : {false, true}) {
    WrapperSite site;
    WriteOwnData(site);
    site.ReportData(kB, kOlder);
    WriteFile(site.options.redis_conf,
              "dir " + site.dir.path().string() + "\nappendonly yes\nreplica-priority 0\n");
    if (allowed) site.options.force_master = site.self.ToAddress();
    for (Duration at = 35s; at < 50s; at += 700ms) {
      site.After(at, [&] {
        const auto waits = ReportedWaits(site.other);
        EXPECT_EQ(waits.size(), allowed ? 0U : 1U);
        for (const auto& wait : waits) EXPECT_EQ(wait.name, "priority-zero") << "without a pause";
      });
    }
    site.LookAfter(50s, [&] { EXPECT_EQ(site.servers.launched.size(), allowed ? 1U : 0U); });
    site.Run(signals());
    EXPECT_TRUE(site.looked);
  }
}

// At another address than the recorded master's: schedulers give them new ones.
TEST_F(WrapperDataTest, WhereAllHavePriorityZeroTheBestDataBegin) {
  for (const bool was_the_master : {false, true}) {
    WrapperSite site;
    const CapturedLog log;
    site.WriteRecord(kB, 3);
    ASSERT_TRUE(site.other.datasets.WriteHistory(
        kGroup, {.replication_id = kId, .offset = 1000, .node = was_the_master ? "own" : "another"}));
    // The others may be masters or not.
    site.ReportData(kB, kOlder, {}, was_the_master ? 100 : 0);
    site.WriteData(kId, 500);
    WriteFile(site.options.redis_conf,
              "dir " + site.dir.path().string() + "\nappendonly yes\nreplica-priority 0\n");
    RunAndLook(site, signals(), [&] {
      EXPECT_THAT(site.servers.launched, ElementsAre("master")) << was_the_master;
      EXPECT_EQ(site.Record().master, site.self);
      EXPECT_EQ(site.other.datasets.ReadHistory(kGroup)->node, "own") << "it is known wherever it returns";
      EXPECT_EQ(site.KnownOf("own")->priority, 0) << "also when it is gone";
    });
    EXPECT_THAT(log.text(),
                HasSubstr(was_the_master ? "but it was the master" : "no other may be the master"));
  }
}

TEST_F(WrapperDataTest, OfEqualDataTheLowerPriorityBegins) {
  WrapperSite site;
  WriteOwnData(site);
  site.RegisterMember(kB, /*serving=*/false, {.replication_id = kId, .offset = 500, .bytes = 4}, 10);
  site.After(10s, [&] {
    EXPECT_THAT(site.servers.launched, IsEmpty());
    site.Unregister(kB);
  });
  RunAndLook(site, signals(),
             [&] { EXPECT_THAT(site.servers.launched, ElementsAre("master")) << "when it is gone"; });
}

TEST_F(WrapperDataTest, DataOfDifferentOriginAreNotOverwrittenWithoutAWord) {
  for (const bool forced : {false, true}) {
    WrapperSite site;
    const CapturedLog log;
    site.WriteData(kId, 500);
    if (forced) site.options.force_master = site.self.ToAddress();
    site.RegisterMember(kB, /*serving=*/false,
                        {.replication_id = std::string(40, 'b'), .offset = 900, .bytes = 4});
    RunAndLook(site, signals(), [&] {
      EXPECT_EQ(site.servers.launched.size(), forced ? 1U : 0U);
      EXPECT_FALSE(site.other.datasets.List(kGroup).value().empty()) << "both stay known";
    });
    EXPECT_THAT(log.text(), HasSubstr(forced ? "FORCE_MASTER" : "hold unrelated datasets"));
    const auto events = site.other.event_log.Path();
    EXPECT_EQ(site.other_session->Get(events, zookeeper::Watch::kNo).has_value(), forced);
  }
}

TEST_F(WrapperDataTest, AWaitForAPersonIsAnErrorAndToldToTheWatchers) {
  WrapperSite site;
  const CapturedLog errors("error");
  site.WriteData(kId, 500);
  site.RegisterMember(kB, /*serving=*/false,
                      {.replication_id = std::string(40, 'b'), .offset = 900, .bytes = 4});
  site.After(25s, [&] { EXPECT_THAT(ReportedWaits(site.other), IsEmpty()) << "it is not long yet"; });
  site.LookAfter(40s, [&] {
    const auto waits = ReportedWaits(site.other);
    ASSERT_EQ(waits.size(), 1U);
    EXPECT_EQ(waits[0].name, "unrelated-data");
    EXPECT_EQ(waits[0].daemon, "redis-wrapper");
    EXPECT_EQ(waits[0].endpoint, site.self);
    EXPECT_TRUE(waits[0].needs_person);
    EXPECT_THAT(waits[0].sentence, HasSubstr("set FORCE_MASTER on these nodes"));
  });
  site.Run(signals());
  EXPECT_TRUE(site.looked);
  EXPECT_THAT(ReportedWaits(site.other), IsEmpty()) << "with its session";
  EXPECT_THAT(errors.text(), HasSubstr("hold unrelated datasets"));
  EXPECT_THAT(errors.text(), HasSubstr("has waited for 30 s"));
}

}  // namespace
}  // namespace redis_zk::testing::wrapper_data_test
