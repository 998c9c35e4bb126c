#include "redis-wrapper/dataset_keeper.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "store/registry.h"
#include "support/fault_site.h"
#include "unit/files.h"
#include "zookeeper/client_session.h"

namespace redis_zk::testing::dataset_keeper_test {
namespace {

using redis_wrapper::DataFiles;
using redis_wrapper::DatasetKeeper;
using redis_wrapper::ReadNote;

// ZooKeeper is away, so that nothing is told to anybody; what is on the disk has to be there before.
class DatasetKeeperTest : public ::testing::Test {
 protected:
  DatasetKeeper Keeper() { return {files_, registry_, "master1", {"10.0.0.1", 6379}}; }

  TempDir directory_;
  const std::filesystem::path path_ = directory_.path();
  const DataFiles files_{.dir = path_.string(), .append_only = true};
  zookeeper::ClientSession session_{
      zookeeper::Hosts{{{"127.0.0.1", 1}}, ""}, {}, 10s, [](zookeeper::SessionEvent) {}};
  store::Registry registry_{session_, "/redis"};
};

TEST_F(DatasetKeeperTest, DataAreReportedUnderANameThatLasts) {
  WriteFile(path_ / "appendonly.aof", "data");
  for (const bool disputed : {false, true}) {
    std::filesystem::remove(path_ / "redis-zk.json");
    auto keeper = Keeper();
    EXPECT_EQ(ReadNote(files_).node, "");
    if (disputed) {
      keeper.ReportDisputed(Clock::now());
    } else {
      keeper.ReportLast();
    }
    EXPECT_EQ(Keeper().node(), keeper.node()) << disputed;
  }
}

TEST_F(DatasetKeeperTest, NothingIsNamedWhereThereAreNoData) {
  auto keeper = Keeper();
  keeper.ReportLast();
  EXPECT_FALSE(std::filesystem::exists(path_ / "redis-zk.json"));
  EXPECT_NE(Keeper().node(), keeper.node());
}

TEST_F(DatasetKeeperTest, AnEmptyReplicaKnowsWhoseCopyItWillHold) {
  auto keeper = Keeper();
  ASSERT_TRUE(keeper.Find().empty());
  keeper.ExpectCopy("0123456789abcdef");
  EXPECT_TRUE(Keeper().Find().empty());
  WriteFile(path_ / "appendonly.aof", "data");
  const auto dataset = Keeper().Find();
  EXPECT_EQ(dataset.replication_id, "0123456789abcdef");
  EXPECT_EQ(dataset.offset, 0);
  EXPECT_EQ(Keeper().node(), keeper.node());
}

TEST_F(DatasetKeeperTest, DataThatAreThereKeepTheirNameUntilTheyAreReplaced) {
  WriteFile(path_ / "appendonly.aof", "data");
  auto keeper = Keeper();
  ASSERT_FALSE(keeper.Find().empty());
  keeper.ExpectCopy("0123456789abcdef");
  EXPECT_EQ(Keeper().Find().replication_id, "") << "of unknown origin";
  keeper.WriteDown({.append_only = true, .replication_id = "first", .offset = 7}, Clock::now());
  keeper.Find();
  keeper.ExpectCopy("0123456789abcdef");
  EXPECT_EQ(Keeper().Find().replication_id, "first");
  redis::ServerInfo copied{
      .role = redis::Role::kReplica, .append_only = true, .replication_id = "0123456789abcdef"};
  copied.link_up = true;
  keeper.WriteDown(copied, Clock::now());
  EXPECT_EQ(ReadNote(files_).copy_of, "") << "the copy is complete";
  EXPECT_EQ(Keeper().Find().replication_id, "0123456789abcdef");
}

TEST_F(DatasetKeeperTest, AReplicaTakesItsMastersNameWithItsMastersData) {
  WriteFile(path_ / "appendonly.aof", "data");
  auto keeper = Keeper();
  keeper.WriteDown({.replication_id = "first", .offset = 7}, Clock::now());
  const redis::ServerInfo copying{.role = redis::Role::kReplica, .replication_id = "made up"};
  auto copied = copying;
  copied.link_up = true;
  auto synchronising = copied;
  synchronising.synchronising = true;
  for (const auto& own : {copying, synchronising}) {
    keeper.WriteDown(own, Clock::now());
    EXPECT_EQ(ReadNote(files_).replication_id, "first") << own.link_up;
  }
  copied.replication_id = "second";
  keeper.WriteDown(copied, Clock::now());
  EXPECT_EQ(ReadNote(files_).replication_id, "second");
}

TEST_F(DatasetKeeperTest, WhatIsWrittenDownNamesTheFileAndItsPast) {
  WriteFile(path_ / "appendonly.aof", "data");
  auto keeper = Keeper();
  keeper.WriteDown({.append_only = true, .replication_id = "first", .offset = 7}, Clock::now());
  keeper.WriteDown({.append_only = true, .replication_id = "second", .offset = 9}, Clock::now());
  const auto note = ReadNote(files_);
  EXPECT_EQ(note.replication_id, "second");
  EXPECT_EQ(note.previous_id, "first");
  EXPECT_EQ(note.offset, 9);
  EXPECT_EQ(note.aof_file, "appendonly.aof");
  EXPECT_EQ(note.aof_bytes, 4U);
}

TEST_F(DatasetKeeperTest, TheNoteSaysWhetherTheAppendOnlyFileIsInUse) {
  WriteFile(path_ / "appendonly.aof", "data");
  auto keeper = Keeper();
  keeper.SetConverting(true);
  keeper.WriteDown({.append_only = true, .replication_id = "first"}, Clock::now());
  EXPECT_EQ(ReadNote(files_).aof_file, "") << "it is not complete yet";
  keeper.SetConverting(false);
  keeper.WriteDown({.append_only = true, .replication_id = "first"}, Clock::now());
  EXPECT_EQ(ReadNote(files_).aof_file, "appendonly.aof");
  keeper.WriteDown({.append_only = false, .replication_id = "first"}, Clock::now());
  EXPECT_EQ(ReadNote(files_).aof_file, "") << "CONFIG SET appendonly no";
}

TEST(DatasetKeeperReportTest, ABusyMasterIsToldOfAtMostOnceInTwentySeconds) {
  const TempDir directory;
  FaultSite site;
  ASSERT_TRUE(site.registry.groups.Ensure("master1"));
  DatasetKeeper keeper({.dir = directory.path().string(), .append_only = true}, site.registry, "master1",
                       {"10.0.0.1", 6379});
  WriteFile(directory.path() / "appendonly.aof", "data");
  redis::ServerInfo own{.role = redis::Role::kMaster, .append_only = true, .replication_id = "first"};
  int sets = 0;
  site.session.BeforeEvery(FailingSession::Call::kSet, [&sets] { ++sets; });
  const TimePoint start = Clock::now();
  keeper.Keep(own, true, true, start);
  const int first = sets;
  for (int second = 1; second <= 60; ++second) {
    own.offset += 1000;
    keeper.Keep(own, true, true, start + std::chrono::seconds(second));
  }
  EXPECT_LE(sets - first, 6) << "history and data set, three times";
  own.replication_id = "second";
  const int before = sets;
  keeper.Keep(own, true, true, start + 61s);
  EXPECT_GT(sets, before) << "another name is told at once";
  EXPECT_EQ(site.other.datasets.ReadHistory("master1")->replication_id, "second");
}

}  // namespace
}  // namespace redis_zk::testing::dataset_keeper_test
