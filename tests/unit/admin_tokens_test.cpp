#include "watcher/admin_tokens.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <vector>

#include "unit/files.h"

namespace redis_zk::testing::admin_tokens_test {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using watcher::AdminToken;
using watcher::NamesOf;
using watcher::ParseAdminTokens;
using watcher::ReadAdminTokens;

TEST(AdminTokensTest, AreOneOrOneForEachName) {
  struct Row {
    const char* name;
    const char* text;
    std::vector<AdminToken> tokens;
  };
  const AdminToken nameless{"", "secret0123456789"};
  const AdminToken alice{"alice", "secret0123456789"};
  const AdminToken bob{"deploy.bot-2_x", "secret9876543210"};
  for (const auto& [name, text, tokens] : std::initializer_list<Row>{
           {"one without a name", "secret0123456789\n", {nameless}},
           {"without an end", "secret0123456789", {nameless}},
           {"blanks at the end", "secret0123456789 \t\r\n\n \n", {nameless}},
           {"one with a name", "alice:secret0123456789\n", {alice}},
           {"two", "alice:secret0123456789\r\ndeploy.bot-2_x:secret9876543210", {alice, bob}},
       }) {
    const auto found = ParseAdminTokens(text);
    ASSERT_TRUE(found) << name << ": " << found.error().message;
    EXPECT_EQ(*found, tokens) << name;
  }
  EXPECT_EQ(NamesOf({alice, bob}), "alice, deploy.bot-2_x");
  EXPECT_EQ(NamesOf({nameless}), "");
}

TEST(AdminTokensTest, WithAnythingElseAreRefusedByLine) {
  struct Row {
    const char* name;
    std::string text;
    const char* found;
  };
  const std::string good = "alice:secret0123456789\n";
  const std::string long_name(33, 's');
  for (const auto& [name, text, found] : std::initializer_list<Row>{
           {"empty", "", "it has no line"},
           {"blank", " \n\n", "it has no line"},
           {"too short", "secret012345678", "line 1 has a token of 15 characters"},
           {"a blank within", "secret 0123456789",
            "line 1 has a token with a blank, a colon or an "
            "unprintable character"},
           {"a blank behind the name", "alice: secret0123456789",
            "line 1 has a token with a blank, a colon or "
            "an unprintable character"},
           {"two colons", "alice:secret:0123456789",
            "line 1 has a token with a blank, a colon or an "
            "unprintable character"},
           {"no ASCII", "secret0123456789\xc3\xa4",
            "line 1 has a token with a blank, a colon or an "
            "unprintable character"},
           {"an empty name", ":secret0123456789", "line 1 has an empty name"},
           {"a long name", long_name + ":secret0123456789",
            "line 1 has a name with other characters than letters, digits, \".\", \"_\" and \"-\", or more "
            "than 32 of them"},
           {"a name with a blank", "secret alice:secret0123456789",
            "line 1 has a name with other characters than letters, digits, \".\", \"_\" and \"-\", or more "
            "than 32 of them"},
           {"a short one below", good + "bob:secret", "line 2 has a token of 6 characters"},
           {"an empty token", good + "bob:", "line 2 has an empty token"},
           {"an empty line", good + "\nbob:secret9876543210", "line 2 is empty"},
           {"one without a name below", good + "secret9876543210", "line 2 of 2 has no name"},
           {"one without a name above", "secret9876543210\n" + good, "line 1 of 2 has no name"},
           {"the same name", good + "alice:secret9876543210", "line 2 has the name of line 1"},
           {"the same token", good + "bob:secret0123456789", "line 2 has the token of line 1"},
       }) {
    const auto tokens = ParseAdminTokens(text);
    ASSERT_FALSE(tokens) << name;
    EXPECT_THAT(tokens.error().message, EndsWith(std::string("; ") + found)) << name;
    EXPECT_THAT(tokens.error().message, Not(HasSubstr("secret"))) << name;
    EXPECT_THAT(tokens.error().message, Not(HasSubstr("alice"))) << name;
  }
}

TEST(AdminTokensTest, ComeFromARegularFile) {
  const TempDir directory;
  const auto file = directory.path() / "tokens";
  WriteFile(file, "alice:secret0123456789\n");
  const auto tokens = ReadAdminTokens(file.string());
  ASSERT_TRUE(tokens) << tokens.error().message;
  EXPECT_EQ(tokens->path, file.string());
  EXPECT_EQ(tokens->list, (std::vector<AdminToken>{{"alice", "secret0123456789"}}));
  EXPECT_THAT(ReadAdminTokens("/dev/null").error().message, EndsWith("; it is no regular file"));
  EXPECT_THAT(ReadAdminTokens((directory.path() / "none").string()).error().message,
              EndsWith("; it is no regular file"));
}

}  // namespace
}  // namespace redis_zk::testing::admin_tokens_test
