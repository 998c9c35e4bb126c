#include "store/record.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <initializer_list>
#include <string>

#include "base/printable.h"

namespace redis_zk::testing::record_test {
namespace {

using store::Dataset;
using store::History;
using store::Identity;
using store::KnownDataset;
using store::Lineage;
using store::Member;
using store::Origin;
using store::ParseHistory;
using store::ParseIdentity;
using store::ParseKnownDataset;
using store::ParseLineage;
using store::ParseMasterRecord;
using store::ParseMember;
using store::Render;
using State = store::Record::State;

struct Rejected {
  const char* name;
  std::string text;
};

TEST(ParseMasterRecordTest, TakesAHostAndAPort) {
  for (const char* text : {"10.0.0.1 6379", "10.0.0.1 6379\n", "10.0.0.1 6379 \r\n\t"}) {
    const auto record = ParseMasterRecord(text);
    EXPECT_EQ(record.state, State::kMaster) << text;
    EXPECT_EQ(record.master, (Endpoint{"10.0.0.1", 6379})) << text;
    EXPECT_EQ(record.found, "");
    EXPECT_FALSE(record.lineage_fits);
    EXPECT_EQ(record.epoch, 0U);
  }
}

TEST(ParseMasterRecordTest, TakesNothingForNobody) {
  for (const char* text : {"", " ", "\n", " \t\r\n"}) {
    const auto record = ParseMasterRecord(text);
    EXPECT_EQ(record.state, State::kNone) << text;
    EXPECT_EQ(record.master, Endpoint{});
  }
}

TEST(ParseMasterRecordTest, KeepsWhatItCannotRead) {
  for (const auto& [name, text] : std::initializer_list<Rejected>{{"host alone", "10.0.0.1"},
                                                                  {"address form", "10.0.0.1:6379"},
                                                                  {"port 0", "10.0.0.1 0"},
                                                                  {"port too high", "10.0.0.1 65536"},
                                                                  {"three words", "10.0.0.1 6379 x"},
                                                                  {"blank in front", " 10.0.0.1 6379"},
                                                                  {"NUL", std::string(1, '\0')},
                                                                  {"bytes", "\xff\xfe"},
                                                                  {"None of Python", "None"},
                                                                  {"JSON", R"({"host":"10.0.0.1"})"},
                                                                  {"long", std::string(100'000, 'x')}}) {
    const auto record = ParseMasterRecord(text);
    EXPECT_EQ(record.state, State::kUnreadable) << name;
    EXPECT_EQ(record.found, Printable(text)) << name;
    EXPECT_EQ(record.master, Endpoint{}) << name;
  }
}

TEST(LineageTest, IsReadAsItWasWritten) {
  for (const auto& lineage :
       std::initializer_list<Lineage>{{},
                                      {7, "10.0.0.1 6379", "no living node holds data"},
                                      {store::kMostReadEpoch, "::1 1", "\"quotes\", \\ and\nline ends"},
                                      {1, "", "\xc3\xa4"},
                                      {3, "10.0.0.1 6379", "began anew", Origin::kUnelected},
                                      {4, "10.0.0.1 6379", "was promoted", Origin::kPromoted}}) {
    const std::string text = Render(lineage);
    EXPECT_EQ(text.find('\n'), std::string::npos) << text;
    const auto parsed = ParseLineage(text);
    ASSERT_TRUE(parsed) << text;
    EXPECT_EQ(parsed->epoch, lineage.epoch);
    EXPECT_EQ(parsed->master, lineage.master);
    EXPECT_EQ(parsed->reason, lineage.reason);
  }
}

TEST(LineageTest, SurvivesBytesThatAreNoText) {
  const auto parsed = ParseLineage(Render(Lineage{1, "10.0.0.1 6379", "found \"\xff\xfe\""}));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->master, "10.0.0.1 6379");
  EXPECT_FALSE(parsed->reason.empty());
}

TEST(ParseLineageTest, NeedsOnlyAnEpoch) {
  for (const char* text : {R"({"epoch":3})", R"( { "epoch" : 3 } )", R"({"epoch":3,"later":[{"x":null}]})",
                           R"({"epoch":3,"master":5,"reason":{}})", R"({"epoch":3,"master":null})",
                           R"({"epoch":1,"epoch":3})", "{\"epoch\":3}\n"}) {
    const auto lineage = ParseLineage(text);
    ASSERT_TRUE(lineage) << text;
    EXPECT_EQ(lineage->epoch, 3U) << text;
    EXPECT_EQ(lineage->master, "") << text;
  }
}

TEST(ParseLineageTest, RefusesEverythingElse) {
  for (const auto& [name, text] :
       std::initializer_list<Rejected>{{"nothing", ""},
                                       {"blank", " "},
                                       {"word", "garbage"},
                                       {"number", "7"},
                                       {"null", "null"},
                                       {"text", "\"epoch\""},
                                       {"list", "[]"},
                                       {"list with an object", R"([{"epoch":1}])"},
                                       {"empty object", "{}"},
                                       {"no epoch", R"({"master":"10.0.0.1 6379"})"},
                                       {"epoch in capitals", R"({"Epoch":1})"},
                                       {"epoch as text", R"({"epoch":"1"})"},
                                       {"negative epoch", R"({"epoch":-1})"},
                                       {"epoch with a fraction", R"({"epoch":1.0})"},
                                       {"epoch too high", R"({"epoch":18446744073709551616})"},
                                       {"epoch that was made up", R"({"epoch":2000000000001})"},
                                       {"epoch null", R"({"epoch":null})"},
                                       {"epoch true", R"({"epoch":true})"},
                                       {"epoch as list", R"({"epoch":[1]})"},
                                       {"cut off", R"({"epoch":1)"},
                                       {"more behind", R"({"epoch":1}{"epoch":2})"},
                                       {"comma too many", R"({"epoch":1,})"},
                                       {"comment", R"({"epoch":1} // x)"},
                                       {"single quotes", "{'epoch':1}"},
                                       {"no quotes", "{epoch:1}"},
                                       {"NUL", std::string("\0", 1)},
                                       {"wrong UTF-8", "{\"epoch\":1,\"x\":\"\xff\"}"},
                                       {"deep", std::string(10'000, '[')},
                                       {"a record", "10.0.0.1 6379"}}) {
    EXPECT_FALSE(ParseLineage(text)) << name;
  }
}

constexpr const char* kReplicationId = "75f05d36e6ec5d0d58b7d4d4b2c8a2c1c1f6a9b0";

TEST(MemberTest, IsReadAsItWasWritten) {
  const Dataset dataset{kReplicationId, "0123", "4567", 9'000'000'000, 4096};
  for (const auto& member :
       {Member{"", {"10.0.0.1", 6379}, "node", dataset, true}, Member{"", {"::1", 1}, "", {}, false},
        Member{"", {"10.0.0.1", 6379}, "node", dataset, true, true},
        Member{"", {"10.0.0.1", 6379}, "node", dataset, false, false, {}, 0},
        Member{"", {"10.0.0.1", 6379}, "node", {}, false, false, {}, 10, "0.2.0"}}) {
    EXPECT_EQ(ParseMember(Render(member)).value(), member) << Render(member);
  }
}

TEST(ParseMemberTest, ReadsWhatWasWritten) {
  const Member plain{
      .endpoint = {"10.0.0.1", 6379}, .node = "n", .dataset = {"a", "b", "", 5, 7}, .serving = true};
  Member incomplete = plain;
  incomplete.incomplete = true;
  Member hanging = plain;
  hanging.serving = false;
  hanging.hanging = Dataset{"c", "a", "", 6, 1};
  Member empty = hanging;
  empty.hanging = Dataset{};
  for (const auto& member : {plain, incomplete, hanging, empty})
    EXPECT_EQ(ParseMember(Render(member)).value(), member) << Render(member);
}

TEST(ParseMemberTest, TakesWhatOldOnesWrote) {
  const auto member = ParseMember(
      R"({"endpoint":"10.0.0.1 6379","dataset":{"replication_id":"a","offset":5,"saved_at":1700000000,"bytes":7}})");
  EXPECT_EQ(member.value().dataset, (Dataset{"a", "", "", 5, 7}));
}

TEST(ParseMemberTest, TakesWhatOtherVersionsWriteForUnknown) {
  const Member plain{.endpoint = {"10.0.0.1", 6379}};
  struct Row {
    const char* name;
    const char* text;
  };
  for (
      const auto& [name, text] : std::initializer_list<Row>{
          {"nothing but the endpoint", R"({"endpoint":"10.0.0.1 6379"})"},
          {"something later", R"({"endpoint":"10.0.0.1 6379","later":{}})"},
          {"dataset of another type", R"({"endpoint":"10.0.0.1 6379","dataset":7})"},
          {"fields of another type",
           R"({"endpoint":"10.0.0.1 6379","node":1,"serving":"yes","incomplete":1,"dataset":{"offset":"1","bytes":[]}})"},
          {"hanging of another type", R"({"endpoint":"10.0.0.1 6379","hanging":null})"},
          {"negative size", R"({"endpoint":"10.0.0.1 6379","dataset":{"bytes":-1}})"},
          {"a priority that is none", R"({"endpoint":"10.0.0.1 6379","priority":-1})"},
          {"a version that is none", R"({"endpoint":"10.0.0.1 6379","version":2})"},
          {"a priority in words", R"({"endpoint":"10.0.0.1 6379","priority":"0"})"},
      }) {
    EXPECT_EQ(ParseMember(text).value(), plain) << name;
  }
}

TEST(KnownDatasetTest, IsReadAsItWasWritten) {
  const KnownDataset known{"", {"10.0.0.1", 6379}, {kReplicationId, "", "", 5, 7}, 0};
  EXPECT_EQ(ParseKnownDataset(Render(known)).value(), known);
  EXPECT_EQ(Render(known).find("failed_loads"), std::string::npos) << "most do not fail";
  KnownDataset failing = known;
  failing.priority = 0;
  for (const auto& failed : std::initializer_list<store::FailedLoads>{
           {.count = 2, .last_exit = 139, .ends = 4, .files = 1'700'000'000'123},
           {.count = 1, .cause = redis::LoadCause::kDamaged, .last_exit = 1},
           {.count = 1, .cause = redis::LoadCause::kNewerFormat, .last_exit = 1},
           {.last_exit = 75},
           {.begun = true, .files = 7}}) {
    failing.failed = failed;
    EXPECT_EQ(ParseKnownDataset(Render(failing)).value(), failing) << Render(failing);
  }
  for (const char* wrong : {R"(3)", R"({"count":-3,"last_exit":"1","begun":1,"cause":7})", R"([])"}) {
    const std::string text = fmt::format(R"({{"endpoint":"10.0.0.1 6379","failed_loads":{}}})", wrong);
    EXPECT_EQ(ParseKnownDataset(text)->failed, store::FailedLoads{}) << text;
  }
  for (const char* wrong : {"", "[]", "{}", R"({"endpoint":"10.0.0.1"})"})
    EXPECT_FALSE(ParseKnownDataset(wrong)) << wrong;
}

TEST(ParseHistoryTest, ReadsWhatWasWritten) {
  for (const auto& history : {History{}, History{kReplicationId, 12, {{"a", 3}, {"b", 9}}, 0},
                              History{.replication_id = kReplicationId, .node = "n"}})
    EXPECT_EQ(ParseHistory(Render(history)).value(), history);
  for (const char* wrong : {"", "7", "garbage"}) EXPECT_FALSE(ParseHistory(wrong)) << wrong;
}

TEST(ParseHistoryTest, LeavesOutChaptersThatSayNothing) {
  const auto history = ParseHistory(R"({"ancestors":[7,{},{"replication_id":"a"},{"until":3}]})");
  EXPECT_EQ(history.value(), (History{"", 0, {{"a", 0}}, 0}));
  EXPECT_EQ(ParseHistory(R"({"ancestors":{"replication_id":"a"}})").value(), History{});
}

TEST(IdentityTest, IsReadAsItWasWritten) {
  const Identity identity{"", {"10.0.0.1", 26379}, 17, false};
  EXPECT_EQ(ParseIdentity(Render(identity)).value(), identity);
  EXPECT_EQ(ParseIdentity(R"({"endpoint":"10.0.0.1 26379","epoch":-4})")->epoch, 0U);
  EXPECT_EQ(ParseIdentity(R"({"endpoint":"10.0.0.1 26379","epoch":9223372036854775807})")->epoch, 0U);
  for (const char* wrong : {"", "{}", "null"}) EXPECT_FALSE(ParseIdentity(wrong)) << wrong;
}

TEST(ParseMemberTest, RefusesEverythingElse) {
  for (const auto& [name, text] :
       std::initializer_list<Rejected>{{"nothing", ""},
                                       {"word", "garbage"},
                                       {"a record", "10.0.0.1 6379"},
                                       {"list", R"(["10.0.0.1 6379"])"},
                                       {"empty object", "{}"},
                                       {"another key", R"({"address":"10.0.0.1 6379"})"},
                                       {"number", R"({"endpoint":6379})"},
                                       {"null", R"({"endpoint":null})"},
                                       {"object", R"({"endpoint":{"host":"10.0.0.1","port":6379}})"},
                                       {"empty text", R"({"endpoint":""})"},
                                       {"address form", R"({"endpoint":"10.0.0.1:6379"})"},
                                       {"port 0", R"({"endpoint":"10.0.0.1 0"})"},
                                       {"cut off", R"({"endpoint":"10.0.0.1 6379")"}}) {
    EXPECT_FALSE(ParseMember(text)) << name;
  }
}

}  // namespace
}  // namespace redis_zk::testing::record_test
