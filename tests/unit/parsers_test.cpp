#include "options/parsers.h"

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "unit/files.h"

namespace redis_zk::testing::parsers_test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

using ::testing::HasSubstr;

struct Rejected {
  const char* name;
  std::string text;
};

TEST(ParseDurationTest, KnowsItsUnits) {
  struct Row {
    const char* text;
    Duration duration;
  };
  for (const auto& [text, duration] : std::initializer_list<Row>{{"0", 0ms},
                                                                 {"0s", 0ms},
                                                                 {"0ms", 0ms},
                                                                 {"1", 1s},
                                                                 {"30", 30s},
                                                                 {"30s", 30s},
                                                                 {"1500ms", 1500ms},
                                                                 {"2m", 2min},
                                                                 {"1h", 1h},
                                                                 {"007s", 7s},
                                                                 {"8760h", 24h * 365},
                                                                 {"31536000000ms", 24h * 365}}) {
    EXPECT_EQ(ParseDuration(text).value(), duration) << text;
  }
}

TEST(ParseDurationTest, RefusesEverythingElse) {
  for (const auto& [name, text] :
       std::initializer_list<Rejected>{{"nothing", ""},
                                       {"blank", " "},
                                       {"unit alone", "s"},
                                       {"negative", "-1"},
                                       {"negative with a unit", "-1s"},
                                       {"sign", "+1s"},
                                       {"fraction", "1.5s"},
                                       {"comma", "1,5"},
                                       {"exponent", "1e3"},
                                       {"hexadecimal", "0x10"},
                                       {"blank before the unit", "1 s"},
                                       {"blank in front", " 1s"},
                                       {"blank at the end", "1s "},
                                       {"line end", "1s\n"},
                                       {"upper case", "1S"},
                                       {"upper case month", "1M"},
                                       {"days", "1d"},
                                       {"microseconds", "1us"},
                                       {"a word", "1sec"},
                                       {"two units", "1h30m"},
                                       {"unit twice", "1mss"},
                                       {"for ever", "infinite"},
                                       {"more than a year", "8761h"},
                                       {"more than a year of seconds", "31536001"},
                                       {"overflow by the unit", "9223372036854775807h"},
                                       {"overflow", "9223372036854775808"}}) {
    EXPECT_FALSE(ParseDuration(text)) << name;
  }
}

TEST(DurationBetweenTest, KeepsItsBounds) {
  const auto parse = DurationBetween(100ms, 1h);
  EXPECT_EQ(parse("100ms").value(), 100ms);
  EXPECT_EQ(parse("60m").value(), 1h);
  for (const char* text : {"99ms", "0", "3601s", "3600001ms", "-1s", "x"}) EXPECT_FALSE(parse(text)) << text;
  EXPECT_EQ(parse("0").error().message, "a duration from 100ms to 1h");
  EXPECT_EQ(DurationBetween(1s, 10min)("0").error().message, "a duration from 1s to 600s");
  EXPECT_THAT(parse("soon").error().message, HasSubstr("like 30s"));
}

TEST(WholeNumberTest, KeepsItsBounds) {
  const auto parse = WholeNumber(1, 1000);
  EXPECT_EQ(parse("1").value(), 1);
  EXPECT_EQ(parse("1000").value(), 1000);
  for (const char* text : {"", "0", "1001", "-1", "+1", " 1", "1 ", "1.0", "1e2", "0x1", "one", "1,000",
                           "9223372036854775808"}) {
    EXPECT_FALSE(parse(text)) << text;
  }
  EXPECT_EQ(parse("0").error().message, "a whole number from 1 to 1000");
}

TEST(ParseIpTest, TakesAddressesOnly) {
  for (const char* ip : {"10.0.0.1", "0.0.0.0", "::", "2001:db8::1"}) EXPECT_EQ(ParseIp(ip).value(), ip);
  for (const char* text : {"", " ", "localhost", "10.0.0", "10.0.0.256", "10.0.0.1 ", "10.0.0.1/8", "[::1]",
                           "10.0.0.1:6379", "::1%lo", "eth0"}) {
    EXPECT_FALSE(ParseIp(text)) << text;
  }
}

TEST(ParseHostTest, TakesAddressesAndNames) {
  for (const char* host : {"10.0.0.1", "::1", "redis", "redis-1.example.com", "a_b"}) {
    EXPECT_EQ(ParseHost(host).value(), host);
  }
  for (const char* text : {"", " ", "redis:6379", "redis 6379", "redis\n", "-redis", "redis.", "10.0.0.256",
                           "10.0", "http://redis", "[::1]", "re/dis"}) {
    EXPECT_FALSE(ParseHost(text)) << text;
  }
}

TEST(ParseMasterNameTest, TakesWhatSentinelTakes) {
  for (const char* name : {"master1", "m", "my-master_1.x", "0", "A", "...", "-"}) {
    EXPECT_EQ(ParseMasterName(name).value(), name);
  }
  for (const auto& [name, text] : std::initializer_list<Rejected>{{"nothing", ""},
                                                                  {"this directory", "."},
                                                                  {"parent", ".."},
                                                                  {"blank", "my master"},
                                                                  {"blank at the end", "master1 "},
                                                                  {"line end", "master1\nrequirepass x"},
                                                                  {"slash", "a/b"},
                                                                  {"colon", "a:b"},
                                                                  {"quote", "\"a\""},
                                                                  {"at", "a@b"},
                                                                  {"hash", "a#b"},
                                                                  {"NUL", std::string("a\0", 2)},
                                                                  {"UTF-8", "m\xc3\xa4ster"}}) {
    EXPECT_FALSE(ParseMasterName(text)) << name;
  }
}

TEST(ParseLogLevelTest, TakesTheLevelsThereAre) {
  for (const char* level : {"trace", "debug", "info", "warn", "error", "off"}) {
    EXPECT_EQ(ParseLogLevel(level).value(), level);
  }
  for (const char* text : {"", " info", "info ", "INFO", "warning", "err", "critical", "none", "3"}) {
    EXPECT_FALSE(ParseLogLevel(text)) << text;
  }
}

TEST(ParseTextTest, TakesEverythingButControlCharacters) {
  for (const char* text : {"", " ", "a b", "#\"'\\$`", "p\xc3\xa4ssword", "\xff"}) {
    EXPECT_EQ(ParseText(text).value(), text);
  }
  for (const std::string& text :
       {std::string("a\nb"), std::string("a\n"), std::string("\r"), std::string("a\tb"), std::string("\x01"),
        std::string("\x1b[0m"), std::string("\x7f"), std::string("a\0b", 3)}) {
    EXPECT_FALSE(ParseText(text)) << text;
  }
}

TEST(CheckReadableTest, TakesAFileOnly) {
  const TempDir dir;
  EXPECT_THAT(CheckReadable("REDIS_CONF", WriteFile(dir.path() / "redis.conf", "")), IsEmpty());
  const std::string missing = (dir.path() / "missing").string();
  for (const auto& [path, why] :
       {std::pair{dir.path().string(), "not a regular file"}, std::pair{missing, "No such file or directory"},
        std::pair{std::string(), "No such file or directory"}}) {
    EXPECT_THAT(
        CheckReadable("REDIS_CONF", path),
        ElementsAre(fmt::format("REDIS_CONF: found \"{}\", expected a readable file ({})", path, why)));
  }
}

}  // namespace
}  // namespace redis_zk::testing::parsers_test
