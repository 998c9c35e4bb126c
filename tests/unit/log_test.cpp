#include "base/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>

#include "base/printable.h"
#include "options/parsers.h"
#include "unit/log_fixture.h"

namespace redis_zk::testing::log_test {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;

// 2026-01-31T23:59:59.007Z.
constexpr std::chrono::system_clock::time_point kTime{std::chrono::milliseconds(1'769'903'999'007)};

TEST(LogLineTest, IsOneLineWhateverTheMessageHolds) {
  struct Row {
    const char* name;
    LogLine line;
    std::string text;
    std::string json;
  };
  const std::string nul("a\0b", 3);
  const std::string long_text(2 * kMostPrintable, 'x');
  const std::string time = "2026-01-31T23:59:59.007Z";
  const auto json = [&time](const std::string& level, const std::string& message) {
    return R"({"time":")" + time + R"(","level":")" + level + R"(","logger":"watcher","message":")" +
           message + "\"}";
  };
  for (const auto& [name, line, text, as_json] : std::initializer_list<Row>{
           {"plain", {kTime, "info", "watcher", "serving"}, time + " info  serving", json("info", "serving")},
           {"nothing", {kTime, "error", "watcher", ""}, time + " error ", json("error", "")},
           {"long level", {kTime, "critical", "watcher", "a"}, time + " critical a", json("critical", "a")},
           {"quotes and backslash",
            {kTime, "warn", "watcher", R"("a\b")"},
            time + R"( warn  "a\b")",
            json("warn", R"(\"a\\b\")")},
           {"line ends and tabs",
            {kTime, "warn", "watcher", "a\r\nb\tc"},
            time + " warn  a??b?c",
            json("warn", R"(a\r\nb\tc)")},
           {"NUL", {kTime, "warn", "watcher", nul}, time + " warn  a?b", json("warn", R"(a\u0000b)")},
           {"escape sequence",
            {kTime, "warn", "watcher", "\x1b[31m"},
            time + " warn  ?[31m",
            json("warn", R"(\u001b[31m)")},
           {"UTF-8",
            {kTime, "warn", "watcher", "\xc3\xa4\xf0\x9f\x98\x80"},
            time + " warn  \xc3\xa4\xf0\x9f\x98\x80",
            json("warn", "\xc3\xa4\xf0\x9f\x98\x80")},
           {"Latin-1",
            {kTime, "warn", "watcher", "\xe4-"},
            time + " warn  ?-",
            json("warn", "\xef\xbf\xbd-")},
           {"UTF-8 cut off",
            {kTime, "warn", "watcher", "a\xe2\x82"},
            time + " warn  a??",
            json("warn", "a\xef\xbf\xbd")},
           {"longer than what is shown of foreign text",
            {kTime, "info", "watcher", long_text},
            time + " info  " + long_text,
            json("info", long_text)},
           {"passed through",
            {kTime, "info", "watcher", "1:M * Ready", true},
            "watcher| 1:M * Ready",
            json("info", "1:M * Ready")}}) {
    EXPECT_EQ(RenderLogLine(line, LogFormat::kText), text) << name;
    EXPECT_EQ(RenderLogLine(line, LogFormat::kJson), as_json) << name;
    EXPECT_TRUE(nlohmann::json::accept(RenderLogLine(line, LogFormat::kJson))) << name;
  }
}

TEST(LogLineTest, EndsWithItsFields) {
  struct Row {
    const char* name;
    std::string value;
    std::string text;
    std::string json;
  };
  for (const auto& [name, value, text, as_json] :
       std::initializer_list<Row>{{"a word", "10.0.0.1:6379", "10.0.0.1:6379", "10.0.0.1:6379"},
                                  {"blanks", "a b", "\"a b\"", "a b"},
                                  {"a quote", "a\"b", R"("a\"b")", R"(a\"b)"},
                                  {"an equals sign", "a=b", "\"a=b\"", "a=b"},
                                  {"a line end", "a\nb", "a?b", R"(a\nb)"}}) {
    const LogLine line{.time = kTime,
                       .level = "info",
                       .logger = "watcher",
                       .message = "serving",
                       .fields = {{"group", "master1"}, {"peer", value}}};
    EXPECT_EQ(RenderLogLine(line, LogFormat::kText),
              "2026-01-31T23:59:59.007Z info  serving group=master1 peer=" + text)
        << name;
    EXPECT_TRUE(RenderLogLine(line, LogFormat::kJson)
                    .ends_with(R"("message":"serving","group":"master1","peer":")" + as_json + "\"}"))
        << name;
  }
}

TEST_F(LogTest, NamesTheEventBehindWhatTheProcessServes) {
  ::testing::internal::CaptureStderr();
  InitLog("redis-wrapper", LogFormat::kText, "info");
  SetLogContext("master1", "10.0.0.1:6379");
  log::Info({.event = "promoted", .epoch = 2, .more = {{"data", "a b"}}}, "promoted to {}", "master");
  log::Warn({.event = "stale", .group = "cache", .peer = "10.0.0.2:6379"}, "stale");
  PassThrough("redis-server").Info("its own line");
  SetLogContext("", "");
  const std::string logged = ::testing::internal::GetCapturedStderr();
  EXPECT_THAT(logged,
              HasSubstr(" info  promoted to master group=master1 node=10.0.0.1:6379 epoch=2 event=promoted "
                        "data=\"a b\"\n"));
  EXPECT_THAT(logged,
              HasSubstr(" warn  stale group=cache node=10.0.0.1:6379 peer=10.0.0.2:6379 event=stale\n"));
  EXPECT_THAT(logged, HasSubstr("redis-server| its own line\n"));
}

TEST(LogLineTest, CountsTimeInUtc) {
  struct Row {
    const char* name;
    std::int64_t milliseconds;
    std::string time;
  };
  for (const auto& [name, milliseconds, time] :
       std::initializer_list<Row>{{"the beginning", 0, "1970-01-01T00:00:00.000Z"},
                                  {"before it", -1, "1969-12-31T23:59:59.999Z"},
                                  {"a leap day", 1'709'208'000'120, "2024-02-29T12:00:00.120Z"}}) {
    const std::chrono::system_clock::time_point at{std::chrono::milliseconds(milliseconds)};
    EXPECT_EQ(RenderLogLine({at, "info", "", ""}, LogFormat::kText), time + " info  ") << name;
  }
}

TEST_F(LogTest, RepeatsALineOnlyWhenItHasChanged) {
  LogOnChange changes;
  LogOnChange other;
  for (const char* text : {"a", "a", "b", "b", "a", "{}", "{}"})
    changes(log::Severity::kInfo, {.event = "repeated"}, text);
  other(log::Severity::kInfo, {.event = "repeated"}, "{}");
  EXPECT_EQ(Logged(), "| a\n| b\n| a\n| {}\n| {}\n");
}

TEST_F(LogTest, RepeatsALineWhoseFieldsHaveChanged) {
  LogOnChange changes;
  const log::About first{.event = "e", .group = "g", .peer = "a:1", .epoch = 1, .more = {{"key", "x"}}};
  log::About other_event = first;
  other_event.event = "f";
  log::About other_group = first;
  other_group.group = "h";
  log::About other_peer = first;
  other_peer.peer = "b:1";
  log::About other_epoch = first;
  other_epoch.epoch = 2;
  log::About other_value = first;
  other_value.more = {{"key", "y"}};
  std::string expected;
  for (const auto& about : {first, other_event, first, other_group, other_peer, other_epoch, other_value}) {
    changes(log::Severity::kInfo, about, "a");
    changes(log::Severity::kInfo, about, "a");
    expected += "| a\n";
  }
  EXPECT_EQ(Logged(), expected);
  changes.Reset();
  changes(log::Severity::kInfo, other_value, "a");
  EXPECT_EQ(Logged(), expected + "| a\n") << "news again";
}

TEST_F(LogTest, WritesLinesWithTimeAndLevelToStandardError) {
  ::testing::internal::CaptureStderr();
  InitLog("watcher", LogFormat::kText, "info");
  spdlog::debug("unseen");
  spdlog::info("seen");
  spdlog::warn("{}", "as well");
  SetLogLevel("debug");
  spdlog::debug("seen now");
  SetLogLevel("off");
  spdlog::error("unseen");
  PassThrough("redis-server").Info("its own line");
  const std::string time = "20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z";
  EXPECT_THAT(::testing::internal::GetCapturedStderr(),
              MatchesRegex(time + " info  seen\n" + time + " warn  as well\n" + time + " debug seen now\n" +
                           "redis-server\\| its own line\n"));
}

TEST_F(LogTest, WritesAnObjectALine) {
  ::testing::internal::CaptureStderr();
  InitLog("watcher", LogFormat::kJson, "info");
  spdlog::error("a \"b\"");
  PassThrough("redis-server").Info("its own line");
  const std::string time = R"(\{"time":"20[0-9T:.-]+Z",)";
  EXPECT_THAT(
      ::testing::internal::GetCapturedStderr(),
      MatchesRegex(time + R"("level":"error","logger":"watcher","message":"a \\"b\\""\})" + "\n" + time +
                   R"("level":"info","logger":"redis-server","message":"its own line"\})" + "\n"));
}

TEST_F(LogTest, WaitsForNobodyWhoDoesNotRead) {
  InitLog("watcher", LogFormat::kText, "info");
  std::string before;
  std::string after;
  {
    const StuckStandardError stuck;
    const auto start = std::chrono::steady_clock::now();
    for (int line = 0; line < 100; ++line) spdlog::info("unread");
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
    before = stuck.Read();
    spdlog::info("read");
    after = stuck.Read();
  }
  EXPECT_EQ(before, "");
  EXPECT_THAT(after, MatchesRegex(".*Z warn  dropped 100 log lines: standard error was not read for 500 ms "
                                  "event=log-lines-dropped\n.*Z info  read\n"));
}

TEST_F(LogTest, KnowsEveryLevelThatAnOptionTakes) {
  struct Row {
    const char* name;
    spdlog::level::level_enum level;
  };
  for (const auto& [name, level] : std::initializer_list<Row>{{"trace", spdlog::level::trace},
                                                              {"debug", spdlog::level::debug},
                                                              {"info", spdlog::level::info},
                                                              {"warn", spdlog::level::warn},
                                                              {"error", spdlog::level::err},
                                                              {"off", spdlog::level::off}}) {
    ASSERT_TRUE(ParseLogLevel(name));
    InitLog("watcher", LogFormat::kText, name);
    EXPECT_EQ(LogLevel(), name);
    EXPECT_EQ(spdlog::default_logger()->level(), level) << name;
  }
}

}  // namespace
}  // namespace redis_zk::testing::log_test
