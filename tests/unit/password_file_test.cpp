#include "options/password_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <initializer_list>
#include <string>

#include "options/common_options.h"
#include "unit/files.h"

namespace redis_zk::testing::password_file_test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(PasswordFileTest, HasOneLineOrTwo) {
  struct Row {
    const char* name;
    const char* text;
    const char* password;
    const char* old_password;
  };
  for (const auto& [name, text, password, old_password] :
       std::initializer_list<Row>{{"one line", "secret\n", "secret", ""},
                                  {"one line without an end", "secret", "secret", ""},
                                  {"two lines", "new\nold\n", "new", "old"},
                                  {"two lines without an end", "new\nold", "new", "old"},
                                  {"blanks at the ends of lines", "new \t\r\nold\r\n", "new", "old"},
                                  {"blanks within", " n e w\n old\n", " n e w", " old"},
                                  {"empty lines at the end", "new\nold\n\n \n", "new", "old"},
                                  {"an empty second line", "secret\n\n", "secret", ""},
                                  {"the same twice", "secret\nsecret\n", "secret", ""}}) {
    const auto lines = ParsePasswordLines(text);
    ASSERT_TRUE(lines) << name << ": " << lines.error().message;
    EXPECT_EQ(lines->password, password) << name;
    EXPECT_EQ(lines->old_password, old_password) << name;
  }
}

TEST(PasswordFileTest, WithAnythingElseIsRefused) {
  struct Row {
    const char* name;
    const char* text;
    const char* found;
  };
  for (const auto& [name, text, found] :
       std::initializer_list<Row>{{"empty", "", "it has no line"},
                                  {"blank", " \n\n", "it has no line"},
                                  {"an empty first line", "\nsecret\n", "it has an empty first line"},
                                  {"three lines", "secret\nb\nc\n", "it has 3 lines"},
                                  {"three, one empty", "secret\n\nc\n", "it has 3 lines"}}) {
    const auto lines = ParsePasswordLines(text);
    ASSERT_FALSE(lines) << name;
    EXPECT_THAT(lines.error().message, HasSubstr(found)) << name;
    EXPECT_THAT(lines.error().message, Not(HasSubstr("secret"))) << name;
  }
}

TEST(PasswordFileTest, EndsAStartInOneLine) {
  const TempDir dir;
  const std::string file = WriteFile(dir.path() / "secret", "one\ntwo\nthree\n");
  CommonOptions common;
  Options options("tester", "Tests the options.");
  AddCommonOptions(options, &common);
  const char* const argv[] = {"tester", "--redis-password-file", file.c_str()};
  const auto outcome = options.Read(3, argv, [](const char*) -> const char* { return nullptr; });
  ASSERT_EQ(outcome.errors.size(), 1U);
  EXPECT_THAT(outcome.errors.front(), HasSubstr("REDIS_PASSWORD_FILE (flag)"));
  EXPECT_THAT(outcome.errors.front(), HasSubstr("it has 3 lines"));
}

// The variable without _FILE wins, and has no old one.
TEST(PasswordFileTest, IsOutrankedByTheVariable) {
  const TempDir dir;
  const std::string file = WriteFile(dir.path() / "secret", "new\nold\n");
  for (const char* given : {"", "given"}) {
    CommonOptions common;
    Options options("tester", "Tests the options.");
    AddCommonOptions(options, &common);
    const char* const argv[] = {"tester", "--redis-password-file", file.c_str(), "--redis-username", "me"};
    const auto outcome = options.Read(5, argv, [given](const char* name) -> const char* {
      return std::string(name) == "REDIS_PASSWORD" && *given != '\0' ? given : nullptr;
    });
    ASSERT_FALSE(outcome.exit_code) << outcome.text;
    const auto credentials = common.credentials.redis.Get();
    EXPECT_EQ(credentials->username, "me");
    EXPECT_EQ(credentials->password, *given == '\0' ? "new" : "given");
    EXPECT_EQ(credentials->old_password, *given == '\0' ? "old" : "");
  }
}

}  // namespace
}  // namespace redis_zk::testing::password_file_test
