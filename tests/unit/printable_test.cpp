#include "base/printable.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>

namespace redis_zk::testing::printable_test {
namespace {

TEST(ShownTest, MakesOnePrintableLineOfAnything) {
  struct Row {
    const char* name;
    std::string text;
    std::string shown;
  };
  for (const auto& [name, text, shown] : std::initializer_list<Row>{
           {"nothing", "", ""},
           {"plain", "10.0.0.1 6379", "10.0.0.1 6379"},
           {"line ends and tabs", "a\r\nb\tc", "a??b?c"},
           {"NUL", std::string("a\0b", 3), "a?b"},
           {"delete", "\x7f", "?"},
           {"UTF-8 of two, three and four bytes", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80",
            "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"},
           {"Latin-1",
            "\xe4"
            "b",
            "?b"},
           {"cut off", "a\xe2\x82", "a??"},
           {"a continuation alone", "\x80", "?"},
           {"overlong", "\xc0\xaf\xe0\x80\xaf", "?????"},
           {"surrogate", "\xed\xa0\x80", "???"},
           {"control of two bytes", "\xc2\x85", "??"},
           {"as long as may be", std::string(120, 'x'), std::string(120, 'x')},
           {"too long", std::string(121, 'x'), std::string(120, 'x') + "..."},
       }) {
    EXPECT_EQ(Printable(text), shown) << name;
  }
  EXPECT_EQ(Printable("abc", 2), "ab...");
}

}  // namespace
}  // namespace redis_zk::testing::printable_test
