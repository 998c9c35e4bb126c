#include "watcher/registry_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <set>
#include <string>

#include "base/unix_time.h"
#include "unit/log_fixture.h"
#include "unit/watcher_fixture.h"

namespace redis_zk::testing::registry_reader_test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Key;
using watcher::RegistryReader;
using zookeeper::Lifetime;
using zookeeper::SessionEvent;
using Call = FailingSession::Call;
using Groups = std::set<std::string>;

struct ReaderSite : WatcherSite {
  // As the loop does it with what has happened since.
  std::optional<Groups> Turn() {
    for (const auto& event : std::exchange(events, {})) reader.Reduce(event);
    return reader.Read();
  }
  // Until it was read.
  Groups TurnUntilRead() {
    for (int turn = 0; turn < 100; ++turn) {
      if (auto changed = Turn()) return *changed;
      time.Advance(100ms);
    }
    ADD_FAILURE() << "it was never read";
    return {};
  }

  RegistryReader reader{options.common, session, registry};
};

TEST(RegistryReaderTest, ReadsAllThatIsThereWhicheverCallFails) {
  AtEveryCall([](int number, Fault fault) {
    ReaderSite site;
    site.session.FailCall(number, fault);
    EXPECT_EQ(site.TurnUntilRead(), Groups{kGroup}) << "its record was not known before";
    const auto& view = site.reader.view();
    EXPECT_EQ(view.sentinels, site.other.sentinels.List(zookeeper::Watch::kNo).value());
    EXPECT_EQ(view.groups.at(kGroup).master, kA);
    EXPECT_EQ(view.groups.at(kGroup).epoch, 1U);
    EXPECT_EQ(view.known_at, Clock::now());
    EXPECT_FALSE(site.reader.stale());
    return site.session.faults() > 0;
  });
}

TEST(RegistryReaderTest, MakesWhatTheFirstDaemonOfAllFindsMissingWhicheverCallFails) {
  AtEveryCall([](int number, Fault fault) {
    FakeTime time;
    FaultSite site;
    const CommonOptions options{.zk_root = "/redis", .master_name = "own"};
    RegistryReader reader(options, site.session, site.registry);
    site.session.FailCall(number, fault);
    for (int turn = 0; turn < 20 && reader.stale(); ++turn) {
      (void)reader.Read();
      time.Advance(1s);
    }
    EXPECT_THAT(reader.view().groups, ElementsAre(Key("master1"), Key("own")));
    EXPECT_EQ(site.Data("/masters/own"), "");
    EXPECT_FALSE(Exists(reader.view(), "own")) << "every deployment has these";
    return site.session.faults() > 0;
  });
}

TEST(RegistryReaderTest, ReadsAgainWhenAWatchFiresAndABurstOnce) {
  ReaderSite site;
  site.TurnUntilRead();
  EXPECT_EQ(site.Turn(), std::nullopt) << "nothing has changed";
  site.time.Advance(1s);
  ASSERT_TRUE(site.other.records.Write(kGroup, site.Record(), {kB, 2, "second"}, ""));
  EXPECT_EQ(site.Turn(), Groups{kGroup}) << "the first of a burst at once";
  EXPECT_EQ(site.reader.view().groups.at(kGroup).master, kB);
  ASSERT_TRUE(site.other.records.Write(kGroup, site.Record(), {kC, 3, "third"}, ""));
  ASSERT_TRUE(site.other.sentinels.Register({UuidOf(4), SentinelAt(4)}));
  const int calls = site.session.calls();
  EXPECT_EQ(site.Turn(), std::nullopt);
  EXPECT_EQ(site.session.calls(), calls);
  EXPECT_TRUE(site.reader.stale());
  site.time.MoveTo(site.reader.read_at());
  EXPECT_EQ(site.Turn(), Groups{kGroup});
  EXPECT_EQ(site.reader.view().groups.at(kGroup).master, kC);
  EXPECT_EQ(site.reader.view().sentinels.size(), 4U);
}

TEST(RegistryReaderTest, ReadsOnlyTheRecordsThatChanged) {
  ReaderSite site;
  for (const std::string group : {"second", "third"}) {
    ASSERT_TRUE(site.other.groups.Ensure(group));
    ASSERT_TRUE(site.other.records.Write(group, {}, {kA, 1, "first"}, ""));
  }
  site.TurnUntilRead();
  for (const std::string& group : {std::string("second"), kGroup}) {
    site.time.Advance(1s);
    const auto before = site.other.records.Read(group, zookeeper::Watch::kNo).value();
    ASSERT_TRUE(site.other.records.Write(group, before, {kB, 2, "second"}, ""));
    const int calls = site.session.calls();
    EXPECT_EQ(site.Turn(), Groups{group});
    EXPECT_EQ(site.session.calls() - calls, 2) << "the record and its lineage";
    EXPECT_EQ(site.reader.view().groups.at(group).master, kB);
    EXPECT_EQ(site.reader.view().groups.at(group).epoch, 2U);
  }
  EXPECT_EQ(site.reader.view().groups.at("third").master, kA);

  site.time.Advance(1s);
  const int calls = site.session.calls();
  site.other.event_log.Add({.time = UnixTime(), .group = kGroup, .kind = "master-changed", .sentence = "s"});
  site.reader.Reduce({SessionEvent::Kind::kNodeChanged, site.other.event_log.Path()});
  EXPECT_EQ(site.Turn(), std::nullopt) << "its keeper reads it";
  EXPECT_EQ(site.session.calls(), calls);
}

TEST(RegistryReaderTest, ReadsEverythingWhereMoreThanARecordChangedOrWhereThatFailed) {
  const auto everything = [](ReaderSite& site) {
    ASSERT_TRUE(site.other.sentinels.Register({UuidOf(4), SentinelAt(4)}));
    ASSERT_TRUE(site.other.groups.Ensure("second"));
    site.TurnUntilRead();
    EXPECT_EQ(site.reader.view().sentinels.size(), 4U);
    EXPECT_TRUE(site.reader.view().groups.contains("second"));
  };
  {
    ReaderSite site;
    site.TurnUntilRead();
    site.time.Advance(1s);
    ASSERT_TRUE(site.other.records.Write(kGroup, site.Record(), {kB, 2, "second"}, ""));
    everything(site);
    EXPECT_EQ(site.reader.view().groups.at(kGroup).master, kB);
  }
  {
    ReaderSite site;
    site.TurnUntilRead();
    site.time.Advance(1s);
    ASSERT_TRUE(site.other.records.Write(kGroup, site.Record(), {kB, 2, "second"}, ""));
    site.session.FailEvery(Call::kGetAll, Fault::kAfter);
    EXPECT_EQ(site.Turn(), std::nullopt) << "the watch that fired is set, and its answer lost";
    site.session.Heal();
    everything(site);
    EXPECT_EQ(site.reader.view().groups.at(kGroup).master, kB);
  }
  {
    ReaderSite site;
    ASSERT_TRUE(site.other.groups.Ensure("third"));
    site.TurnUntilRead();
    site.time.Advance(1s);
    ASSERT_TRUE(site.other.groups.Remove("third", site.reader.view().groups.at("third")));
    site.TurnUntilRead();
    EXPECT_FALSE(site.reader.view().groups.contains("third"));
  }
}

TEST(RegistryReaderTest, TakesOverAllOrNothing) {
  ReaderSite site;
  site.TurnUntilRead();
  site.time.Advance(1s);
  ASSERT_TRUE(site.other.sentinels.Register({UuidOf(4), SentinelAt(4)}));
  ASSERT_TRUE(site.other.records.Write(kGroup, site.Record(), {kB, 2, "second"}, ""));
  site.session.FailEvery(Call::kGetAll, Fault::kBefore);
  EXPECT_EQ(site.Turn(), std::nullopt);
  EXPECT_EQ(site.reader.view().sentinels.size(), 3U);
  EXPECT_EQ(site.reader.view().groups.at(kGroup).master, kA);
  site.session.Heal();
  EXPECT_EQ(site.TurnUntilRead(), Groups{kGroup}) << "the change of the record is news still";
}

TEST(RegistryReaderTest, TriesAgainAfterAGrowingDelayAndSaysSoOnce) {
  ReaderSite site;
  const CapturedLog log;
  site.session.FailEvery(Call::kChildren, Fault::kBefore);
  Duration longest{};
  for (int failure = 0; failure < 12; ++failure) {
    EXPECT_EQ(site.Turn(), std::nullopt);
    const Duration delay = std::chrono::ceil<Duration>(site.reader.read_at() - Clock::now());
    EXPECT_GE(delay, failure < 6 ? 50ms : 1500ms);
    EXPECT_LE(delay, 3s);
    longest = std::max(longest, delay);
    site.time.MoveTo(site.reader.read_at());
  }
  EXPECT_GE(longest, 1500ms);
  const std::string text = log.text();
  const auto first = text.find("reading the registry in ZooKeeper failed: ");
  ASSERT_NE(first, std::string::npos) << text;
  EXPECT_EQ(text.find("failed", first + 10), text.rfind("failed")) << text;
  site.session.Heal();
  EXPECT_EQ(site.Turn(), Groups{kGroup});
  EXPECT_EQ(site.Turn(), std::nullopt);
}

TEST(RegistryReaderTest, WhatIsKnownStaysKnownAndAgesWhileZooKeeperIsAway) {
  ReaderSite site;
  site.TurnUntilRead();
  site.time.Advance(10s);
  site.zookeeper.Stop();
  EXPECT_EQ(site.Turn(), std::nullopt);
  const TimePoint lost_at = Clock::now();
  EXPECT_EQ(site.reader.view().known_at, lost_at) << "until then it would have told of changes";
  site.time.Advance(10s);
  site.reader.Reduce({SessionEvent::Kind::kExpired, ""});
  site.reader.MarkStale();
  EXPECT_EQ(site.Turn(), std::nullopt);
  EXPECT_FALSE(site.reader.ReadWaiting());
  EXPECT_EQ(site.reader.view().known_at, lost_at);
  EXPECT_EQ(site.reader.view().groups.at(kGroup).master, kA);
  site.zookeeper.Start();
  EXPECT_EQ(site.Turn(), Groups{}) << "no record has changed";
  EXPECT_EQ(site.reader.view().known_at, Clock::now());
  EXPECT_EQ(site.reader.figures().Get()->connections, 2U);
}

TEST(RegistryReaderTest, AViewThatWasNotReadSinceTheConnectionDoesNotBecomeYounger) {
  ReaderSite site;
  site.TurnUntilRead();
  site.zookeeper.Stop();
  site.Turn();
  const TimePoint lost_at = Clock::now();
  site.time.Advance(10s);
  site.session.FailEvery(Call::kChildren, Fault::kBefore);
  site.zookeeper.Start();
  EXPECT_EQ(site.Turn(), std::nullopt);
  site.time.Advance(10s);
  site.zookeeper.Stop();
  site.Turn();
  EXPECT_EQ(site.reader.view().known_at, lost_at);
}

TEST(RegistryReaderTest, LeavesOutWhatBelongsToAnotherZooKeeperUserAndSaysSo) {
  ReaderSite site;
  const CapturedLog log("warn");
  const auto closed =
      AclFor(zookeeper::Security{.credentials = {"another", "x"}, .acl = zookeeper::AclPolicy::kPrivate});
  const std::string sentinel = "/redis/sentinels/" + UuidOf(2);
  const std::string member = "/redis/members/" + kGroup + '/' + kB.host;
  ASSERT_TRUE(site.zookeeper.SetAcl(sentinel, closed));
  ASSERT_TRUE(site.zookeeper.SetAcl(member, closed));
  EXPECT_EQ(site.TurnUntilRead(), Groups{kGroup});
  EXPECT_EQ(site.reader.view().sentinels.size(), 2U);
  EXPECT_EQ(site.reader.view().closed_sentinels, 1U);
  EXPECT_TRUE(site.reader.ReadWaiting());
  EXPECT_TRUE(Exists(site.reader.view(), kGroup));
  EXPECT_THAT(log.text(), HasSubstr(sentinel));
  EXPECT_THAT(log.text(), HasSubstr(member));
  ASSERT_TRUE(site.zookeeper.SetAcl(sentinel, zookeeper::AclFor({})));
  site.time.Advance(3s);
  site.Turn();
  site.time.Advance(3s);
  site.Turn();
  EXPECT_EQ(site.reader.view().sentinels.size(), 3U);
  EXPECT_EQ(site.reader.view().closed_sentinels, 0U);
  ASSERT_TRUE(site.zookeeper.SetAcl("/redis/members/" + kGroup, closed));
  site.time.Advance(10s);
  EXPECT_FALSE(site.reader.ReadWaiting());
  EXPECT_THAT(log.text(), HasSubstr("reading the members failed: "));
}

TEST(RegistryReaderTest, ReadsMembersAlsoWhereAnotherUserHasTheReports) {
  ReaderSite site;
  const CapturedLog log("warn");
  ASSERT_TRUE(site.other.reports.Put({.process = {.uuid = "w", .endpoint = kC}}));
  ASSERT_TRUE(site.zookeeper.SetAcl(
      "/redis/reports",
      AclFor(zookeeper::Security{.credentials = {"another", "x"}, .acl = zookeeper::AclPolicy::kPrivate})));
  site.TurnUntilRead();
  EXPECT_TRUE(site.reader.ReadWaiting());
  EXPECT_FALSE(site.reader.view().members.empty());
  EXPECT_THAT(log.text(), HasSubstr("cannot read the reports of the wrappers: "));
}

TEST(RegistryReaderTest, SaysWhatHasChanged) {
  ReaderSite site;
  const CapturedLog log;
  site.TurnUntilRead();
  EXPECT_THAT(log.text(),
              HasSubstr("registered Sentinels: 3: 10.0.0.1:26379 10.0.0.2:26379 10.0.0.3:26379\n"));
  ASSERT_TRUE(site.other.paused_groups.Pause(
      kGroup,
      {.since = UnixTime(), .until = UnixTime() + 3'600'000, .by = "w", .from = "f", .reason = "why"}));
  site.time.Advance(1s);
  site.Turn();
  ASSERT_TRUE(site.reader.pauses().Find(kGroup));
  EXPECT_EQ(site.reader.pauses().Find(kGroup)->reason, "why");
  EXPECT_THAT(log.text(), HasSubstr("| automatic changes of " + kGroup + " paused until "));
  ASSERT_TRUE(site.other.paused_groups.Resume(kGroup, UnixTime()));
  ASSERT_TRUE(site.other_session->Set("/redis/master", "rubbish", zookeeper::kAnyVersion));
  for (const int number : {1, 2, 3}) ASSERT_TRUE(site.other.sentinels.Unregister(UuidOf(number)));
  site.time.Advance(1s);
  EXPECT_EQ(site.Turn(), Groups{kGroup});
  EXPECT_THAT(log.text(), HasSubstr("| automatic changes of " + kGroup + " resumed\n"));
  EXPECT_THAT(log.text(), HasSubstr("| registered Sentinels: 0\n"));
  EXPECT_THAT(log.text(), HasSubstr("found \"rubbish\", expected \"host port\""));
}

TEST(RegistryReaderTest, AGroupExistsOnceItHasAMemberOrARecord) {
  ReaderSite site;
  ASSERT_TRUE(site.other.groups.Ensure("second"));
  site.TurnUntilRead();
  EXPECT_TRUE(Exists(site.reader.view(), kGroup));
  EXPECT_FALSE(Exists(site.reader.view(), "second"));
  ASSERT_TRUE(site.other.members.Register("second", {.uuid = "m", .endpoint = {"10.0.0.9", 6379}}));
  site.time.Advance(2s);
  EXPECT_TRUE(site.reader.ReadWaiting()) << "no watch tells of members";
  EXPECT_TRUE(Exists(site.reader.view(), "second"));
  site.reader.Replace("second", {.state = store::Record::State::kMaster, .master = kB, .version = 1});
  EXPECT_EQ(site.reader.view().groups.at("second").master, kB);
  site.reader.MarkStale();
  EXPECT_EQ(site.TurnUntilRead(), Groups{"second"}) << "ZooKeeper says something else";
  EXPECT_TRUE(Exists(site.reader.view(), "second"));
}

TEST(RegistryReaderTest, MakesItsOwnGroupAgainAndNoOther) {
  ReaderSite site;
  site.options.common.master_name = "own";
  ASSERT_TRUE(site.other.groups.Ensure("second"));
  site.TurnUntilRead();
  for (const std::string group : {"own", "second"})
    ASSERT_TRUE(site.other.groups.Remove(group, site.reader.view().groups.at(group)));
  site.time.Advance(1s);
  EXPECT_EQ(site.TurnUntilRead(), Groups{}) << "it is as it was";
  EXPECT_THAT(site.reader.view().groups, ElementsAre(Key(kGroup), Key("own")));
}

TEST(RegistryReaderTest, WhoWaitsIsReadEveryTwoSecondsWhicheverCallFails) {
  AtEveryCall([](int number, Fault fault) {
    ReaderSite site;
    site.TurnUntilRead();
    EXPECT_TRUE(site.other.members.Register(
        kGroup, {.uuid = "w", .endpoint = {"10.0.0.9", 6379}, .dataset = {.bytes = 7}}));
    const TimePoint began = Clock::now();
    site.session.FailCall(number, fault);
    bool read = site.reader.ReadWaiting();
    const bool happened = site.session.faults() > 0;
    EXPECT_EQ(read, !happened);
    EXPECT_FALSE(site.reader.ReadWaiting()) << "it is not due";
    EXPECT_EQ(site.reader.view().waiting.contains(kGroup), !happened) << "all or nothing";
    site.time.Advance(2s);
    EXPECT_EQ(site.reader.ReadWaiting(), happened) << "else nothing is new";
    const auto& waiting = site.reader.view().waiting.at(kGroup);
    EXPECT_EQ(waiting.size(), 1U);
    EXPECT_EQ(waiting.front().uuid, "w");
    EXPECT_EQ(waiting.front().since, happened ? began + 2s : began);
    return happened;
  });
}

TEST(RegistryReaderTest, WhatIsWaitedForIsReadAndMakesAGroup) {
  ReaderSite site;
  ASSERT_TRUE(site.other.groups.Ensure("second"));
  site.TurnUntilRead();
  EXPECT_TRUE(site.reader.ReadWaiting()) << "the members of the first group";
  const store::Wait wait{.uuid = "w",
                         .group = "second",
                         .daemon = "sentinel-wrapper",
                         .endpoint = kC,
                         .name = "master",
                         .since = 1};
  store::Report report{.process = {.uuid = "w", .daemon = wait.daemon, .group = "second", .endpoint = kC},
                       .wait = wait};
  ASSERT_TRUE(site.other.reports.Put(report));
  site.time.Advance(2s);
  EXPECT_TRUE(site.reader.ReadWaiting());
  EXPECT_EQ(site.reader.view().waits.at("second").at(0).wait, wait);
  EXPECT_TRUE(Exists(site.reader.view(), "second"));
  site.time.Advance(2s);
  EXPECT_FALSE(site.reader.ReadWaiting()) << "nothing is new";
  report.wait.reset();
  ASSERT_TRUE(site.other.reports.Put(report));
  site.time.Advance(2s);
  EXPECT_TRUE(site.reader.ReadWaiting());
  EXPECT_THAT(site.reader.view().waits, IsEmpty());
  EXPECT_FALSE(Exists(site.reader.view(), "second"));
}

TEST(RegistryReaderTest, HowWrappersAreIsKnownWhileTheyLive) {
  ReaderSite site;
  site.TurnUntilRead();
  store::Report report{.process = {.uuid = "w", .daemon = "sentinel-wrapper", .endpoint = kC},
                       .open = true,
                       .certificates = {{"/ca.pem", 5}}};
  ASSERT_TRUE(site.other.reports.Put(report));
  EXPECT_TRUE(site.reader.ReadWaiting());
  EXPECT_THAT(site.reader.view().wrappers, ElementsAre(report));
  site.time.Advance(2s);
  EXPECT_FALSE(site.reader.ReadWaiting()) << "nothing is new";
  report.certificates.at(0).expires = 6;
  ASSERT_TRUE(site.other.reports.Put(report));
  site.time.Advance(2s);
  EXPECT_TRUE(site.reader.ReadWaiting()) << "they were replaced";
  EXPECT_THAT(site.reader.view().wrappers, ElementsAre(report));
  const auto topology = TopologyOf(site.reader.view(), kGroup);
  ASSERT_EQ(topology.certificates.size(), 1U);
  EXPECT_EQ(topology.certificates[0].endpoint, kC);
  site.zookeeper.Expire(site.other_session->id());
  site.time.Advance(2s);
  EXPECT_TRUE(site.reader.ReadWaiting());
  EXPECT_THAT(site.reader.view().wrappers, IsEmpty());
}

TEST(RegistryReaderTest, IncompleteReplicasAreNamed) {
  ReaderSite site;
  site.TurnUntilRead();
  ASSERT_TRUE(site.other.members.Register(
      kGroup, {.uuid = kC.host, .endpoint = kC, .node = "node", .serving = true, .incomplete = true}));
  EXPECT_TRUE(site.reader.ReadWaiting());
  EXPECT_THAT(site.reader.view().incomplete.at(kGroup), ElementsAre(Key(kC)));
}

TEST(RegistryReaderTest, MeasuresHowLongZooKeeperTakes) {
  ReaderSite site;
  site.TurnUntilRead();
  site.session.AnswerWith([&site](Duration) {
    site.time.Advance(30ms);
    return true;
  });
  (void)site.reader.ReadWaiting();
  EXPECT_EQ(site.reader.figures().Get()->request_took, 30ms);

  // It is not even sent.
  site.session.AnswerWith([](Duration) { return false; });
  site.time.Advance(2s);
  const int calls = site.session.calls();
  EXPECT_FALSE(site.reader.ReadWaiting());
  EXPECT_EQ(site.reader.figures().Get()->request_took, 30ms);

  site.session.AnswerWith([&site](Duration within) {
    site.time.Advance(within);
    return false;
  });
  site.time.Advance(2s);
  EXPECT_FALSE(site.reader.ReadWaiting());
  EXPECT_EQ(site.reader.figures().Get()->request_took, 2s) << "at least that long";
  EXPECT_EQ(site.session.calls(), calls) << "a silent ZooKeeper holds the loop up once, not twice";
  EXPECT_EQ(site.reader.figures().Get()->connections, 1U);
}

}  // namespace
}  // namespace redis_zk::testing::registry_reader_test
