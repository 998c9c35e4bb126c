#include <gtest/gtest.h>

#include <initializer_list>
#include <string>

#include "zookeeper/lock.h"

namespace redis_zk::testing::contender_test {
namespace {

using zookeeper::ContenderSequence;

const std::string kGuid(32, 'a');

TEST(ContenderSequenceTest, ReadsTheNamesOfKazoosLock) {
  struct Row {
    const char* name;
    std::string contender;
    std::int64_t sequence;
  };
  for (const auto& [name, contender, sequence] :
       std::initializer_list<Row>{{"first", kGuid + "__lock__0000000000", 0},
                                  {"later", kGuid + "__lock__0000000042", 42},
                                  {"last before it wraps", kGuid + "__lock__2147483647", 2147483647},
                                  {"wrapped", kGuid + "__lock__-2147483648", -2147483648LL},
                                  {"wrapped, with leading zeros", kGuid + "__lock__-0000000001", -1},
                                  {"another guid", "x__lock__0000000007", 7},
                                  {"no guid", "__lock__0000000007", 7},
                                  {"mark in the guid", "__lock____lock__0000000007", 7}}) {
    EXPECT_EQ(ContenderSequence(contender), sequence) << name;
  }
}

TEST(ContenderSequenceTest, FindsNoContenderInAnyOtherName) {
  struct Row {
    const char* name;
    std::string other;
  };
  for (const auto& [name, other] :
       std::initializer_list<Row>{{"nothing", ""},
                                  {"guid", kGuid},
                                  {"no number", kGuid + "__lock__"},
                                  {"number too short", kGuid + "__lock__000000042"},
                                  {"number too long", kGuid + "__lock__00000000042"},
                                  {"negative number too short", kGuid + "__lock__-000000042"},
                                  {"number with letters", kGuid + "__lock__000000004x"},
                                  {"number with a sign", kGuid + "__lock__+000000042"},
                                  {"number with a blank", kGuid + "__lock__ 000000042"},
                                  {"two signs", kGuid + "__lock__--000000042"},
                                  {"more behind", kGuid + "__lock__0000000042x"},
                                  {"Curator's", "_c_" + kGuid + "-lock-0000000042"},
                                  {"kazoo's read lock", kGuid + "__rlock__0000000042"},
                                  {"ZooKeeper's recipe", "n-0000000042"},
                                  {"one underscore", kGuid + "_lock_0000000042"},
                                  {"capitals", kGuid + "__LOCK__0000000042"}}) {
    EXPECT_EQ(ContenderSequence(other), std::nullopt) << name;
  }
}

}  // namespace
}  // namespace redis_zk::testing::contender_test
