#include "store/registry.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "integration/session_fixture.h"
#include "support/proxy.h"

namespace redis_zk::testing::registry_test {
namespace {

using store::Record;
using store::Registry;
using State = store::Record::State;
using zookeeper::kAnyVersion;
using zookeeper::Lifetime;
using zookeeper::Watch;

const Endpoint kA{"10.0.0.1", 6379};
const Endpoint kB{"10.0.0.2", 6380};

class RegistryTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(session_.Connect());
    ASSERT_TRUE(registry_.groups.Ensure("master1"));
  }

  Record Read(const std::string& group = "master1") {
    const auto record = registry_.records.Read(group, Watch::kNo);
    EXPECT_TRUE(record) << record.error().message;
    return record.value_or(Record{});
  }
  std::string Data(const std::string& path) { return session_->Get(root_ + path, Watch::kNo)->data; }
  void Put(const std::string& path, const std::string& data) {
    ASSERT_TRUE(session_->EnsurePath(root_ + path));
    ASSERT_TRUE(session_->Set(root_ + path, data, kAnyVersion));
  }

  const std::string root_ = NewRoot();
  TestSession session_;
  Registry registry_{*session_, root_};
};

TEST_F(RegistryTest, BeginsWithNobody) {
  EXPECT_EQ(Read().state, State::kNone);
  EXPECT_TRUE(registry_.sentinels.List(Watch::kNo)->empty());
  EXPECT_TRUE(registry_.members.List("master1", Watch::kNo)->empty());
  EXPECT_EQ(registry_.groups.List(Watch::kNo).value(), std::vector<std::string>{"master1"});
}

TEST_F(RegistryTest, WritesRecordMirrorAndLineageTogether) {
  ASSERT_TRUE(registry_.records.Write("master1", Read(), {kA, 7, "because"}, ""));
  EXPECT_EQ(Data("/master"), "10.0.0.1 6379");
  EXPECT_EQ(Data("/masters/master1"), "10.0.0.1 6379");
  const Record record = Read();
  EXPECT_EQ(record.state, State::kMaster);
  EXPECT_EQ(record.master, kA);
  EXPECT_EQ(record.epoch, 7U);
  EXPECT_TRUE(record.lineage_fits);
}

TEST_F(RegistryTest, KeepsAnotherGroupApart) {
  ASSERT_TRUE(registry_.groups.Ensure("orders"));
  ASSERT_TRUE(registry_.records.Write("master1", Read(), {kA, 1, "a"}, ""));
  ASSERT_TRUE(registry_.records.Write("orders", Read("orders"), {kB, 2, "b"}, ""));
  EXPECT_EQ(Data("/master"), "10.0.0.1 6379");
  EXPECT_EQ(Data("/masters/orders"), "10.0.0.2 6380");
  EXPECT_EQ(Read("orders").epoch, 2U);
  EXPECT_EQ(registry_.groups.List(Watch::kNo).value(), (std::vector<std::string>{"master1", "orders"}));
}

TEST_F(RegistryTest, ReadsManyGroupsAtOnce) {
  std::vector<std::string> groups{"master1", "nobody"};
  for (int number = 0; number < 50; ++number) {
    groups.push_back("group" + std::to_string(number));
    Put("/masters/" + groups.back(), "10.0.0.1 " + std::to_string(7000 + number));
  }
  Put("/masters/garbage", "x");
  groups.push_back("garbage");
  ASSERT_TRUE(registry_.records.Write("group7", Read("group7"), {kB, 3, "because"}, ""));
  const auto records = registry_.records.ReadAll(groups, Watch::kNo);
  ASSERT_TRUE(records) << records.error().message;
  EXPECT_EQ(records->size(), 52U) << "without the one that has no znode";
  EXPECT_FALSE(records->contains("nobody"));
  EXPECT_EQ(records->at("master1").state, State::kNone);
  EXPECT_EQ(records->at("garbage").state, State::kUnreadable);
  EXPECT_EQ(records->at("group49").master, (Endpoint{"10.0.0.1", 7049}));
  EXPECT_EQ(records->at("group7").master, kB);
  EXPECT_EQ(records->at("group7").epoch, 3U);
  EXPECT_EQ(records->at("group7").version, Read("group7").version);
}

TEST_F(RegistryTest, RefusesToOverwriteWhatItHasNotRead) {
  const Record before = Read();
  ASSERT_TRUE(registry_.records.Write("master1", before, {kA, 1, "first"}, ""));
  EXPECT_EQ(registry_.records.Write("master1", before, {kB, 2, "second"}, "").error().kind,
            ErrorKind::kConflict);
  EXPECT_EQ(Read().master, kA);
  EXPECT_EQ(Data("/masters/master1"), "10.0.0.1 6379");
}

TEST_F(RegistryTest, WritesUnderALockOnlyWhileItIsHeld) {
  const std::string lock = root_ + "/master/lock";
  ASSERT_TRUE(session_->Create(lock, "", Lifetime::kEphemeral));
  ASSERT_TRUE(registry_.records.Write("master1", Read(), {kA, 1, "held"}, lock));
  ASSERT_TRUE(session_->Delete(lock, kAnyVersion));
  EXPECT_EQ(registry_.records.Write("master1", Read(), {kB, 1, "lost"}, lock).error().kind,
            ErrorKind::kNotFound);
  EXPECT_EQ(Read().master, kA);
}

TEST_F(RegistryTest, MakesWhatIsMissingWhenItWrites) {
  // As the Python and Go originals leave it: /redis and /redis/master, nothing else.
  for (const char* path : {"/masters/master1", "/lineage/master1"}) {
    ASSERT_TRUE(session_->Delete(root_ + path, kAnyVersion));
  }
  ASSERT_TRUE(registry_.records.Write("master1", Read(), {kA, 1, "found"}, ""));
  EXPECT_EQ(Data("/masters/master1"), "10.0.0.1 6379");
  EXPECT_TRUE(Read().lineage_fits);
}

TEST_F(RegistryTest, TakesGarbageForWhatItIs) {
  struct Row {
    const char* name;
    const char* data;
    State state;
  };
  for (const auto& [name, data, state] :
       std::initializer_list<Row>{{"empty", "", State::kNone},
                                  {"blanks", " \n", State::kNone},
                                  {"a record", "10.0.0.1 6379", State::kMaster},
                                  {"a record and a line end", "10.0.0.1 6379\n", State::kMaster},
                                  {"no port", "10.0.0.1", State::kUnreadable},
                                  {"a port too high", "10.0.0.1 65536", State::kUnreadable},
                                  {"another form", "10.0.0.1:6379", State::kUnreadable},
                                  {"three words", "10.0.0.1 6379 x", State::kUnreadable},
                                  {"bytes", "\x01\xff\xfe 1", State::kUnreadable},
                                  {"JSON", "{\"host\":\"10.0.0.1\"}", State::kUnreadable}}) {
    Put("/master", data);
    EXPECT_EQ(Read().state, state) << name;
  }
}

TEST_F(RegistryTest, KnowsALineageOfAnotherRecord) {
  ASSERT_TRUE(registry_.records.Write("master1", Read(), {kA, 7, "ours"}, ""));
  Put("/master", "10.0.0.2 6380");
  EXPECT_EQ(Read().master, kB);
  EXPECT_EQ(Read().epoch, 7U);
  EXPECT_FALSE(Read().lineage_fits);
  Put("/lineage/master1", "garbage");
  EXPECT_EQ(Read().epoch, 0U);
}

TEST_F(RegistryTest, LeavesUnreadableEntriesOut) {
  const store::Sentinel sentinel{"11111111-1111-1111-1111-111111111111", kA};
  ASSERT_TRUE(registry_.sentinels.Register(sentinel));
  ASSERT_TRUE(registry_.members.Register("master1", {.uuid = "m", .endpoint = kB}));
  Put("/sentinels/garbage", "not an address");
  Put("/sentinels/empty", "");
  Put("/members/master1/garbage", "{");
  Put("/members/master1/wrong", R"({"endpoint": 5})");
  EXPECT_EQ(registry_.sentinels.List(Watch::kNo).value(), std::vector{sentinel});
  const auto members = registry_.members.List("master1", Watch::kNo);
  ASSERT_EQ(members->size(), 1U);
  EXPECT_EQ(members->front().endpoint, kB);
}

TEST_F(RegistryTest, AMemberSaysAnewWhatItIs) {
  store::Member member{.uuid = "m", .endpoint = kB, .node = "n", .dataset = {"id", "", "", 1, 3}};
  ASSERT_TRUE(registry_.members.Register("master1", member));
  member.serving = true;
  ASSERT_TRUE(registry_.members.Register("master1", member));
  EXPECT_EQ(registry_.members.List("master1", Watch::kNo).value(), std::vector{member});
}

TEST_F(RegistryTest, ReadsTheMembersOfManyGroupsAtOnce) {
  ASSERT_TRUE(registry_.groups.Ensure("orders"));
  const store::Member one{.uuid = "m", .endpoint = kB, .node = "n"};
  const store::Member other{.uuid = "m", .endpoint = kA, .node = "o", .serving = true};
  ASSERT_TRUE(registry_.members.Register("master1", one));
  ASSERT_TRUE(registry_.members.Register("orders", other));
  Put("/members/orders/wrong", "[");
  const auto members = registry_.members.ListAll({"master1", "orders", "of-somebody-else"});
  ASSERT_TRUE(members);
  EXPECT_EQ(*members,
            (std::map<std::string, std::vector<store::Member>>{{"master1", {one}}, {"orders", {other}}}))
      << "one and the same name, too";
}

TEST_F(RegistryTest, KeepsHistoryAndDatasets) {
  EXPECT_EQ(registry_.datasets.ReadHistory("master1").value(), store::History{});
  store::History history{.replication_id = "b", .offset = 7, .ancestors = {{"a", 3}}};
  ASSERT_TRUE(registry_.datasets.WriteHistory("master1", history));
  auto read = registry_.datasets.ReadHistory("master1").value();
  EXPECT_GT(read.reported_at, 0);
  history.reported_at = read.reported_at;
  EXPECT_EQ(read, history);
  Put("/history/master1", "garbage");
  EXPECT_EQ(registry_.datasets.ReadHistory("master1").value(), store::History{});

  const store::KnownDataset known{.node = "n", .endpoint = kA, .dataset = {"b", "a", "", 7, 9}};
  ASSERT_TRUE(registry_.datasets.Report("master1", known));
  Put("/datasets/master1/garbage", "[");
  const auto all = registry_.datasets.List("master1").value();
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all.front().dataset, known.dataset);
  EXPECT_GT(all.front().reported_at, 0);
  ASSERT_TRUE(registry_.datasets.Forget("master1", "n"));
  EXPECT_TRUE(registry_.datasets.Forget("master1", "n"));
  EXPECT_TRUE(registry_.datasets.List("master1")->empty());
}

TEST_F(RegistryTest, TellsTheTimeByZooKeepersClock) {
  ASSERT_TRUE(registry_.groups.Ensure("master1"));
  const auto before = registry_.clean_up.AskTime();
  ASSERT_TRUE(before) << before.error().message;
  ASSERT_TRUE(registry_.datasets.Report("master1", {.node = "n", .endpoint = kA}));
  const auto after = registry_.clean_up.AskTime();
  const auto datasets = registry_.datasets.List("master1");
  ASSERT_TRUE(after && datasets);
  EXPECT_LE(*before, datasets->at(0).reported_at);
  EXPECT_GE(*after, datasets->at(0).reported_at);
}

TEST_F(RegistryTest, AnIdentityIsTakenByOneAndOutlivesHim) {
  const store::Identity identity{.uuid = "s", .endpoint = kA, .epoch = 4};
  auto other = std::make_unique<TestSession>();
  ASSERT_TRUE(other->Connect());
  Registry his(**other, root_);
  ASSERT_TRUE(his.identities.Take(identity));
  ASSERT_TRUE(his.identities.Take(identity)) << "an answer may be lost";
  const auto refused = registry_.identities.Take({.uuid = "s", .endpoint = kB, .epoch = 9});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::kAlreadyExists);
  const auto not_free = registry_.identities.Remove("s");
  ASSERT_FALSE(not_free);
  EXPECT_EQ(not_free.error().kind, ErrorKind::kConflict);
  store::Identity taken = identity;
  taken.taken = true;
  EXPECT_EQ(registry_.identities.List().value(), std::vector{taken});

  ASSERT_TRUE(his.identities.Update({.uuid = "s", .endpoint = kA, .epoch = 5}));
  other.reset();
  EXPECT_EQ(registry_.identities.List().value(), (std::vector<store::Identity>{{"s", kA, 5, false}}));
  ASSERT_TRUE(registry_.identities.Take({.uuid = "s", .endpoint = kB, .epoch = 5}));
  ASSERT_TRUE(session_->Delete(root_ + "/identities/s/taken", kAnyVersion));
  EXPECT_TRUE(registry_.identities.Remove("s"));
  EXPECT_TRUE(registry_.identities.Remove("s"));
  EXPECT_TRUE(registry_.identities.List()->empty());
}

TEST_F(RegistryTest, TellsOfNewAndGoneSentinels) {
  ASSERT_TRUE(registry_.sentinels.List(Watch::kYes));
  ASSERT_TRUE(registry_.sentinels.Register({"u", kA}));
  EXPECT_TRUE(session_.Saw(TestSession::Kind::kNodeChanged, root_ + "/sentinels"));
  session_.Forget();
  ASSERT_TRUE(registry_.sentinels.List(Watch::kYes));
  ASSERT_TRUE(registry_.sentinels.Unregister("u"));
  EXPECT_TRUE(session_.Saw(TestSession::Kind::kNodeChanged, root_ + "/sentinels"));
  EXPECT_TRUE(registry_.sentinels.Unregister("u")) << "twice is no error";
}

TEST_F(RegistryTest, ReplacesWhatItsEarlierSessionLeftBehind) {
  const store::Sentinel sentinel{"u", kA};
  TestSession later;
  ASSERT_TRUE(later.Connect());
  ASSERT_TRUE(registry_.sentinels.Register(sentinel));
  ASSERT_TRUE(registry_.sentinels.Register(sentinel)) << "twice is no error";
  Registry again(*later, root_);
  ASSERT_TRUE(again.sentinels.Register(sentinel));
  const auto stat = session_->Exists(root_ + "/sentinels/u", Watch::kNo);
  ASSERT_TRUE(stat && stat->has_value());
  EXPECT_EQ((*stat)->ephemeral_owner, later->id());
}

TEST_F(RegistryTest, RemovesAGroupOnlyWhenNobodyIsThere) {
  ASSERT_TRUE(registry_.groups.Ensure("cache"));
  ASSERT_TRUE(registry_.records.Write("cache", Read("cache"), {kA, 1, "because"}, ""));
  ASSERT_TRUE(registry_.datasets.Report("cache", {.node = "n", .endpoint = kA}));
  const Record found = Read("cache");
  const auto conflicts = [&](const Record& record) {
    const auto removed = registry_.groups.Remove("cache", record);
    return !removed && removed.error().kind == ErrorKind::kConflict;
  };
  // Another record than was read.
  EXPECT_TRUE(conflicts({.version = found.version - 1}));
  // A member.
  ASSERT_TRUE(registry_.members.Register("cache", {.uuid = "u", .endpoint = kA}));
  EXPECT_TRUE(conflicts(found));
  ASSERT_TRUE(session_->Delete(root_ + "/members/cache/u", kAnyVersion));
  // Somebody who waits for the lock.
  const auto contender = session_->Create(root_ + "/masters/cache/x", "", Lifetime::kEphemeral);
  EXPECT_TRUE(conflicts(found));
  ASSERT_TRUE(session_->Delete(*contender, kAnyVersion));
  // Nothing of it was taken away until now.
  EXPECT_EQ(Data("/masters/cache"), "10.0.0.1 6379");
  ASSERT_TRUE(registry_.groups.Remove("cache", found));
  for (const char* parent : {"/masters", "/members", "/lineage", "/history", "/datasets"})
    EXPECT_FALSE(session_->Exists(root_ + parent + "/cache", Watch::kNo)->has_value()) << parent;
  EXPECT_EQ(registry_.groups.List(Watch::kNo).value(), std::vector<std::string>{"master1"});
}

TEST_F(RegistryTest, KeepsAChronicleThatSeveralWrite) {
  TestSession other_session;
  ASSERT_TRUE(other_session.Connect());
  Registry other(*other_session, root_);
  const store::PastEvent first{.time = 1, .kind = "k", .by = "a"};
  const store::PastEvent second{.time = 2, .kind = "k", .by = "b"};
  EXPECT_TRUE(registry_.event_log.Read(Watch::kYes)->empty());
  ASSERT_TRUE(other.event_log.Append({first}));
  EXPECT_TRUE(session_.Saw(TestSession::Kind::kNodeChanged, registry_.event_log.Path()));
  ASSERT_TRUE(registry_.event_log.Append({second}));
  EXPECT_EQ(other.event_log.Read(Watch::kNo).value(), (store::EventLog{first, second}));
  // What cannot be read is replaced.
  Put("/events", "nonsense");
  EXPECT_TRUE(registry_.event_log.Read(Watch::kNo)->empty());
  ASSERT_TRUE(registry_.event_log.Append({second}));
  EXPECT_EQ(registry_.event_log.Read(Watch::kNo).value(), store::EventLog{second});
}

TEST_F(RegistryTest, PausesGroups) {
  auto& paused = registry_.paused_groups;
  EXPECT_EQ(paused.Read(Watch::kYes).value(), store::Pauses{});
  const store::Pause one{.since = 1000, .until = 5000, .by = "a", .from = "b", .reason = "c"};
  const store::Pause all{.since = 2000, .until = 9000, .by = "a"};
  ASSERT_TRUE(paused.Pause("cache", one));
  EXPECT_TRUE(session_.Saw(TestSession::Kind::kNodeChanged, root_ + "/pauses"));
  ASSERT_TRUE(paused.Pause(store::kAllGroups, all));
  EXPECT_EQ(paused.Read(Watch::kYes).value(), (store::Pauses{{"cache", one}, {"*", all}}));
  EXPECT_FALSE(paused.Resume("sessions", 2000).value());
  EXPECT_TRUE(session_.Saw(TestSession::Kind::kNodeChanged, root_ + "/pauses"));
  EXPECT_TRUE(paused.Resume(store::kAllGroups, 6000).value());
  EXPECT_EQ(paused.Read(Watch::kNo).value(), (store::Pauses{{"cache", one}})) << "elsewhere it may hold";
  EXPECT_FALSE(paused.Resume("cache", one.until + store::kClocksDiffer.count() + 1).value());
  EXPECT_EQ(paused.Read(Watch::kNo).value(), store::Pauses{}) << "it has ended long ago";
  Put("/pauses", "nonsense");
  EXPECT_EQ(paused.Read(Watch::kNo).value(), store::Pauses{});
  ASSERT_TRUE(paused.Pause("cache", one));
  EXPECT_EQ(paused.Read(Watch::kNo).value(), (store::Pauses{{"cache", one}}));
}

TEST_F(RegistryTest, LetsOneSteerAGroupAtATime) {
  ASSERT_TRUE(registry_.admin_lock.Take("master1", "a:1"));
  {
    TestSession other_session;
    ASSERT_TRUE(other_session.Connect());
    Registry other(*other_session, root_);
    const auto taken = other.admin_lock.Take("master1", "b:2");
    ASSERT_FALSE(taken);
    EXPECT_EQ(taken.error().kind, ErrorKind::kAlreadyExists);
    EXPECT_EQ(taken.error().message, "a:1");
    EXPECT_TRUE(other.admin_lock.Take("cache", "b:2"));
  }
  // Its session has ended.
  EXPECT_TRUE(registry_.admin_lock.Take("cache", "a:1"));
}

}  // namespace
}  // namespace redis_zk::testing::registry_test
