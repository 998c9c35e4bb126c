#include "redis/credentials.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <vector>

#include "redis/default_user.h"

namespace redis_zk::testing::credentials_test {
namespace {

using redis::Acceptance;
using redis::Verdict;

TEST(ChoosePasswordTest, TakesTheNewOneUnlessAServerAcceptsTheOldOneAlone) {
  constexpr Acceptance kBoth{Verdict::kAccepts, Verdict::kAccepts};
  constexpr Acceptance kNew{Verdict::kAccepts, Verdict::kRefuses};
  constexpr Acceptance kOld{Verdict::kRefuses, Verdict::kAccepts};
  constexpr Acceptance kNeither{Verdict::kRefuses, Verdict::kRefuses};
  constexpr Acceptance kSilent{Verdict::kSilent, Verdict::kSilent};
  struct Row {
    const char* name;
    std::vector<Acceptance> servers;
    std::string password;
  };
  for (const auto& [name, servers, password] : std::initializer_list<Row>{
           {"nobody to ask", {}, "new"},
           {"the file has not changed there", {kOld, kOld, kOld}, "old"},
           {"it has on some", {kBoth, kOld, kBoth}, "old"},
           {"it has on all", {kBoth, kBoth, kBoth}, "new"},
           {"the old one is gone on some", {kNew, kBoth, kBoth}, "new"},
           {"the old one is gone on all", {kNew, kNew, kNew}, "new"},
           {"one is away", {kBoth, kSilent, kBoth}, "new"},
           {"one is away, one has not changed", {kOld, kSilent, kBoth}, "old"},
           {"a stranger", {kBoth, kNeither, kBoth}, "new"},
           {"a stranger, and one that has not changed", {kOld, kNeither, kBoth}, "old"},
           {"fell silent in between", {{Verdict::kRefuses, Verdict::kSilent}}, "new"}}) {
    EXPECT_EQ(redis::ChoosePassword({"", "new", "old"}, servers), password) << name;
  }
}

redis::ConfLine Line(const std::string& name, std::vector<std::string> words) {
  return {.file = "redis.conf", .number = 1, .text = name, .name = name, .words = std::move(words)};
}

TEST(DefaultUserTest, IsOursUnlessTheUserSaysItsRules) {
  struct Row {
    const char* name;
    redis::Credentials credentials;
    std::vector<redis::ConfLine> lines;
    bool ours;
  };
  for (const auto& [name, credentials, lines, ours] : std::initializer_list<Row>{
           {"a password", {"", "new"}, {}, true},
           {"none", {}, {}, false},
           {"a named user's", {"me", "new"}, {}, false},
           {"the user's own password, which ours replaces",
            {"", "new"},
            {Line("requirepass", {"requirepass", "x"})},
            true},
           {"another user's rules", {"", "new"}, {Line("user", {"user", "app", "on"})}, true},
           {"the default user's rules", {"", "new"}, {Line("user", {"user", "default", "on"})}, false},
           {"a file of rules", {"", "new"}, {Line("aclfile", {"aclfile", "/x"})}, false}}) {
    EXPECT_EQ(redis::IsDefaultUserOurs({.dir = "/", .lines = lines}, credentials), ours) << name;
  }
}

TEST(DefaultUserTest, HasTheOldPasswordWhereAServerTakesOneAlone) {
  EXPECT_EQ(redis::RequiredPassword({"", "new", "old"}, true), "new");
  EXPECT_EQ(redis::RequiredPassword({"", "new", "old"}, false), "old");
  EXPECT_EQ(redis::RequiredPassword({"", "new"}, false), "new");
}

}  // namespace
}  // namespace redis_zk::testing::credentials_test
