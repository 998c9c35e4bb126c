#include "redis-wrapper/history.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <vector>

namespace redis_zk::testing::history_test {
namespace {

using redis::Role;
using redis::ServerInfo;
using redis_wrapper::Compare;
using redis_wrapper::Continue;
using redis_wrapper::Order;
using store::Dataset;
using store::History;

Dataset Data(const std::string& id, std::int64_t offset, const std::string& previous = "") {
  return {.replication_id = id, .previous_id = previous, .offset = offset, .bytes = 1};
}

Dataset Copy(const std::string& id, std::int64_t offset, const std::string& original) {
  Dataset dataset = Data(id, offset);
  dataset.copy_of = original;
  return dataset;
}

const History kNothing{};
const History kChapters{.replication_id = "c", .offset = 300, .ancestors = {{"a", 100}, {"b", 200}}};

Order Reverse(Order order) {
  switch (order) {
    case Order::kOlder:
      return Order::kNewer;
    case Order::kNewer:
      return Order::kOlder;
    default:
      return order;
  }
}

TEST(CompareTest, TellsWhichDataContainTheOther) {
  struct Row {
    const char* name;
    Dataset one;
    Dataset other;
    History history;
    Order order;
  };
  for (const auto& [name, one, other, history, order] : std::initializer_list<Row>{
           {"one id, ahead", Data("c", 2), Data("c", 1), kNothing, Order::kNewer},
           {"one id, equal", Data("c", 1), Data("c", 1), kNothing, Order::kSame},
           {"one id that the history does not know", Data("x", 1), Data("x", 2), kChapters, Order::kOlder},
           {"a later chapter outranks a higher offset", Data("c", 1), Data("b", 999), kChapters,
            Order::kNewer},
           {"two ancestors", Data("a", 999), Data("b", 1), kChapters, Order::kOlder},
           {"a child of the newest chapter", Data("d", 1, "c"), Data("c", 999), kChapters, Order::kNewer},
           {"a child of an old chapter", Data("d", 999, "a"), Data("b", 1), kChapters, Order::kOlder},
           {"a child, without a history", Data("d", 1, "c"), Data("c", 999), kNothing, Order::kNewer},
           {"two children of one parent", Data("d", 1, "c"), Data("e", 1, "c"), kChapters, Order::kUnrelated},
           {"a copy without a name beside its original", Copy("x", 999, "c"), Data("c", 1), kChapters,
            Order::kOlder},
           {"a copy without a name beside what came before", Copy("x", 1, "c"), Data("b", 999), kChapters,
            Order::kNewer},
           {"a copy without a name beside a child of what came before", Copy("x", 1, "c"),
            Data("d", 999, "b"), kChapters, Order::kNewer},
           {"two copies of one name", Copy("x", 1, "c"), Copy("x", 2, "c"), kChapters, Order::kOlder},
           {"two copies of one original", Copy("x", 1, "c"), Copy("y", 2, "c"), kChapters, Order::kUnrelated},
           {"a copy of what nobody knows", Copy("x", 1, "z"), Data("c", 1), kChapters, Order::kUnrelated},
           {"a copy whose name is known", Copy("c", 2, "b"), Data("c", 1), kChapters, Order::kNewer},
           {"a stranger beside the newest", Data("x", 999), Data("c", 1), kChapters, Order::kUnrelated},
           {"two strangers", Data("x", 1), Data("y", 1), kChapters, Order::kUnrelated},
           {"no history at all", Data("a", 1), Data("b", 1), kNothing, Order::kUnrelated},
           {"nameless beside a name", Data("", 999), Data("c", 1), kChapters, Order::kUnrelated},
           {"two nameless", Data("", 2), Data("", 1), kChapters, Order::kUnrelated},
       }) {
    EXPECT_EQ(Compare(one, other, history), order) << name;
    EXPECT_EQ(Compare(other, one, history), Reverse(order)) << name << ", the other way round";
  }
}

ServerInfo Master(const std::string& id, std::int64_t offset, const std::string& previous = "",
                  std::int64_t until = -1) {
  return {.role = Role::kMaster,
          .replication_id = id,
          .offset = offset,
          .previous_replication_id = previous,
          .previous_until = until};
}

TEST(ContinueTest, AddsAChapterWhereANewOneBegan) {
  struct Row {
    const char* name;
    History before;
    ServerInfo master;
    std::string loaded;
    std::string id;
    std::vector<History::Chapter> ancestors;
  };
  for (const auto& [name, before, master, loaded, id, ancestors] : std::initializer_list<Row>{
           {"the first of all", kNothing, Master("a", 1), "", "a", {}},
           {"as before", kChapters, Master("c", 400), "c", "c", {{"a", 100}, {"b", 200}}},
           {"a replica was promoted",
            kChapters,
            Master("d", 310, "c", 305),
            "",
            "d",
            {{"a", 100}, {"b", 200}, {"c", 305}}},
           {"a restart from an append-only file",
            kChapters,
            Master("d", 0),
            "c",
            "d",
            {{"a", 100}, {"b", 200}, {"c", 300}}},
           {"two promotions since the last report",
            kChapters,
            Master("e", 500, "d", 400),
            "",
            "e",
            {{"a", 100}, {"b", 200}, {"c", 300}, {"d", 400}}},
           {"data of an earlier chapter were all that was left",
            kChapters,
            Master("d", 5),
            "b",
            "d",
            {{"a", 100}, {"b", 200}, {"c", 300}}},
           {"data of a stranger were chosen",
            kChapters,
            Master("y", 5),
            "x",
            "y",
            {{"a", 100}, {"b", 200}, {"c", 300}, {"x", 5}}},
           {"a failover was undone", kChapters, Master("b", 500), "b", "b", {{"a", 100}, {"c", 300}}},
       }) {
    const auto after = Continue(before, master, loaded);
    EXPECT_EQ(after.replication_id, id) << name;
    EXPECT_EQ(after.offset, master.offset) << name;
    EXPECT_EQ(after.ancestors, ancestors) << name;
    EXPECT_EQ(Continue(after, master, loaded), after) << name << ": once is enough";
  }
}

TEST(ContinueTest, ForgetsTheOldestOfVeryManyChapters) {
  History history;
  for (int i = 0; i < 1000; ++i)
    history = Continue(history, Master("id" + std::to_string(i), i, history.replication_id, i), "");
  EXPECT_EQ(history.ancestors.size(), 64U);
  EXPECT_EQ(history.ancestors.back().replication_id, "id998");
}

}  // namespace
}  // namespace redis_zk::testing::history_test
