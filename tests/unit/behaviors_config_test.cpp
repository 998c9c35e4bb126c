#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <initializer_list>
#include <string>
#include <vector>

#include "base/exit_code.h"
#include "unit/files.h"
#include "watcher/behaviors/config.h"

namespace redis_zk::testing::behaviors_config_test {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using watcher::BehaviorSettings;
using watcher::ReadBehaviors;

class BehaviorsConfigTest : public ::testing::Test {
 protected:
  BehaviorsConfigTest() {
    std::filesystem::permissions(WriteFile(dir_.path() / "plain", "text"),
                                 std::filesystem::perms::owner_read);
    WriteFile(dir_.path() / "header", "Authorization: Bearer hunter2\n");
    WriteFile(dir_.path() / "no_header", "hunter2\n");
  }

  // The file as the watcher reads it; DIR stands for the directory of the test.
  OptionsOutcome Read(std::string text) {
    for (std::size_t at = 0; (at = text.find("DIR", at)) != std::string::npos;)
      text.replace(at, 3, dir_.path().string());
    Options options("tester", "");
    options.Add({"PORT0", "", "1"}, WholeNumber(1, 9), &port_);
    options.AddSections("behavior", [this](const auto& sections) -> std::vector<std::string> {
      auto read = ReadBehaviors(sections);
      behaviors_ = read.value_or(std::vector<BehaviorSettings>{});
      return read ? std::vector<std::string>{} : read.error();
    });
    const std::string path = WriteFile(dir_.path() / "tester.toml", text);
    const std::vector<const char*> argv{"tester", "--config-file", path.c_str()};
    return options.Read(static_cast<int>(argv.size()), argv.data(), [](const char*) { return nullptr; });
  }

  TempDir dir_;
  std::int64_t port_ = 0;
  std::vector<BehaviorSettings> behaviors_;
};

TEST_F(BehaviorsConfigTest, TakesSections) {
  struct Row {
    const char* name;
    const char* text;
    std::vector<std::string> names;
  };
  for (const auto& [name, text, names] : std::initializer_list<Row>{
           {"none", "port0 = 1\n", {}},
           {"the least",
            "[behavior.a]\non = [\"*\"]\ndo = \"exec\"\ncommand = [\"/bin/true\"]\n"
            "[behavior.b]\non = [\"following\"]\ndo = \"webhook\"\nurl = \"http://h\"\n",
            {"a", "b"}},
           {"all that there is",
            "port0 = 2\n[behavior.Pager_1-a]\non = [\"master-changed\", \"zookeeper-lost\"]  # both\n"
            "do = 'exec'\ncommand = [\"/bin/sh\", \"-c\", \"a b, c\", \"x=y\", \"it's\", \"#1\"]\ntimeout = "
            "\"1h\"\n"
            "queue = 10000\n"
            "[behavior.chat]\non = [\"*\"]\ndo = \"webhook\"\nurl = \"http://[::1]:8000/a?b=c\"\n"
            "timeout = 1\nretry_for = 0\nqueue = 1\nheader_file = \"DIR/header\"\n",
            {"Pager_1-a", "chat"}},
           {"lists of one", "[behavior.a]\non = \"*\"\ndo = \"exec\"\ncommand = \"/bin/true\"\n", {"a"}},
           {"dotted keys",
            "behavior.a.on = \"*\"\nbehavior.a.do = \"webhook\"\nbehavior.a.url = \"http://h\"\n",
            {"a"}}}) {
    const auto outcome = Read(text);
    EXPECT_FALSE(outcome.exit_code) << name << ": " << outcome.text;
    std::vector<std::string> found;
    for (const auto& behavior : behaviors_) found.push_back(behavior.section.name);
    EXPECT_EQ(found, names) << name;
  }
}

TEST_F(BehaviorsConfigTest, ReadsWhatHoldsForAllKinds) {
  ASSERT_FALSE(Read("[behavior.a]\non = [\"group-gone\", \"clean-up\"]\ndo = \"exec\"\n"
                    "command = [\"/bin/true\"]\nqueue = 7\n"
                    "[behavior.b]\non = [\"*\"]\ndo = \"webhook\"\nurl = \"http://h\"\n")
                   .exit_code);
  ASSERT_THAT(behaviors_, SizeIs(2));
  EXPECT_THAT(behaviors_[0].on, ElementsAre("clean-up", "group-gone"));
  EXPECT_EQ(behaviors_[0].kind, "exec");
  EXPECT_EQ(behaviors_[0].queue, 7U);
  EXPECT_THAT(behaviors_[1].on, IsEmpty());
  EXPECT_EQ(behaviors_[1].kind, "webhook");
  EXPECT_EQ(behaviors_[1].queue, 100U);
}

TEST_F(BehaviorsConfigTest, SaysWhatIsWrong) {
  const std::string exec = "[behavior.x]\non = [\"*\"]\ndo = \"exec\"\ncommand = [\"/bin/true\"]\n";
  const std::string hook = "[behavior.x]\non = [\"*\"]\ndo = \"webhook\"\nurl = \"http://h\"\n";
  const auto hook_to = [](const std::string& url) {
    return "[behavior.x]\non = [\"*\"]\ndo = \"webhook\"\nurl = \"" + url + "\"\n";
  };
  const auto run = [](const std::string& command) {
    return "[behavior.x]\non = [\"*\"]\ndo = \"exec\"\ncommand = " + command + "\n";
  };
  const auto on = [](const std::string& kinds) {
    return "[behavior.x]\non = " + kinds + "\ndo = \"exec\"\ncommand = [\"/bin/true\"]\n";
  };
  const std::string executable = "expected the absolute path of an executable file first";
  const std::string url = "url: found a value that is not shown, expected http";
  struct Row {
    const char* name;
    std::string text;
    std::string error;
  };
  for (const auto& [name, text, error] : std::initializer_list<Row>{
           {"unknown kind of event", on("[\"master-changd\"]"),
            "on: found \"master-changd\", expected \"*\" or kinds of events: master-changed, master-down"},
           {"kind in upper case", on("[\"Following\"]"), "on: found \"Following\""},
           {"the same twice", on("[\"following\", \"following\"]"), "on: found \"following\" twice"},
           {"all and one more", on("[\"*\", \"following\"]"), "on: found \"*\" and others"},
           {"no kinds", on("[]"), "on: found nothing, expected a list"},
           {"an empty kind", on("[\"\"]"), "on: found \"\""},
           {"without on", "[behavior.x]\ndo = \"webhook\"\nurl = \"http://h\"\n", "on: found nothing"},
           {"without do", "[behavior.x]\non = [\"*\"]\n", "do: found nothing, expected a value"},
           {"unknown do", "[behavior.x]\non = [\"*\"]\ndo = \"mail\"\nto = \"me\"\n",
            "do: found \"mail\", expected \"exec\" or \"webhook\""},
           {"two kinds", "[behavior.x]\non = [\"*\"]\ndo = [\"exec\", \"webhook\"]\n", "do: found 2 values"},
           {"an unknown key", exec + "shell = \"on\"\n", "found \"shell\", expected only the keys that"},
           {"a key of the other kind", exec + "url = \"http://h\"\n", "found \"url\""},
           {"a key of the other kind, too", hook + "command = [\"/bin/true\"]\n", "found \"command\""},
           {"key in upper case", exec + "TIMEOUT = \"1s\"\n", "found \"TIMEOUT\""},
           {"no command", "[behavior.x]\non = [\"*\"]\ndo = \"exec\"\n", "command: found nothing"},
           {"an empty command", run("[]"), "command: found nothing"},
           {"a relative command", run("[\"true\"]"), "command: found \"true\", " + executable},
           {"an empty word", run("[\"\"]"), "command: found \"\", " + executable},
           {"a command line", run("\"/bin/true --loud\""), "found \"/bin/true --loud\", " + executable},
           {"a command that is not there", run("[\"/no/such\"]"), "found \"/no/such\", " + executable},
           {"a directory", run("[\"/bin\"]"), "found \"/bin\", " + executable},
           {"wrong timeout", exec + "timeout = \"soon\"\n", "timeout: found \"soon\", expected a duration"},
           {"no time at all", exec + "timeout = 0\n", "timeout: found \"0\", expected a duration from"},
           {"negative timeout", exec + "timeout = \"-1s\"\n", "timeout: found \"-1s\""},
           {"too long a timeout", exec + "timeout = \"61m\"\n", "timeout: found \"61m\""},
           {"no queue", exec + "queue = 0\n", "queue: found \"0\", expected a whole number from 1 to 10000"},
           {"too long a queue", exec + "queue = 10001\n", "queue: found \"10001\""},
           {"without url", "[behavior.x]\non = [\"*\"]\ndo = \"webhook\"\n", "url: found nothing"},
           {"another scheme", hook_to("ftp://h/"), url},
           {"no scheme", hook_to("h:8000/x"), url},
           {"no host", hook_to("http:///x"), url},
           {"a user", hook_to("http://hunter2@h/x"), url},
           {"wrong port", hook_to("http://h:99999/x"), url},
           {"a blank", hook_to("http://h/a b"), url},
           {"too patient a webhook", hook + "timeout = \"2m\"\n", "timeout: found \"2m\""},
           {"for ever", hook + "retry_for = \"25h\"\n", "retry_for: found \"25h\""},
           {"no such header file", hook + "header_file = \"/no/such\"\n",
            "header_file: found \"/no/such\", expected a readable file"},
           {"header file without a header", hook + "header_file = \"DIR/no_header\"\n",
            "expected a file whose first line is a header, \"Name: value\""},
           {"empty section", "[behavior.x]\n", "[behavior.x] on: found nothing"},
           {"a name with a blank",
            "[behavior.'a b']\non = [\"*\"]\ndo = \"exec\"\ncommand = [\"/bin/true\"]\n",
            "[behavior.a b]: found this name, expected"},
           {"the section twice", exec + exec, "found [behavior.x], which is set already"},
           {"no name", "[behavior]\non = [\"*\"]\n", "found the key \"behavior.on\""},
           {"a section in a section", "[behavior.a.b]\non = [\"*\"]\n", "found the key \"behavior.a.b.on\""},
           {"another section", "[behaviour.x]\non = \"*\"\n", "found the key \"behaviour.x.on\""}}) {
    const auto outcome = Read(text);
    EXPECT_EQ(outcome.exit_code, kExitConfig) << name;
    EXPECT_THAT(outcome.text, AllOf(HasSubstr(error), HasSubstr("tester.toml:"), Not(HasSubstr("hunter2"))))
        << name;
    EXPECT_THAT(behaviors_, IsEmpty()) << name;
  }
}

TEST_F(BehaviorsConfigTest, SaysAllThatIsWrongAtOnce) {
  const auto outcome = Read(
      "port0 = 0\n"
      "[behavior.a]\non = [\"nothing\"]\ndo = \"exec\"\ncommand = [\"true\"]\ntimeout = \"x\"\nshell = 1\n"
      "[behavior.b]\ndo = \"mail\"\n");
  EXPECT_EQ(outcome.exit_code, kExitConfig);
  ASSERT_THAT(outcome.errors, SizeIs(7)) << outcome.text;
  EXPECT_THAT(outcome.errors[0], HasSubstr("PORT0"));
  EXPECT_THAT(outcome.errors[1], HasSubstr("tester.toml: [behavior.a] on: "));
  EXPECT_THAT(outcome.errors[2], HasSubstr("[behavior.a] timeout: "));
  EXPECT_THAT(outcome.errors[3], HasSubstr("[behavior.a] command: "));
  EXPECT_THAT(outcome.errors[4], HasSubstr("[behavior.a]: found \"shell\""));
  EXPECT_THAT(outcome.errors[5], HasSubstr("[behavior.b] on: "));
  EXPECT_THAT(outcome.errors[6], HasSubstr("[behavior.b] do: "));
}

}  // namespace
}  // namespace redis_zk::testing::behaviors_config_test
