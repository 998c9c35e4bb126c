// What the registry writes holds together when a call fails before or after it took effect, or takes effect
// late.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "store/registry.h"
#include "support/fault_site.h"

namespace redis_zk::testing::registry_faults_test {
namespace {

using store::Record;
using zookeeper::kAnyVersion;
using zookeeper::Lifetime;
using zookeeper::Watch;

const Endpoint kA{"10.0.0.1", 6379};
const Endpoint kB{"10.0.0.2", 6380};
const Endpoint kC{"10.0.0.3", 6381};

Record Read(FaultSite& site, const std::string& group = "master1") {
  const auto record = site.other.records.Read(group, Watch::kNo);
  EXPECT_TRUE(record) << record.error().message;
  return record.value_or(Record{});
}

// Record, mirror and lineage are of one write.
void ExpectWhole(FaultSite& site) {
  const Record record = Read(site);
  EXPECT_EQ(site.Data("/masters/master1"), site.Data("/master"));
  EXPECT_TRUE(record.lineage_fits);
  EXPECT_EQ(record.epoch, record.master == kA ? 1U : 2U);
}

void BeginWithA(FaultSite& site) {
  ASSERT_TRUE(site.other.groups.Ensure("master1"));
  ASSERT_TRUE(site.other.records.Write("master1", Read(site), {kA, 1, "first"}, ""));
}

std::string TakeLock(FaultSite& site) {
  return site.session.Create("/redis/master/lock-", "", Lifetime::kEphemeralSequential).value();
}

TEST(RegistryFaultsTest, ARecordIsWrittenWholeOrNotAtAll) {
  AtEveryCall([](int number, Fault fault) {
    FaultSite site;
    BeginWithA(site);
    const std::string lock = TakeLock(site);
    const Record before = Read(site);
    site.session.FailCall(number, fault);
    const auto written = site.registry.records.Write("master1", before, {kB, 2, "second"}, lock);
    site.session.Heal();
    ExpectWhole(site);
    const bool may_be_a = !written;
    const bool may_be_b = written || written.error().kind == ErrorKind::kUnknownOutcome;
    const Endpoint now = Read(site).master;
    EXPECT_TRUE((may_be_a && now == kA) || (may_be_b && now == kB)) << now.ToAddress();
    site.session.DeliverLate();
    ExpectWhole(site);
    // As its callers go on: read, and write what is not there.
    const auto found = site.registry.records.Read("master1", Watch::kNo);
    if (found->master != kB) {
      EXPECT_TRUE(site.registry.records.Write("master1", *found, {kB, 2, "again"}, lock));
    }
    EXPECT_EQ(Read(site).master, kB);
    ExpectWhole(site);
    return site.session.faults() > 0;
  });
}

TEST(RegistryFaultsTest, ARecordWhoseMirrorAndLineageAreMissingIsWrittenWhole) {
  AtEveryCall([](int number, Fault fault) {
    FaultSite site;
    // As the originals leave it.
    EXPECT_TRUE(site.other_session->EnsurePath("/redis/master"));
    site.session.FailCall(number, fault);
    if (!site.registry.records.Write("master1", Read(site), {kB, 2, "first"}, "")) {
      site.session.DeliverLate();
      const Record found = Read(site);
      EXPECT_TRUE(found.state == Record::State::kNone || found.lineage_fits);
      if (found.state == Record::State::kNone) {
        EXPECT_TRUE(site.registry.records.Write("master1", found, {kB, 2, "again"}, ""));
      }
    }
    EXPECT_EQ(Read(site).master, kB);
    ExpectWhole(site);
    return site.session.faults() > 0;
  });
}

TEST(RegistryFaultsTest, ALateRecordDoesNotReplaceANewerOne) {
  FaultSite site;
  BeginWithA(site);
  const Record before = Read(site);
  site.session.FailCall(0, Fault::kLate);
  EXPECT_FALSE(site.registry.records.Write("master1", before, {kB, 2, "late"}, ""));
  ASSERT_TRUE(site.other.records.Write("master1", before, {kC, 2, "in time"}, ""));
  site.session.DeliverLate();
  EXPECT_EQ(Read(site).master, kC);
  ExpectWhole(site);
}

TEST(RegistryFaultsTest, ALateRecordOfOneWhoHasLostTheLockIsRefused) {
  for (const bool session_ended : {false, true}) {
    FaultSite site;
    BeginWithA(site);
    const std::string lock = TakeLock(site);
    site.session.FailCall(0, Fault::kLate);
    EXPECT_FALSE(site.registry.records.Write("master1", Read(site), {kB, 2, "late"}, lock));
    if (session_ended) {
      site.Expire();
    } else {
      ASSERT_TRUE(site.other_session->Delete(lock, kAnyVersion));
    }
    site.session.DeliverLate();
    EXPECT_EQ(Read(site).master, kA);
    const auto again = site.registry.records.Write("master1", Read(site), {kB, 2, "too late"}, lock);
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().kind, ErrorKind::kNotFound);
    ExpectWhole(site);
  }
}

// Of a group's znodes, which are there.
std::vector<std::string> Remains(const FaultSite& site) {
  std::vector<std::string> remains;
  for (const char* path :
       {"/masters/cache", "/members/cache", "/lineage/cache", "/history/cache", "/datasets/cache"}) {
    if (site.Data(path) != "(none)") remains.emplace_back(path);
  }
  return remains;
}

Record BeginWithCache(FaultSite& site) {
  EXPECT_TRUE(site.other.groups.Ensure("cache"));
  EXPECT_TRUE(site.other.records.Write("cache", Read(site, "cache"), {kA, 1, "first"}, ""));
  EXPECT_TRUE(site.other.datasets.Report("cache", {.node = "n", .endpoint = kA}));
  return Read(site, "cache");
}

TEST(RegistryFaultsTest, AGroupIsRemovedWholeOrNotAtAll) {
  AtEveryCall([](int number, Fault fault) {
    FaultSite site;
    const Record found = BeginWithCache(site);
    site.session.FailCall(number, fault);
    const auto removed = site.registry.groups.Remove("cache", found);
    site.session.Heal();
    site.session.DeliverLate();
    const auto remains = Remains(site);
    EXPECT_TRUE(remains.empty() || remains.size() == 5U) << ::testing::PrintToString(remains);
    if (removed) {
      EXPECT_TRUE(remains.empty());
    }
    if (!remains.empty()) {
      EXPECT_TRUE(site.registry.groups.Remove("cache", found));
    }
    EXPECT_TRUE(Remains(site).empty());
    return site.session.faults() > 0;
  });
}

TEST(RegistryFaultsTest, AGroupThatWasJoinedMeanwhileIsNotRemovedByALateRequest) {
  AtEveryCall([](int number, Fault fault) {
    FaultSite site;
    const Record found = BeginWithCache(site);
    bool joined = false;
    const auto join = [&] {
      joined = site.other.members.Register("cache", {.uuid = "m", .endpoint = kB}).has_value();
    };
    site.session.FailCall(number, fault, join);
    const auto removed = site.registry.groups.Remove("cache", found);
    site.session.Heal();
    site.session.DeliverLate();
    if (joined) {
      EXPECT_EQ(Remains(site).size(), 5U);
      const auto again = site.registry.groups.Remove("cache", found);
      EXPECT_FALSE(again);
      if (!again) {
        EXPECT_EQ(again.error().kind, ErrorKind::kConflict);
      }
    } else if (site.session.faults() > 0) {
      EXPECT_TRUE(Remains(site).empty()) << "it was gone before";
    }
    return site.session.faults() > 0;
  });
}

TEST(RegistryFaultsTest, AnIdentityIsTakenOnce) {
  for (const bool is_new : {true, false}) {
    AtEveryCall([is_new](int number, Fault fault) {
      FaultSite site;
      const store::Identity identity{.uuid = "s", .endpoint = kA, .epoch = 4};
      if (!is_new) {
        EXPECT_TRUE(site.other.identities.Take({.uuid = "s", .endpoint = kC, .epoch = 3}));
        EXPECT_TRUE(site.other_session->Delete("/redis/identities/s/taken", kAnyVersion));
      }
      site.session.FailCall(number, fault);
      auto taken = site.registry.identities.Take(identity);
      const auto listed = site.other.identities.List();
      if (is_new && listed) {
        EXPECT_LE(listed->size(), 1U);
      }
      if (!taken) taken = site.registry.identities.Take(identity);
      EXPECT_TRUE(taken);
      EXPECT_EQ(site.other.identities.List().value(), (std::vector<store::Identity>{{"s", kA, 4, true}}));
      EXPECT_EQ(site.OwnerOf("/identities/s/taken"), site.session.id());
      const auto others = site.other.identities.Take({.uuid = "s", .endpoint = kB, .epoch = 5});
      EXPECT_TRUE(!others && others.error().kind == ErrorKind::kAlreadyExists);
      return site.session.faults() > 0;
    });
  }
}

TEST(RegistryFaultsTest, AnIdentityThatAnotherTookMeanwhileStaysHis) {
  AtEveryCall([](int number, Fault fault) {
    FaultSite site;
    EXPECT_TRUE(site.other.groups.Ensure("master1"));
    const store::Identity identity{.uuid = "s", .endpoint = kA, .epoch = 4};
    const auto lose = [&] {
      site.Expire();
      EXPECT_TRUE(site.other.identities.Take({.uuid = "s", .endpoint = kB, .epoch = 5}));
    };
    site.session.FailCall(number, fault, lose);
    const auto taken = site.registry.identities.Take(identity);
    if (site.session.faults() == 0) return false;
    EXPECT_FALSE(taken);
    const auto again = site.registry.identities.Take(identity);
    EXPECT_TRUE(!again && again.error().kind == ErrorKind::kAlreadyExists);
    EXPECT_EQ(site.other.identities.List().value(), (std::vector<store::Identity>{{"s", kB, 5, true}}));
    return true;
  });
}

TEST(RegistryFaultsTest, AnEventIsLoggedOnceAndNoneOfOthersIsLost) {
  const store::PastEvent mine{.time = 1, .kind = "k", .by = "a"};
  const store::PastEvent first{.time = 2, .kind = "k", .by = "b"};
  const store::PastEvent second{.time = 3, .kind = "k", .by = "b"};
  AtEveryCall([&](int number, Fault fault) {
    FaultSite site;
    EXPECT_TRUE(number % 2 == 0 || site.other.event_log.Append({first}));
    const auto meanwhile = [&] { EXPECT_TRUE(site.other.event_log.Append({second})); };
    site.session.FailCall(number / 2, fault, meanwhile);
    if (!site.registry.event_log.Append({mine})) {
      EXPECT_TRUE(site.registry.event_log.Append({mine}));
    }
    std::vector<store::PastEvent> wanted{mine};
    if (number % 2 != 0) wanted.push_back(first);
    if (site.session.faults() > 0) wanted.push_back(second);
    EXPECT_THAT(site.other.event_log.Read(Watch::kNo).value(), ::testing::UnorderedElementsAreArray(wanted));
    return site.session.faults() > 0;
  });
}

TEST(RegistryFaultsTest, AMemberIsRegisteredByTheSessionThatLives) {
  // Whether the session that registered it before is still alive for the server.
  for (const bool lives : {false, true}) {
    AtEveryCall([lives](int number, Fault fault) {
      FaultSite site;
      EXPECT_TRUE(site.other.groups.Ensure("master1"));
      const store::Member before{.uuid = "m", .endpoint = kA};
      const store::Member now{.uuid = "m", .endpoint = kA, .serving = true};
      auto earlier = OpenFake(site.zookeeper);
      EXPECT_TRUE(store::Registry(*earlier, "/redis").members.Register("master1", before));
      const auto earlier_id = earlier->id();
      if (lives) site.zookeeper.Disconnect(earlier_id);
      earlier.reset();
      site.session.FailCall(number, fault);
      if (!site.registry.members.Register("master1", now)) {
        EXPECT_TRUE(site.registry.members.Register("master1", now));
      }
      site.zookeeper.Expire(earlier_id);
      EXPECT_EQ(site.other.members.List("master1", Watch::kNo).value(), std::vector{now});
      EXPECT_EQ(site.OwnerOf("/members/master1/m"), site.session.id());
      return site.session.faults() > 0;
    });
  }
}

TEST(RegistryFaultsTest, AMemberRegistersAgainAfterItsSessionEndedInTheMidstOfIt) {
  AtEveryCall([](int number, Fault fault) {
    FaultSite site;
    EXPECT_TRUE(site.other.groups.Ensure("master1"));
    const store::Member member{.uuid = "m", .endpoint = kA};
    site.session.FailCall(number, fault, [&] { site.Expire(); });
    const auto registered = site.registry.members.Register("master1", member);
    if (site.session.faults() > 0) {
      EXPECT_TRUE(site.other.members.List("master1", Watch::kNo)->empty());
    }
    if (!registered) {
      EXPECT_TRUE(site.registry.members.Register("master1", member));
    }
    EXPECT_EQ(site.OwnerOf("/members/master1/m"), site.session.id());
    return site.session.faults() > 0;
  });
}

TEST(RegistryFaultsTest, WhatIsPersistentIsPutWithItsParents) {
  AtEveryCall([](int number, Fault fault) {
    FaultSite site;
    const store::History history{.replication_id = "b", .offset = 7, .ancestors = {{"a", 3}}};
    site.session.FailCall(number, fault);
    if (!site.registry.datasets.WriteHistory("master1", history)) {
      EXPECT_TRUE(site.registry.datasets.WriteHistory("master1", history));
    }
    EXPECT_EQ(site.other.datasets.ReadHistory("master1")->replication_id, "b");
    EXPECT_EQ(site.other.datasets.ReadHistory("master1")->offset, 7);
    return site.session.faults() > 0;
  });
}

}  // namespace
}  // namespace redis_zk::testing::registry_faults_test
