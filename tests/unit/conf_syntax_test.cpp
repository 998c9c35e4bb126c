#include "redis/conf_syntax.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <initializer_list>
#include <optional>
#include <random>
#include <string>

#include "unit/conf_lines.h"

namespace redis_zk::testing::conf_syntax_test {
namespace {

using redis::QuoteForConf;
using redis::SplitConfLine;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(QuoteForConfTest, QuotesOnlyWhatNeedsIt) {
  struct Row {
    const char* name;
    std::string word;
    const char* quoted;
  };
  for (const auto& [name, word, quoted] :
       std::initializer_list<Row>{{"plain", "redis", "redis"},
                                  {"address", "10.0.0.1", "10.0.0.1"},
                                  {"IPv6", "2001:db8::1", "2001:db8::1"},
                                  {"path", "/etc/redis/redis.conf", "/etc/redis/redis.conf"},
                                  {"punctuation", "a-b_c.d,e;f=g$h%i&j", "a-b_c.d,e;f=g$h%i&j"},
                                  {"nothing", "", "\"\""},
                                  {"blank", "a b", "\"a b\""},
                                  {"blanks alone", "  ", "\"  \""},
                                  {"hash", "#a", "\"#a\""},
                                  {"double quote", "a\"b", "\"a\\\"b\""},
                                  {"single quote", "it's", "\"it's\""},
                                  {"backslash", "a\\n", "\"a\\\\n\""},
                                  {"line end", "a\nrequirepass x", "\"a\\x0arequirepass x\""},
                                  {"carriage return", "a\r", "\"a\\x0d\""},
                                  {"tab", "a\tb", "\"a\\x09b\""},
                                  {"NUL", std::string("a\0b", 3), "\"a\\x00b\""},
                                  {"DEL", "\x7f", "\"\\x7f\""},
                                  {"UTF-8", "\xc3\xa4", "\"\xc3\xa4\""}}) {
    EXPECT_EQ(QuoteForConf(word), quoted) << name;
  }
}

TEST(QuoteForConfTest, MakesOneWordOfAnything) {
  for (int first = 0; first < 256; ++first) {
    for (const char second : {'a', '0', ' ', '"', '\'', '\\', '#', '\n', '\0', '\xff'}) {
      const std::string word{static_cast<char>(first), second};
      const std::string quoted = QuoteForConf(word);
      EXPECT_EQ(SplitConfLine("requirepass " + quoted + " x"), (Words{"requirepass", word, "x"})) << quoted;
      EXPECT_THAT(quoted, Not(HasSubstr("\n")));
    }
  }
  std::mt19937 generator(1);
  std::uniform_int_distribution<int> byte(0, 255);
  for (int round = 0; round < 200; ++round) {
    std::string word(static_cast<std::size_t>(round % 40), ' ');
    for (char& c : word) c = static_cast<char>(byte(generator));
    EXPECT_EQ(SplitConfLine(QuoteForConf(word)), Words{word});
  }
}

TEST(SplitConfLineTest, ReadsAsRedisDoes) {
  struct Row {
    const char* name;
    std::string line;
    std::optional<Words> words;
  };
  for (const auto& [name, line, words] :
       std::initializer_list<Row>{{"nothing", "", Words{}},
                                  {"blanks", " \t ", Words{}},
                                  {"plain words", " a  b\tc ", Words{"a", "b", "c"}},
                                  {"double quotes", R"("a b" "\x41\n\"")", Words{"a b", "A\n\""}},
                                  {"single quotes", R"('a b' '\'\n')", Words{"a b", "'\\n"}},
                                  {"an empty word", R"(a "")", Words{"a", ""}},
                                  {"no end", "\"a b", std::nullopt},
                                  {"text behind a quote", "\"a\"b", std::nullopt}}) {
    EXPECT_EQ(SplitConfLine(line), words) << name;
  }
}

}  // namespace
}  // namespace redis_zk::testing::conf_syntax_test
