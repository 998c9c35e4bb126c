#include "options/secret_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <initializer_list>
#include <string>
#include <utility>

#include "base/exit_code.h"
#include "daemon/exposure.h"
#include "options/common_options.h"
#include "unit/files.h"
#include "unit/log_fixture.h"

namespace redis_zk::testing::secret_files_test {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

TEST(SecretFilesTest, AreForTheirOwnerAlone) {
  constexpr uid_t kUs = 999;
  constexpr uid_t kOther = 1000;
  struct Row {
    const char* name;
    mode_t mode;
    uid_t owner;
    uid_t user;
    const char* fault;  // empty: none
  };
  for (const auto& [name, mode, owner, user, fault] : std::initializer_list<Row>{
           {"ours", 0600, kUs, kUs, ""},
           {"ours, stricter", 0400, kUs, kUs, ""},
           {"ours, as stat tells it", S_IFREG | 0600, kUs, kUs, ""},
           {"a pipe of ours", S_IFIFO | 0600, kUs, kUs, ""},
           {"the group reads", 0640, kUs, kUs,
            "found mode 0640 and owner 999, expected mode 0600 or stricter and owner 999 or 0"},
           {"the group changes", 0620, kUs, kUs, "found mode 0620"},
           {"others read", S_IFREG | 0604, kUs, kUs, "found mode 0604"},
           {"others change", 0602, kUs, kUs, "found mode 0602"},
           {"everybody", 0777, kUs, kUs, "found mode 0777"},
           {"root's, which only root reads", 0600, 0, kUs, ""},
           {"root's, for our group or by an ACL", 0440, 0, kUs, ""},
           {"root's, which the group changes", 0660, 0, kUs,
            "found mode 0660 and owner 0, expected mode 0640 or stricter"},
           {"root's, for all", 0444, 0, kUs, "found mode 0444 and owner 0, expected mode 0640 or stricter"},
           {"root's, and so are we", 0400, 0, 0, ""},
           {"root's, for a group, and we are root", 0440, 0, 0,
            "found mode 0440 and owner 0, expected mode 0600 or stricter and owner 0"},
           {"another's", 0600, kOther, kUs,
            "found mode 0600 and owner 1000, expected mode 0600 or stricter and owner 999 or 0"},
           {"another's, and we are root", 0600, kOther, 0, "and owner 0"},
       }) {
    const auto found = FindFault(mode, owner, user);
    EXPECT_EQ(found.has_value(), *fault != '\0') << name;
    if (found) {
      EXPECT_THAT(*found, HasSubstr(fault)) << name;
    }
  }
}

TEST(SecretFilesTest, OfALinkWhatItLeadsToCounts) {
  const TempDir dir;
  const std::string secret = WriteFile(dir.path() / "secret", "s\n");
  const std::string link = (dir.path() / "link").string();
  ASSERT_EQ(symlink(secret.c_str(), link.c_str()), 0);
  chmod(secret.c_str(), 0600);
  EXPECT_THAT(FindOpen({{"A_FILE", "flag", link}}), IsEmpty());
  chmod(secret.c_str(), 0644);
  EXPECT_THAT(FindOpen({{"A_FILE", "flag", link}, {"B_FILE", "flag", (dir.path() / "gone").string()}}),
              ElementsAre(AllOf(HasSubstr("A_FILE (flag): " + link + " is open to other users"),
                                HasSubstr("found mode 0644"))));
}

// Through the options of every daemon.
class StrictSecretsTest : public ::testing::Test {
 protected:
  OptionsOutcome Read(const char* strict, mode_t mode) {
    chmod(secret_.c_str(), mode);
    Options options("tester", "Tests the options.");
    options.AddCommand("ask", "asks the daemon", {"REDIS_PASSWORD_FILE"});
    AddCommonOptions(options, &common_);
    const char* const argv[] = {"tester", "--redis-password-file", secret_.c_str(), "--strict-secrets",
                                strict};
    return options.Read(5, argv, [](const char*) -> const char* { return nullptr; });
  }

  TempDir dir_;
  const std::string secret_ = WriteFile(dir_.path() / "secret", "top secret\n");
  CommonOptions common_;
};

TEST_F(StrictSecretsTest, Warn) {
  EXPECT_FALSE(Read("off", 0600).exit_code);
  EXPECT_THAT(common_.open_secret_files, IsEmpty());
  EXPECT_FALSE(Read("off", 0644).exit_code);
  EXPECT_EQ(common_.credentials.redis.Get()->password, "top secret");
  const CapturedLog log;
  daemon::WarnOfSecretFiles(common_);
  EXPECT_THAT(log.text(), AllOf(HasSubstr("REDIS_PASSWORD_FILE (flag): " + secret_),
                                HasSubstr("found mode 0644 and owner "), HasSubstr("expected mode 0600"),
                                Not(HasSubstr("top secret"))));
}

TEST_F(StrictSecretsTest, AConfigFileWithAPasswordIsOne) {
  for (const auto& [line, files] :
       {std::pair{"redis_password = \"top secret\"\n", 1U}, std::pair{"master_name = \"other\"\n", 0U}}) {
    const std::string file = WriteFile(dir_.path() / "tester.toml", line);
    chmod(file.c_str(), 0644);
    common_ = {};
    Options options("tester", "Tests the options.");
    AddCommonOptions(options, &common_);
    const char* const argv[] = {"tester", "--config-file", file.c_str()};
    EXPECT_FALSE(options.Read(3, argv, [](const char*) -> const char* { return nullptr; }).exit_code);
    ASSERT_EQ(common_.open_secret_files.size(), files) << line;
    if (files > 0) {
      EXPECT_THAT(common_.open_secret_files.front(),
                  HasSubstr("REDIS_PASSWORD (" + file + ":1): " + file + " is open to other users"));
    }
  }
}

TEST_F(StrictSecretsTest, EndTheStart) {
  EXPECT_FALSE(Read("on", 0600).exit_code);
  const auto outcome = Read("on", 0640);
  EXPECT_EQ(outcome.exit_code, kExitConfig);
  EXPECT_THAT(outcome.errors, ElementsAre(AllOf(HasSubstr("REDIS_PASSWORD_FILE (flag): " + secret_),
                                                HasSubstr("found mode 0640"))));
  EXPECT_THAT(common_.open_secret_files, IsEmpty()) << "it is not said twice";
}

}  // namespace
}  // namespace redis_zk::testing::secret_files_test
