#include "daemon/passwords.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "daemon/server_passwords.h"
#include "support/replies.h"
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

TEST_F(PasswordsTest, AFileThatCannotBeUsedHoldsUpNoOther) {
  const std::string other = WriteFile(dir_.path() / "other", "sentinels\n");
  chmod(other.c_str(), 0600);
  common_.passwords.sentinel.file = ReadPasswordFile(other).value();
  SettleCredentials(common_);
  daemon::Passwords passwords(common_);
  Look(passwords, 2);
  WriteFile(other, "a\nb\nc\n");
  Write("new secret\n");
  Look(passwords, 5);
  EXPECT_EQ(Current(), "me: new secret, ");
  EXPECT_EQ(passwords.generation(), 1) << "the server is told";
  EXPECT_EQ(common_.credentials.sentinel.Get()->password, "sentinels");
  EXPECT_THAT(log_.text(), HasSubstr("SENTINEL_PASSWORD_FILE: passwords not reloaded"));
  WriteFile(other, "new sentinels\n");
  Look(passwords, 5);
  EXPECT_EQ(common_.credentials.sentinel.Get()->password, "new sentinels");
  EXPECT_EQ(passwords.generation(), 2);
}

TEST_F(PasswordsTest, SeesAChangeBeforeItsFirstLook) {
  Write("new secret\n");
  daemon::Passwords passwords(common_);
  Look(passwords, 2);
  EXPECT_EQ(Current(), "me: new secret, ");
  EXPECT_EQ(passwords.generation(), 1);
}

TEST_F(PasswordsTest, TellsNobodyOfTheSamePasswords) {
  daemon::Passwords passwords(common_);
  Look(passwords, 3);
  Write("old secret\n");
  Look(passwords, 3);
  EXPECT_EQ(passwords.generation(), 0);
  EXPECT_EQ(log_.text(), "");
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

// Answers each question with the next of these.
class ScriptedServer final : public redis::KeptServer {
 public:
  explicit ScriptedServer(std::vector<redis::Reply> replies)
      : KeptServer({"10.0.0.1", 6379}), replies_(std::move(replies)) {}
  Result<redis::Replies> Ask(const std::vector<redis::Command>& commands) override {
    asked += commands.front().front() + ' ';
    if (replies_.empty()) return Fail(ErrorKind::kTimeout, "no answer in time");
    redis::Replies replies{replies_.front()};
    replies_.erase(replies_.begin());
    return replies;
  }
  std::string asked;

 private:
  std::vector<redis::Reply> replies_;
};

TEST_F(PasswordsTest, AServerIsToldAndTheLogSaysWhatItAccepts) {
  const redis::Reply unknown = Wrong("ERR unknown command `ACL`, with args beginning with: `SETUSER`");
  const redis::Reply refused = Wrong("NOPERM this user has no permissions to run the 'acl' command");
  const redis::Conf own_rules{.dir = "/",
                              .lines = {{.file = "redis.conf",
                                         .number = 1,
                                         .text = "aclfile /x",
                                         .name = "aclfile",
                                         .words = {"aclfile", "/x"}}}};
  const daemon::Passwords passwords(common_);
  struct Row {
    const char* name;
    redis::Credentials credentials;
    std::vector<redis::Reply> replies;
    std::string asked;
    bool taken;
    const char* said;
    redis::Conf users{};
  };
  for (const auto& [name, credentials, replies, asked, taken, said, users] : std::initializer_list<Row>{
           {"both", {"", "new", "old"}, {Ok()}, "ACL ", true, "accepts the new password and the old one"},
           {"one", {"", "new"}, {Ok()}, "ACL ", true, "accepts the new password alone"},
           {"no ACL",
            {"", "new", "old"},
            {unknown, Ok()},
            "ACL CONFIG ",
            true,
            "accepts the old password alone"},
           {"no ACL, one",
            {"", "new"},
            {unknown, Ok()},
            "ACL CONFIG ",
            true,
            "accepts the new password alone"},
           {"neither", {"", "new", "old"}, {unknown, unknown}, "ACL CONFIG ", false, "refuses CONFIG SET"},
           {"refused", {"", "new", "old"}, {refused, Ok()}, "ACL ", false, "it refuses ACL SETUSER"},
           {"silent", {"", "new", "old"}, {}, "ACL ", false, "no answer in time"},
           {"own rules", {"", "new", "old"}, {}, "", true, "your own rules for its users", own_rules},
           {"a named user", {"me", "new", "old"}, {}, "", true, "your own rules for its users"},
           {"no password", {}, {}, "", true, ""}}) {
    const CapturedLog log;
    ScriptedServer server(replies);
    daemon::ServerPasswords told(passwords, credentials, server, "redis-server");
    EXPECT_EQ(told.Check(users), taken) << name;
    EXPECT_EQ(server.asked, asked) << name;
    if (*said == '\0') {
      EXPECT_EQ(log.text(), "") << name;
    } else {
      EXPECT_THAT(log.text(), HasSubstr(said)) << name;
    }
  }
}

}  // namespace
}  // namespace redis_zk::testing::passwords_test
