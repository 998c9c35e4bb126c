#include "redis-wrapper/command_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <vector>

#include "unit/files.h"

namespace redis_zk::testing::command_check_test {
namespace {

using redis::Fate;
using redis::Reply;
using redis_wrapper::AskAboutCommands;
using redis_wrapper::JudgeCommands;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

const std::vector<redis::NeededCommand> kNeeded{{"PSYNC", Fate::kCannotWork, "no copies"},
                                                {"CONFIG", Fate::kHinders, "no fence", {"CONFIG", "SET"}},
                                                {"EXEC", Fate::kHinders, "no failover"}};

Reply Known(std::vector<bool> known) {
  Reply reply{.type = Reply::Type::kArray};
  for (const bool each : known)
    reply.items.push_back({.type = each ? Reply::Type::kArray : Reply::Type::kNil});
  return reply;
}
Reply Text(const char* text) { return {.type = Reply::Type::kText, .text = text}; }
Reply Error(const char* text) { return {.type = Reply::Type::kError, .text = text}; }

const Reply kDenied = Text("This user has no permissions to run the 'config|set' command");

TEST(CommandCheckTest, AsksForAllAtOnceAndForTheRightsOfTheUser) {
  EXPECT_THAT(AskAboutCommands(kNeeded, ""),
              ElementsAre(redis::Command{"COMMAND", "INFO", "PSYNC", "CONFIG", "EXEC"},
                          redis::Command{"ACL", "DRYRUN", "default", "CONFIG", "SET"}));
  EXPECT_EQ(AskAboutCommands(kNeeded, "node")[1][2], "node");
}

TEST(CommandCheckTest, NamesWhatTheServerLacks) {
  struct Row {
    const char* name;
    redis::Replies answers;
    std::vector<std::string> hinders;
    std::string refusal;
  };
  const TempDir dir;
  for (const auto& [name, answers, hinders, refusal] :
       std::initializer_list<Row>{{"all there", {Known({true, true, true}), Text("OK")}, {}, ""},
                                  {"one is unknown",
                                   {Known({true, true, false}), Text("OK")},
                                   {"redis-server does not know EXEC: no failover"},
                                   ""},
                                  {"one is unknown without which nothing works",
                                   {Known({false, true, true}), Text("OK")},
                                   {},
                                   "redis-server does not know PSYNC: no copies"},
                                  {"one is denied",
                                   {Known({true, true, true}), kDenied},
                                   {"redis-server does not let REDIS_USERNAME run CONFIG SET: no fence"},
                                   ""},
                                  {"an unknown one is no denied one",
                                   {Known({true, false, true}), Error("ERR Command 'CONFIG' not found")},
                                   {"redis-server does not know CONFIG: no fence"},
                                   ""},
                                  {"rights cannot be asked for",
                                   {Known({true, true, true}), Error("ERR unknown subcommand")},
                                   {},
                                   ""},
                                  {"the user may ask nothing", {Error("NOPERM"), Error("NOPERM")}, {}, ""},
                                  {"commands cannot be asked for",
                                   {Error("ERR unknown command"), kDenied},
                                   {"redis-server does not let REDIS_USERNAME run CONFIG SET: no fence"},
                                   ""},
                                  {"no answers", {}, {}, ""},
                                  {"fewer than there were questions", {Known({true})}, {}, ""}}) {
    const auto findings = JudgeCommands(kNeeded, {}, answers);
    EXPECT_EQ(findings.hinders, hinders) << name;
    EXPECT_EQ(findings.refusal, refusal) << name;
  }
  const auto path = WriteFile(dir.path() / "redis.conf", "rename-command exec \"\"\n");
  const auto users = redis::ReadConf(path, dir.path().string()).value();
  EXPECT_THAT(JudgeCommands(kNeeded, users, {Known({true, true, false}), Text("OK")}).hinders, IsEmpty())
      << "its line is told by itself";
}

}  // namespace
}  // namespace redis_zk::testing::command_check_test
