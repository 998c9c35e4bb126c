#include "base/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <initializer_list>
#include <memory>
#include <sstream>
#include <string>

#include "config/parsers.h"

namespace redis_zk::testing {
namespace {

using ::testing::MatchesRegex;

// Puts spdlog's default logger back when the test ends.
class LogTest : public ::testing::Test {
 protected:
  ~LogTest() override { spdlog::set_default_logger(before_); }

 private:
  const std::shared_ptr<spdlog::logger> before_ = spdlog::default_logger();
};

TEST_F(LogTest, RepeatsALineOnlyWhenItHasChanged) {
  std::ostringstream logged;
  auto logger =
      std::make_shared<spdlog::logger>("", std::make_shared<spdlog::sinks::ostream_sink_st>(logged));
  logger->set_pattern("%v");
  spdlog::set_default_logger(logger);
  LogOnChange log;
  LogOnChange other;
  for (const char* text : {"a", "a", "b", "b", "a", "{}", "{}"}) log(text);
  other("{}");
  EXPECT_EQ(logged.str(), "a\nb\na\n{}\n{}\n");
}

TEST_F(LogTest, WritesLinesWithTimeAndLevelToStandardError) {
  ::testing::internal::CaptureStderr();
  InitLog("info");
  spdlog::debug("unseen");
  spdlog::info("seen");
  spdlog::warn("{}", "as well");
  const std::string time = "20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z";
  EXPECT_THAT(::testing::internal::GetCapturedStderr(),
              MatchesRegex(time + " info  seen\n" + time + " warning as well\n"));
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
    InitLog(name);
    EXPECT_EQ(spdlog::default_logger()->level(), level) << name;
  }
}

}  // namespace
}  // namespace redis_zk::testing
