#include "store/ownership.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>

namespace redis_zk::testing::ownership_test {
namespace {

using redis::ServerInfo;
using store::BelongsToGroup;
using store::Dataset;
using store::DescribeStranger;
using store::GroupMarks;

ServerInfo Server(const std::string& id, const std::string& previous = "") {
  return {.replication_id = id, .previous_replication_id = previous};
}
const Dataset kNoData{};
const GroupMarks kGroup{.history = {.replication_id = "c", .ancestors = {{"a", 1}, {"b", 2}}},
                        .datasets = {{.node = "n", .dataset = {.replication_id = "d", .previous_id = "e"}},
                                     {.node = "m", .dataset = kNoData}},
                        .own = {.replication_id = "o", .previous_id = "p"}};
const GroupMarks kOfTheOriginals{.datasets = {{.node = "n", .dataset = {.replication_id = "d"}}}};
const GroupMarks kMemoryOnly{.history = {.replication_id = "c"}};

TEST(BelongsToGroupTest, GoesByTheNamesOfTheData) {
  struct Row {
    const char* name;
    ServerInfo info;
    GroupMarks marks;
    bool belongs;
  };
  for (const auto& [name, info, marks, belongs] : std::initializer_list<Row>{
           {"the newest chapter", Server("c"), kGroup, true},
           {"an ancestor", Server("a"), kGroup, true},
           {"promoted, the record has not heard yet", Server("new", "c"), kGroup, true},
           {"promoted from an ancestor", Server("new", "b"), kGroup, true},
           {"seen on a node that is gone", Server("d"), kGroup, true},
           {"what was seen on a node, before", Server("e"), kGroup, true},
           {"what this node has on its disk", Server("o"), kGroup, true},
           {"what this node had before", Server("new", "p"), kGroup, true},
           {"a stranger", Server("x"), kGroup, false},
           {"a stranger with a past", Server("x", "y"), kGroup, false},
           {"a server that names nothing", Server(""), kGroup, false},
           {"nodes without names of their data", Server("", ""), kMemoryOnly, false},
           {"a group without files", Server("c"), kMemoryOnly, true},
           {"a stranger to a group without files", Server("x"), kMemoryOnly, false},
           {"no master of ours yet", Server("x"), kOfTheOriginals, true},
           {"nothing is known at all", Server("x"), GroupMarks{}, true}}) {
    EXPECT_EQ(BelongsToGroup(info, marks), belongs) << name;
  }
}

TEST(DescribeStrangerTest, ShowsTheIdAndNoControlCharacter) {
  EXPECT_EQ(DescribeStranger(Server("abc\n")).find('\n'), std::string::npos);
  EXPECT_NE(DescribeStranger(Server("abc")).find("(replication id abc)"), std::string::npos);
}

}  // namespace
}  // namespace redis_zk::testing::ownership_test
