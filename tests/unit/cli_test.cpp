#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>

#include "watcher/cli/render.h"
#include "watcher/web/client.h"
#include "watcher/words.h"

namespace redis_zk::testing::cli_test {
namespace {

using Json = nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using watcher::Color;
using watcher::Look;
using watcher::RenderTable;
using watcher::cli::EventParser;
using watcher::cli::RenderEventLine;
using watcher::cli::RenderStatusTable;

TEST(WordsTest, AreForPeople) {
  EXPECT_EQ(watcher::InBytes(-1), "0 bytes");
  EXPECT_EQ(watcher::InBytes(1), "1 byte");
  EXPECT_EQ(watcher::InBytes(999), "999 bytes");
  EXPECT_EQ(watcher::InBytes(1500), "1.5 KB");
  EXPECT_EQ(watcher::InBytes(999'999), "1.0 MB");
  EXPECT_EQ(watcher::InBytes(5'000'000'000'000'000), "5000.0 TB");
  EXPECT_EQ(watcher::CountedAre(1, "replica"), "1 replica is");
  EXPECT_EQ(watcher::CountedAre(0, "replica"), "0 replicas are");
  EXPECT_EQ(watcher::InSeconds(1234ms), "1.2 s");
  EXPECT_EQ(watcher::InSeconds(0s), "0 s");
  EXPECT_EQ(watcher::InSeconds(7s), "7 s");
  EXPECT_EQ(watcher::InSeconds(9980ms), "10 s");
  EXPECT_EQ(watcher::InSeconds(42s), "42 s");
  EXPECT_EQ(watcher::InSeconds(10min), "10 min");
  EXPECT_EQ(watcher::InSeconds(5h), "5 h");
}

TEST(RenderTableTest, FitsItsWidth) {
  const std::vector<watcher::Row> rows{{{"master"}, {"10.0.0.1:6379"}, {"one two three four five six seven"}},
                                       {{"x"}, {""}, {"ab\xc3\xa4"}},
                                       {{"long-word"}, {""}, {std::string(60, 'w')}}};
  struct Case {
    const char* name;
    Look look;
    std::string text;
  };
  for (const auto& [name, look, text] :
       std::initializer_list<Case>{{"as wide as it is",
                                    {},
                                    "master     10.0.0.1:6379  one two three four five six seven\n"
                                    "x                         ab\xc3\xa4\n"
                                    "long-word                 " +
                                        std::string(60, 'w') + "\n"},
                                   {"wrapped below itself",
                                    {.width = 56},
                                    "master     10.0.0.1:6379  one two three four five six\n"
                                    "                          seven\n"
                                    "x                         ab\xc3\xa4\n"
                                    "long-word                 " +
                                        std::string(60, 'w') + "\n"},
                                   {"too narrow: on lines of its own",
                                    {.width = 30},
                                    "master     10.0.0.1:6379\n"
                                    "    one two three four five\n"
                                    "    six seven\n"
                                    "x                         ab\xc3\xa4\n"
                                    "long-word\n"
                                    "    " +
                                        std::string(60, 'w') + "\n"}}) {
    EXPECT_EQ(RenderTable(rows, 0, look), text) << name;
  }
  EXPECT_EQ(RenderTable({}, 2, {}), "");
  EXPECT_EQ(RenderTable({{{"a", Color::kBad}, {"b", Color::kGood}}}, 0, {.colored = true}),
            "\x1b[31ma\x1b[0m  \x1b[32mb\x1b[0m\n");
}

Json Server(const char* address, const char* level, const char* state, const char* details) {
  return {{"address", address}, {"level", level}, {"state", state}, {"details", details}};
}

Json Healthy() {
  const Json group{
      {"name", "master1"},
      {"record", {{"epoch", 4}}},
      {"summary", "no master is recorded"},
      {"master", Server("10.0.0.1:6379", "good", "answers", "7 keys, 1.5 MB of 3.0 MB")},
      {"replicas", Json::array({Server("[::2]:6379", "good", "in step", "7 keys, 1.5 MB"),
                                Server("10.0.0.3:6379", "bad", "silent for 7 s", "no answer")})},
      {"waiting", Json::array({Server("10.0.0.4:6379", "plain", "waits for 12 s", "no data on its disk")})},
      {"sentinels", Json::array({Server("10.0.1.1:26379", "good", "agrees", "quorum 2, 2 replicas, 1 peer"),
                                 Server("10.0.1.2:26379", "bad", "does not answer", "")})},
      {"warnings", Json::array({"Sentinel 10.0.1.2:26379 does not answer"})},
      {"failovers", Json::array()}};
  return {{"version", 1},
          {"observed", "as of 0.3 s ago"},
          {"warnings", Json::array()},
          {"groups", Json::array({group})}};
}

TEST(RenderStatusTableTest, ShowsEverybody) {
  const auto rendered = RenderStatusTable(Healthy().dump(), {.width = 80});
  ASSERT_TRUE(rendered);
  EXPECT_EQ(rendered->warnings, 1U);
  EXPECT_EQ(rendered->text,
            "master1, epoch 4\n"
            "  ! Sentinel 10.0.1.2:26379 does not answer\n"
            "  master    10.0.0.1:6379   answers          7 keys, 1.5 MB of 3.0 MB\n"
            "  replica   [::2]:6379      in step          7 keys, 1.5 MB\n"
            "  replica   10.0.0.3:6379   silent for 7 s   no answer\n"
            "  waiting   10.0.0.4:6379   waits for 12 s   no data on its disk\n"
            "  Sentinel  10.0.1.1:26379  agrees           quorum 2, 2 replicas, 1 peer\n"
            "  Sentinel  10.0.1.2:26379  does not answer\n"
            "\nas of 0.3 s ago\n");
}

TEST(RenderStatusTableTest, ShowsTheColorsOfLevels) {
  auto status = Healthy();
  status["groups"][0]["master"] = nullptr;
  const auto text = RenderStatusTable(status.dump(), {.colored = true})->text;
  EXPECT_THAT(text, HasSubstr("none            \x1b[31mno master is recorded\x1b[0m"));
  EXPECT_THAT(text, HasSubstr("\x1b[32min step\x1b[0m"));
  EXPECT_THAT(text, HasSubstr("\x1b[31msilent for 7 s\x1b[0m"));
  EXPECT_THAT(text, HasSubstr("  waits for 12 s"));
}

TEST(RenderStatusTableTest, SaysWhatIsRemarkableAboutWrappers) {
  auto status = Healthy();
  const auto wrapper = [](const Json& remarks) {
    return Json{{"daemon", "redis-wrapper"}, {"address", "10.0.0.1:6379"}, {"remarks", remarks}};
  };
  status["wrappers"] = Json::array({wrapper(Json::array())});
  EXPECT_THAT(RenderStatusTable(status.dump(), {})->text, Not(HasSubstr("remarkable"))) << "nothing is";
  status["wrappers"] = Json::array({wrapper(Json::array({"one\x1b", 7})), 7, wrapper("x"), Json::object()});
  const auto rendered = RenderStatusTable(status.dump(), {});
  EXPECT_THAT(rendered->text, HasSubstr("\nremarkable\n  redis-wrapper 10.0.0.1:6379: one?\n\nas of "));
  EXPECT_EQ(rendered->warnings, 1U) << "it is none";
}

TEST(RenderStatusTableTest, SaysWhetherClientsCanWrite) {
  struct Row {
    const char* name;
    Json state;
    const char* line;
  };
  for (const auto& [name, state, line] : std::initializer_list<Row>{
           {"an earlier version", nullptr, "master1, epoch 4\n"},
           {"they can", {{"writable", true}, {"for_ms", 7000}}, "master1, epoch 4, writable for 7 s\n"},
           {"perhaps for longer",
            {{"writable", true}, {"for_ms", 7000}, {"at_least", true}},
            "master1, epoch 4, writable for at least 7 s\n"},
           {"they cannot",
            {{"writable", false}, {"for_ms", 12000}, {"at_least", false}},
            "master1, epoch 4, not writable for 12 s\n"},
           {"since when is unknown",
            {{"writable", false}, {"for_ms", nullptr}},
            "master1, epoch 4, not writable\n"},
           {"unknown", {{"writable", nullptr}, {"for_ms", nullptr}}, "master1, epoch 4\n"}}) {
    auto status = Healthy();
    status["groups"][0]["state"] = state;
    EXPECT_THAT(RenderStatusTable(status.dump(), {})->text, ::testing::StartsWith(line)) << name;
  }
}

TEST(RenderStatusTableTest, ListsTheLastChangesOfTheMaster) {
  setenv("TZ", "UTC", 1);
  tzset();
  auto status = Healthy();
  for (int number = 1; number <= 4; ++number)
    status["groups"][0]["failovers"].push_back(
        {{"time", number * 1000}, {"sentence", fmt::format("change {}", number)}});
  EXPECT_THAT(RenderStatusTable(status.dump(), {})->text,
              HasSubstr("  changes of the master, 4 in all, newest first\n"
                        "    1970-01-01 00:00:04  change 4\n"
                        "    1970-01-01 00:00:03  change 3\n"
                        "    1970-01-01 00:00:02  change 2\n\n"));
}

TEST(RenderStatusTableTest, EndsWithWhatZooKeeperRemembers) {
  setenv("TZ", "UTC", 1);
  tzset();
  auto status = Healthy();
  for (int number = 1; number <= 6; ++number)
    status["history"].push_back(
        {{"time", number * 1000}, {"group", "master1"}, {"sentence", fmt::format("master1: {}", number)}});
  status["history"].push_back({{"time", 7000}, {"group", ""}, {"sentence", "paused"}});
  EXPECT_THAT(RenderStatusTable(status.dump(), {})->text,
              ::testing::EndsWith("\nevent log in ZooKeeper, newest first\n"
                                  "  1970-01-01 00:00:07  -         paused\n"
                                  "  1970-01-01 00:00:06  master1   6\n"
                                  "  1970-01-01 00:00:05  master1   5\n"
                                  "  1970-01-01 00:00:04  master1   4\n"
                                  "  1970-01-01 00:00:03  master1   3\n"
                                  "\nas of 0.3 s ago\n"));
}

TEST(RenderStatusTableTest, TakesWhateverStandsThere) {
  auto status = Healthy();
  status["groups"][0]["warnings"] = {"\x1b[31mred\x07\n", 5};
  status["groups"][0]["replicas"][1]["details"] = "a\tb\x1b";
  status["groups"][0]["name"] = "g\r\n";
  const auto rendered = RenderStatusTable(status.dump(-1, ' ', false, Json::error_handler_t::replace), {});
  ASSERT_TRUE(rendered);
  EXPECT_EQ(rendered->warnings, 1U);
  EXPECT_THAT(rendered->text, AllOf(HasSubstr("! ?[31mred??"), HasSubstr("a?b?"), HasSubstr("g??, epoch 4"),
                                    Not(HasSubstr("\x1b"))));
  EXPECT_FALSE(RenderStatusTable("<html>", {}));
  EXPECT_FALSE(RenderStatusTable("[]", {}));
  EXPECT_EQ(RenderStatusTable("{}", {})->text, "");
  for (const char* key : {"record", "master", "replicas", "waiting", "sentinels", "warnings", "failovers"}) {
    for (const Json& wrong : {Json(), Json(5), Json("text"), Json::array({1, "x"}), Json({{"address", 5}})}) {
      auto spoilt = Healthy();
      spoilt["groups"][0][key] = wrong;
      EXPECT_TRUE(RenderStatusTable(spoilt.dump(), {.width = 20})) << key << wrong;
    }
  }
}

TEST(RenderFailoverTest, IsTheSentence) {
  EXPECT_EQ(watcher::cli::RenderFailover(R"({"epoch":5,"sentence":"handed over\n"})").value(),
            "handed over?");
  EXPECT_EQ(watcher::cli::RenderFailover("{}").value(), "");
  EXPECT_FALSE(watcher::cli::RenderFailover("<html>"));
}

TEST(EventParserTest, TakesPiecesThatEndAnywhere) {
  const std::string stream =
      "retry: 1000\n\nid: 1-1\nevent: following\ndata: {\"a\":1}\n\n:\n\nid: 1-2\nevent: x\ndata: {}\n\nid: "
      "1-3\ndata";
  for (std::size_t size = 1; size < stream.size(); ++size) {
    EventParser parser;
    std::vector<watcher::cli::ToldEvent> events;
    for (std::size_t at = 0; at < stream.size(); at += size) {
      for (auto& event : parser.Take(std::string_view(stream).substr(at, size))) events.push_back(event);
    }
    ASSERT_THAT(events, SizeIs(2)) << size;
    EXPECT_EQ(events[0].id, "1-1");
    EXPECT_EQ(events[0].data, "{\"a\":1}");
    EXPECT_EQ(events[1].id, "1-2");
  }
  EXPECT_THAT(EventParser().Take("data: {}"), IsEmpty());
}

TEST(RenderEventLineTest, SaysTheGroupOnce) {
  const auto line = [](const char* group, const char* sentence) {
    return RenderEventLine(Json{{"time", 0}, {"group", group}, {"sentence", sentence}}.dump())->substr(19);
  };
  EXPECT_EQ(line("orders", "orders: the master is x"), "  orders    the master is x");
  EXPECT_EQ(line("", "ZooKeeper is unreachable"), "  -         ZooKeeper is unreachable");
  EXPECT_EQ(line("g", "a\nb"), "  g         a?b");
  EXPECT_FALSE(RenderEventLine("nonsense"));
}

TEST(PrintableTest, KeepsLines) {
  EXPECT_EQ(watcher::cli::PrintableLines("a\n  b\x1b\n\nc"), "a\n  b?\n\nc\n");
  EXPECT_EQ(watcher::cli::PrintableLines(""), "");
}

TEST(ClientTest, WritesPathsAndPlaces) {
  EXPECT_EQ(watcher::web::Encoded("a b/[::1]:5"), "a%20b%2F%5B%3A%3A1%5D%3A5");
  EXPECT_EQ(watcher::web::ReachableAt({"0.0.0.0", 8080}), (Endpoint{"127.0.0.1", 8080}));
  EXPECT_EQ(watcher::web::ReachableAt({"::", 8080}), (Endpoint{"::1", 8080}));
  EXPECT_EQ(watcher::web::ReachableAt({"10.0.0.1", 8080}), (Endpoint{"10.0.0.1", 8080}));
}

}  // namespace
}  // namespace redis_zk::testing::cli_test
