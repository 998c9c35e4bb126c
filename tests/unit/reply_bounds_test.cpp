#include "redis/reply_bounds.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>

namespace redis_zk::testing::reply_bounds_test {
namespace {

using redis::ReplyBounds;

std::string Repeated(const std::string& text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

// All at once, and in pieces, small replies byte by byte: what it says does not depend on how the network
// cuts.
Status Check(const std::string& bytes) {
  ReplyBounds whole;
  auto checked = whole.Check(bytes);
  ReplyBounds piecemeal;
  Status so_far;
  const std::size_t piece = bytes.size() < 1000 ? 1 : 4093;
  for (std::size_t i = 0; i < bytes.size() && so_far; i += piece)
    so_far = piecemeal.Check(std::string_view(bytes).substr(i, piece));
  EXPECT_EQ(checked.has_value(), so_far.has_value());
  return checked;
}

TEST(ReplyBoundsTest, WhatRedisSaysIsRead) {
  const std::string text = "$5\r\na\r\nbc\r\n";
  for (const auto& [name, bytes] : std::initializer_list<std::pair<const char*, std::string>>{
           {"nothing", ""},
           {"lines", "+OK\r\n-ERR no\r\n:-7\r\n"},
           {"a string with a line end in it", text},
           {"an empty string, and none", "$0\r\n\r\n$-1\r\n"},
           {"an array, an empty one, and none", "*2\r\n" + text + ":1\r\n*0\r\n*-1\r\n"},
           {"arrays in an array", "*2\r\n*1\r\n" + text + "*0\r\n+OK\r\n"},
           {"half a reply", "*2\r\n$10\r\nabc"},
           {"as many elements as may be", "*100000\r\n" + Repeated(":1\r\n", 100'000)},
           {"twice as many, in two replies", Repeated("*60000\r\n" + Repeated(":1\r\n", 60'000), 2)},
           {"a string as long as may be", "$1048576\r\n" + std::string(1'048'576, 'x') + "\r\n"},
       }) {
    const auto checked = Check(bytes);
    EXPECT_TRUE(checked) << name << ": " << checked.error().message;
  }
}

TEST(ReplyBoundsTest, WhatNoServerOfOursSaysIsRefusedBeforeItIsAllocated) {
  struct Row {
    const char* name;
    std::string bytes;
    const char* error;
  };
  for (const auto& [name, bytes, error] : std::initializer_list<Row>{
           {"a huge array", "*1073741823\r\n", "an array of another length, expected -1 to 100000"},
           {"huge in sum", "*60000\r\n*60000\r\n", "expected -1 to 40000"},
           {"a huge string", "$1073741824\r\n", "a string of another length, expected -1 to 1048576"},
           {"beyond any number", "*99999999999999999999\r\n", "an array of another length"},
           {"below none", "$-2\r\n", "a string of another length"},
           {"no number", "*x\r\n", "an array of another length"},
           {"a number and more", "$1x\r\n", "a string of another length"},
           {"an endless line", '+' + std::string(1'048'577, 'x'), "a line of more than 1048576 bytes"},
           {"large in sum", "*17\r\n" + Repeated("$1048576\r\n" + std::string(1'048'576, 'x') + "\r\n", 17),
            "more than 16777216 bytes"},
           {"a type of RESP3", "%1\r\n", "a value of another type"},
           {"another protocol", "HTTP/1.1 400 Bad Request\r\n", "a value of another type"},
           {"an empty line", "\r\n", "a value of another type"},
           {"a line end of another kind", "+OK\n*1\r\n", "LF alone"},
       }) {
    const auto checked = Check(bytes);
    ASSERT_FALSE(checked) << name;
    EXPECT_NE(checked.error().message.find(error), std::string::npos)
        << name << ": " << checked.error().message;
  }
}

TEST(ReplyBoundsTest, WhatAServerAnsweredIsNotRepeated) {
  for (const char* bytes : {"AUTH secret\r\n", "$secret\r\n", "*secret\r\n", "+secret\n"}) {
    const auto checked = Check(bytes);
    ASSERT_FALSE(checked);
    EXPECT_EQ(checked.error().message.find("secret"), std::string::npos) << checked.error().message;
  }
}

}  // namespace
}  // namespace redis_zk::testing::reply_bounds_test
