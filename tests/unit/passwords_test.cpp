#include "daemon/passwords.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "unit/files.h"
#include "unit/log_fixture.h"

namespace redis_zk::testing::passwords_test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class PasswordsTest : public ::testing::Test {
 protected:
  PasswordsTest() {
    common_.passwords.redis.file = ReadPasswordFile(Write("old secret\n")).value();
    common_.passwords.redis_username = "me";
    SettleCredentials(common_);
  }
  // Another file under the same name, as stat tells it.
  std::string Write(const std::string& text) {
    const std::string draft = WriteFile(dir_.path() / "draft", text);
    chmod(draft.c_str(), 0600);
    std::filesystem::rename(draft, path_);
    return path_;
  }
  // As often as a second passes.
  void Look(daemon::Passwords& passwords, int times) {
    for (int i = 0; i < times; ++i) passwords.Look(now_ += 1s);
  }
  std::string Current() const {
    const auto credentials = common_.credentials.redis.Get();
    return credentials->username + ": " + credentials->password + ", " + credentials->old_password;
  }

  const CapturedLog log_;
  const TempDir dir_;
  const std::string path_ = (dir_.path() / "secret").string();
  CommonOptions common_;
  TimePoint now_ = Clock::now();
};

TEST_F(PasswordsTest, ReadsAFileThatHasChangedOnceItRests) {
  daemon::Passwords passwords(common_);
  const redis::CredentialsSource elsewhere = common_.credentials.redis;
  Look(passwords, 3);
  EXPECT_EQ(passwords.generation(), 0);
  Write("new secret\nold secret\n");
  Look(passwords, 1);
  EXPECT_EQ(Current(), "me: old secret, ");
  Look(passwords, 1);
  EXPECT_EQ(Current(), "me: new secret, old secret");
  EXPECT_EQ(elsewhere.Get()->password, "new secret") << "whoever has the source sees it";
  EXPECT_EQ(passwords.generation(), 1);
  Write("new secret\n");
  Look(passwords, 5);
  EXPECT_EQ(Current(), "me: new secret, ");
  EXPECT_EQ(passwords.generation(), 2);
  EXPECT_THAT(log_.text(), Not(HasSubstr("secret\n")));
  EXPECT_THAT(log_.text(), Not(HasSubstr("new secret")));
}

TEST_F(PasswordsTest, ReadsItAtOnceWhenAsked) {
  daemon::Passwords passwords(common_);
  Write("new secret\nold secret\n");
  passwords.Reload();
  EXPECT_EQ(Current(), "me: new secret, old secret");
  EXPECT_EQ(passwords.generation(), 1);
  passwords.Reload();
  EXPECT_EQ(passwords.generation(), 1) << "no server is told the same again";
}

TEST_F(PasswordsTest, KeepsThemWhereTheFileCannotBeUsed) {
  daemon::Passwords passwords(common_);
  Write("new secret\nb\nc\n");
  Look(passwords, 5);
  EXPECT_EQ(Current(), "me: old secret, ");
  const std::string said = log_.text();
  EXPECT_THAT(said, HasSubstr("REDIS_PASSWORD_FILE: passwords not reloaded"));
  EXPECT_THAT(said, HasSubstr("it has 3 lines"));
  EXPECT_EQ(said.find("not reloaded"), said.rfind("not reloaded")) << "once";
  EXPECT_THAT(said, Not(HasSubstr("new secret")));
  std::filesystem::remove(path_);
  Look(passwords, 5);
  passwords.Reload();
  EXPECT_EQ(Current(), "me: old secret, ") << "some take it away after the start";
  Write("new secret\n");
  Look(passwords, 3);
  EXPECT_EQ(Current(), "me: new secret, ");
}

TEST_F(PasswordsTest, RejectsAFileOpenToOthersWhereThatIsStrict) {
  common_.strict_secrets = true;
  daemon::Passwords passwords(common_);
  Write("new secret\n");
  chmod(path_.c_str(), 0644);
  Look(passwords, 3);
  EXPECT_EQ(Current(), "me: old secret, ");
  EXPECT_THAT(log_.text(), HasSubstr("is open to other users of this host"));
  chmod(path_.c_str(), 0600);
  passwords.Reload();
  EXPECT_EQ(Current(), "me: new secret, ");
}

TEST_F(PasswordsTest, LeavesAloneWhatTheEnvironmentSays) {
  common_.passwords.redis.text = "given";
  SettleCredentials(common_);
  daemon::Passwords passwords(common_);
  Write("new secret\n");
  Look(passwords, 3);
  passwords.Reload();
  EXPECT_EQ(Current(), "me: given, ");
  EXPECT_EQ(passwords.generation(), 0);
}

}  // namespace
}  // namespace redis_zk::testing::passwords_test
