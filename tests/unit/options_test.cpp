#include "options/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <initializer_list>
#include <map>
#include <string>
#include <vector>

#include "base/exit_code.h"
#include "unit/files.h"
#include "zookeeper/hosts.h"

namespace redis_zk::testing::options_test {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

using Variables = std::map<std::string, std::string>;

std::size_t CountLines(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

// A daemon with one option of each kind.
class OptionsTest : public ::testing::Test {
 protected:
  OptionsOutcome Read(const std::vector<std::string>& flags, const Variables& environment = {}) {
    Options options("tester", "Tests the options.");
    options.AddCommand("ask", "asks the daemon", {"PORT0"});
    options.AddCommand("tell", "tells", {"PORT0"})
        .Argument("NAME", Command::Need::kNeeded, ParseMasterName, &name_)
        .Flag("--port", "PORT", "the same", WholeNumber(1, 65535), &port_)
        .Switch("--loud", "shouts", &loud_)
        .Example("tester tell me");
    options.Add({"ZK_ROOT", "the root", "/redis"}, zookeeper::ParsePath, &root_);
    options.Add({"PORT0", "the port", "6379"}, WholeNumber(1, 65535), &port_);
    options.Add({"USER_NAME", "a text without a default", ""}, ParseText, &user_);
    options.AddSecret("PASSWORD", "the password", &password_);
    options.AddCheck([this] {
      ++checks_;
      return port_ == 666 ? std::vector<std::string>{"PORT0: not this one", "and this is why"}
                          : std::vector<std::string>{};
    });
    std::vector<const char*> argv{"tester"};
    for (const auto& flag : flags) argv.push_back(flag.c_str());
    return options.Read(static_cast<int>(argv.size()), argv.data(), [&environment](const char* name) {
      const auto found = environment.find(name);
      return found == environment.end() ? nullptr : found->second.c_str();
    });
  }
  OptionsOutcome ReadText(const std::string& text) {
    return Read({"--config-file", WriteFile(dir_.path() / "options.toml", text)});
  }

  TempDir dir_;
  std::string root_;
  std::int64_t port_ = 0;
  std::string user_ = "unchanged";
  std::string password_;
  int checks_ = 0;
  std::string name_;
  bool loud_ = false;
};

TEST(OptionNameTest, FollowsFromTheEnvironmentVariable) {
  EXPECT_EQ(FlagOf("ZK_HOSTS"), "--zk-hosts");
  EXPECT_EQ(FlagOf("PORT0"), "--port0");
  EXPECT_EQ(FileKeyOf("ZK_HOSTS"), "zk_hosts");
  EXPECT_EQ(FileKeyOf("PORT0"), "port0");
}

TEST_F(OptionsTest, FallsBackToTheDefaults) {
  const auto outcome = Read({});
  EXPECT_FALSE(outcome.exit_code) << outcome.text;
  EXPECT_EQ(outcome.text, "");
  EXPECT_EQ(root_, "/redis");
  EXPECT_EQ(port_, 6379);
  EXPECT_EQ(user_, "unchanged");
  EXPECT_EQ(password_, "");
  EXPECT_EQ(checks_, 1);
}

TEST_F(OptionsTest, PrefersFlagToEnvironmentToFileToDefault) {
  struct Row {
    const char* name;
    const char* flag;
    const char* environment;
    const char* file;
    const char* wanted;
  };
  for (const auto& [name, flag, environment, file, wanted] :
       std::initializer_list<Row>{{"all", "/flag", "/env", "/file", "/flag"},
                                  {"flag and environment", "/flag", "/env", nullptr, "/flag"},
                                  {"flag and file", "/flag", nullptr, "/file", "/flag"},
                                  {"flag", "/flag", nullptr, nullptr, "/flag"},
                                  {"environment and file", nullptr, "/env", "/file", "/env"},
                                  {"environment", nullptr, "/env", nullptr, "/env"},
                                  {"empty environment and file", nullptr, "", "/file", "/file"},
                                  {"empty environment", nullptr, "", nullptr, "/redis"},
                                  {"file", nullptr, nullptr, "/file", "/file"},
                                  {"nothing", nullptr, nullptr, nullptr, "/redis"}}) {
    std::vector<std::string> flags;
    Variables variables;
    if (flag != nullptr) flags = {"--zk-root", flag};
    if (environment != nullptr) variables["ZK_ROOT"] = environment;
    if (file != nullptr) {
      variables["CONFIG_FILE"] =
          WriteFile(dir_.path() / "options.toml", std::string("zk_root = \"") + file + "\"\n");
    }
    const auto outcome = Read(flags, variables);
    EXPECT_FALSE(outcome.exit_code) << name << ": " << outcome.text;
    EXPECT_EQ(root_, wanted) << name;
  }
}

TEST_F(OptionsTest, WrongTextThatIsOverruledDoesNoHarm) {
  const auto outcome = Read({"--port0=1"}, {{"PORT0", "wrong"}});
  EXPECT_FALSE(outcome.exit_code) << outcome.text;
  EXPECT_EQ(port_, 1);
}

TEST_F(OptionsTest, TakesFlagsInEitherForm) {
  EXPECT_FALSE(Read({"--zk-root=/a", "--port0", "1"}).exit_code);
  EXPECT_EQ(root_, "/a");
  EXPECT_EQ(port_, 1);
}

TEST_F(OptionsTest, RefusesWrongUsageWith64) {
  struct Row {
    const char* name;
    std::vector<std::string> flags;
    const char* message;
  };
  for (const auto& [name, flags, message] : std::initializer_list<Row>{
           {"unknown flag", {"--nonsense"}, "\"--nonsense\" on the command line"},
           {"unknown flag with a value", {"--nonsense=1"}, "--nonsense"},
           {"a word", {"start"}, "found a word that is no flag and no command on the command line"},
           {"a short flag", {"-p"}, "-p"},
           {"flag in upper case", {"--PORT0", "1"}, "--PORT0"},
           {"flag with underscores", {"--zk_root", "/a"}, "--zk_root"},
           {"a shortened flag", {"--port", "1"}, "--port"},
           {"no value", {"--port0"}, "--port0"},
           {"twice", {"--port0", "1", "--port0", "2"}, "--port0"},
           {"wrong value", {"--port0", "0"}, "PORT0 (flag): found \"0\", expected"},
           {"negative value", {"--port0", "-5"}, "found \"-5\""},
           {"empty value", {"--zk-root", ""}, "ZK_ROOT (flag): found \"\""}}) {
    const auto outcome = Read(flags);
    EXPECT_EQ(outcome.exit_code, kExitUsage) << name;
    EXPECT_THAT(outcome.text, AllOf(StartsWith("tester: "), HasSubstr(message))) << name;
    EXPECT_EQ(checks_, 0) << name;
  }
}

TEST_F(OptionsTest, RefusesWrongConfigurationWith78) {
  struct Row {
    const char* name;
    Variables environment;
    const char* message;
  };
  for (const auto& [name, environment, message] : std::initializer_list<Row>{
           {"wrong number",
            {{"PORT0", "http"}},
            "PORT0 (environment): found \"http\", expected a whole number"},
           {"blank", {{"PORT0", " "}}, "PORT0 (environment): found \" \""},
           {"wrong path", {{"ZK_ROOT", "redis"}}, "ZK_ROOT (environment): found \"redis\""},
           {"line break",
            {{"USER_NAME", "a\nb"}},
            "USER_NAME (environment): found \"a?b\", expected text without"},
           {"missing file",
            {{"CONFIG_FILE", "/nonexistent/x.toml"}},
            "found \"/nonexistent/x.toml\", expected"}}) {
    const auto outcome = Read({}, environment);
    EXPECT_EQ(outcome.exit_code, kExitConfig) << name;
    EXPECT_THAT(outcome.text, AllOf(StartsWith("tester: "), HasSubstr(message))) << name;
    EXPECT_EQ(CountLines(outcome.text), 1U) << name;
    EXPECT_EQ(checks_, 0) << name;
  }
}

TEST_F(OptionsTest, NamesAllErrorsAtOnce) {
  const auto outcome =
      Read({"--config-file", WriteFile(dir_.path() / "options.toml", "port0 = 0\nnonsense = 1\n"), "--wrong"},
           {{"ZK_ROOT", "redis"}, {"USER_NAME", "\x01"}});
  EXPECT_EQ(outcome.exit_code, kExitUsage) << "usage outranks configuration";
  for (const char* part : {"--wrong", "ZK_ROOT", "PORT0", "USER_NAME", "nonsense"}) {
    EXPECT_THAT(outcome.text, HasSubstr(part));
  }
  EXPECT_EQ(CountLines(outcome.text), 5U) << outcome.text;
}

TEST_F(OptionsTest, KeepsEveryErrorToOneShortLine) {
  const auto outcome = Read({}, {{"PORT0", "1\n2\r3\x1b" + std::string(10'000, 'x')}});
  EXPECT_EQ(CountLines(outcome.text), 1U);
  EXPECT_LT(outcome.text.size(), 300U);
  EXPECT_THAT(outcome.text, AllOf(HasSubstr("\"1?2?3?xxx"), Not(HasSubstr("\x1b"))));
}

TEST_F(OptionsTest, RunsChecksOverRightValuesOnly) {
  const auto outcome = Read({"--port0", "666"});
  EXPECT_EQ(outcome.exit_code, kExitConfig);
  EXPECT_EQ(outcome.text, "tester: PORT0: not this one\ntester: and this is why\n");
  EXPECT_EQ(checks_, 1);
}

TEST_F(OptionsTest, ReadsItsFile) {
  struct Row {
    const char* name;
    const char* text;
    const char* user;
  };
  for (const auto& [name, text, user] : std::initializer_list<Row>{
           {"empty", "", "unchanged"},
           {"comments and blanks", "# user_name = \"x\"\n\n   \n#\n", "unchanged"},
           {"double quotes", "user_name = \"redis\"\n", "redis"},
           {"single quotes", "user_name = 'redis'\n", "redis"},
           {"blanks in it", "user_name = \"a b\"\n", "a b"},
           {"commas in it", "user_name = \"a,b,c\"\n", "a,b,c"},
           {"an equals sign in it", "user_name = \"a=b\"\n", "a=b"},
           {"brackets in it", "user_name = \"[::1]:2181,[::2]:2181\"\n", "[::1]:2181,[::2]:2181"},
           {"no blanks around", "user_name=\"redis\"\n", "redis"},
           {"indented", "\tuser_name = \"redis\"\n", "redis"},
           {"comment behind", "user_name = \"redis\" # the name\n", "redis"},
           {"no line end", "user_name = \"redis\"", "redis"},
           {"carriage returns", "user_name = \"redis\"\r\nport0 = 1\r\n", "redis"},
           {"a hash in quotes", "user_name = \"a#b\" # the name\n", "a#b"},
           {"a hash in single quotes", "user_name = 'a#b'\n", "a#b"},
           {"a number", "user_name = 42\n", "42"},
           {"a boolean", "user_name = true\n", "true"}}) {
    user_ = "unchanged";
    const auto outcome = ReadText(text);
    EXPECT_FALSE(outcome.exit_code) << name << ": " << outcome.text;
    EXPECT_EQ(user_, user) << name;
  }
}

TEST_F(OptionsTest, RefusesAWrongFile) {
  struct Row {
    const char* name;
    const char* text;
    std::string message;
  };
  const std::string file = (dir_.path() / "options.toml").string();
  for (const auto& [name, text, message] : std::initializer_list<Row>{
           {"unknown key", "zk_rot = \"/a\"\n",
            "options.toml:1: found the key \"zk_rot\", expected the options of --help"},
           {"key in upper case", "ZK_ROOT = \"/a\"\n", "found the key \"ZK_ROOT\""},
           {"key with hyphens", "zk-root = \"/a\"\n", "found the key \"zk-root\""},
           {"the file itself", "config_file = \"x.toml\"\n", "found the key \"config_file\""},
           {"wrong value", "port0 = 70000\n", "found \"70000\", expected a whole number from 1 to 65535"},
           {"empty value", "port0 = \"\"\n", "PORT0"},
           {"a list", "zk_root = [\"/a\", \"/b\"]\n",
            "options.toml:1): found a list, expected a text, a whole"},
           {"a fraction", "port0 = 1.5\n",
            "options.toml:1): found a number with a fraction, expected a text"},
           {"a date", "\nuser_name = 2026-01-01\n",
            "USER_NAME (" + file + ":2): found a date, expected a text"},
           {"lines in a text", "user_name = \"\"\"a\nb\"\"\"\n", "found \"a?b\", expected text without"},
           {"words without quotes", "user_name = a b\n",
            "options.toml:1: found what is no TOML, from column"},
           {"twice", "port0 = 1\nport0 = 2\n", "options.toml:2: found port0, which is set already"},
           {"twice, apart", "port0 = 1\nzk_root = \"/a\"\nport0 = 2\n",
            "options.toml:3: found port0, which is"},
           {"a section", "[behavior.x]\nport0 = 1\n", "found the key \"behavior.x.port0\""},
           {"in a section", "[redis]\nport0 = 1\n", "found the key \"redis.port0\""},
           {"YAML", "port0: 6379\n", "found what is no TOML"},
           {"JSON", "{\"port0\": 6379}\n", "found what is no TOML"},
           {"prose", "this is no configuration\n", "found what is no TOML"},
           {"bytes", "\x01\x02\xff\xfe\n", "found what is no TOML"}}) {
    const auto outcome = ReadText(text);
    EXPECT_EQ(outcome.exit_code, kExitConfig) << name;
    EXPECT_THAT(outcome.text, AllOf(HasSubstr(message), HasSubstr("options.toml"))) << name;
  }
}

TEST_F(OptionsTest, NeedsOnlyTheFileThatIsNamed) {
  EXPECT_FALSE(Read({}).exit_code) << "/etc/redis/tester.toml does not exist";
  EXPECT_EQ(Read({"--config-file", (dir_.path() / "missing").string()}).exit_code, kExitConfig);
  EXPECT_EQ(Read({}, {{"CONFIG_FILE", (dir_.path() / "missing").string()}}).exit_code, kExitConfig);
  EXPECT_FALSE(Read({}, {{"CONFIG_FILE", ""}}).exit_code);
  EXPECT_FALSE(Read({"--config-file", WriteFile(dir_.path() / "a", "port0 = 1\n")},
                    {{"CONFIG_FILE", (dir_.path() / "missing").string()}})
                   .exit_code);
  EXPECT_EQ(port_, 1);
}

TEST_F(OptionsTest, TakesSecretsFromVariableFileAndSecretFile) {
  const std::string secret_file = WriteFile(dir_.path() / "secret", "from the secret file\nanother line\n");
  const std::string options_file =
      WriteFile(dir_.path() / "options.toml", "password = \"from the options file\"\n");
  struct Row {
    const char* name;
    std::vector<std::string> flags;
    Variables environment;
    const char* password;
  };
  for (const auto& [name, flags, environment, password] : std::initializer_list<Row>{
           {"none", {}, {}, ""},
           {"variable", {}, {{"PASSWORD", "from the variable"}}, "from the variable"},
           {"options file", {"--config-file", options_file}, {}, "from the options file"},
           {"secret file by variable", {}, {{"PASSWORD_FILE", secret_file}}, "from the secret file"},
           {"secret file by flag", {"--password-file", secret_file}, {}, "from the secret file"},
           {"both variables",
            {},
            {{"PASSWORD_FILE", secret_file}, {"PASSWORD", "from the variable"}},
            "from the variable"},
           {"empty variable",
            {},
            {{"PASSWORD_FILE", secret_file}, {"PASSWORD", ""}},
            "from the secret file"}}) {
    password_.clear();
    const auto outcome = Read(flags, environment);
    EXPECT_FALSE(outcome.exit_code) << name << ": " << outcome.text;
    EXPECT_EQ(password_, password) << name;
  }
}

TEST_F(OptionsTest, TakesTheFirstLineOfASecretFileWithoutBlanksAtItsEnd) {
  for (const char* text : {"secret", "secret\n", "secret\r\n", "secret \t\n", "secret\n\nmore\n"}) {
    EXPECT_FALSE(Read({"--password-file", WriteFile(dir_.path() / "secret", text)}).exit_code) << text;
    EXPECT_EQ(password_, "secret") << text;
  }
  EXPECT_FALSE(Read({"--password-file", WriteFile(dir_.path() / "secret", " #\"'\\ \xc3\xa4\n")}).exit_code);
  EXPECT_EQ(password_, " #\"'\\ \xc3\xa4");
}

TEST_F(OptionsTest, RefusesASecretFileWithoutASecret) {
  for (const auto& path :
       {(dir_.path() / "missing").string(), dir_.path().string(), WriteFile(dir_.path() / "empty", ""),
        WriteFile(dir_.path() / "blank", " \n"), WriteFile(dir_.path() / "late", "\nsecret\n")}) {
    const auto outcome = Read({}, {{"PASSWORD_FILE", path}});
    EXPECT_EQ(outcome.exit_code, kExitConfig) << path;
    EXPECT_THAT(outcome.text, HasSubstr("PASSWORD_FILE (environment): found \"" + path + "\", expected a "))
        << path;
  }
}

TEST_F(OptionsTest, NeverShowsASecret) {
  for (const auto& outcome :
       {Read({}, {{"PASSWORD", "hunter2\n"}}), Read({"--help"}, {{"PASSWORD", "hunter2"}}),
        ReadText("password = \"hunter2\"\nport0 = 0\n"), ReadText("password = \"hunter2\\n\"\n"),
        ReadText("password = hunter2\n"), ReadText("password = [\"hunter2\"]\n"),
        ReadText("password = \"hunter2\n"), ReadText("password = \"\"\"\nhunter2=\nhunter2=\\q\"\"\"\n"),
        ReadText("password = \"hunter2\"\npassword = \"hunter2\"\n")}) {
    EXPECT_TRUE(outcome.exit_code);
    EXPECT_THAT(outcome.text, Not(HasSubstr("hunter2")));
  }
}

TEST_F(OptionsTest, HelpListsEveryOptionInItsFourForms) {
  for (const char* flag : {"--help", "-h"}) {
    const auto outcome = Read({flag, "--port0", "0", "--nonsense"});
    EXPECT_EQ(outcome.exit_code, kExitStopped);
    for (const char* part :
         {"Usage: tester", "Tests the options.", "flag > environment > file > default",
          "  --zk-root   ZK_ROOT   zk_root\n      the root\n      default: /redis\n",
          "  --port0   PORT0   port0\n      the port\n      default: 6379\n",
          "  --user-name   USER_NAME   user_name\n      a text without a default\n      default: none\n",
          "  --password-file   PASSWORD_FILE   password_file\n",
          "  (no flag: command lines are public)   PASSWORD   password\n", "  --config-file   CONFIG_FILE\n",
          "/etc/redis/tester.toml", "--version", "--help"}) {
      EXPECT_THAT(outcome.text, HasSubstr(part));
    }
  }
}

TEST_F(OptionsTest, TakesACommandAsTheFirstWordOnly) {
  EXPECT_EQ(Read({}).command, "");
  const auto asked = Read({"ask", "--port0", "7"});
  EXPECT_FALSE(asked.exit_code) << asked.text;
  EXPECT_EQ(asked.command, "ask");
  EXPECT_EQ(port_, 7);
  EXPECT_EQ(checks_, 1) << "the check is the daemon's";
  EXPECT_EQ(Read({"ask", "--nonsense"}).exit_code, kExitUsage);
  EXPECT_EQ(Read({"--port0", "7", "ask"}).exit_code, kExitUsage);
  EXPECT_EQ(Read({"answer"}).exit_code, kExitUsage);
  EXPECT_THAT(Read({"--help"}).text, HasSubstr("  ask\n      asks the daemon\n"));
}

TEST_F(OptionsTest, CommandIsHinderedOnlyByTheOptionsItUses) {
  const std::string file = WriteFile(dir_.path() / "wrong.toml", "zk_root = \"nonsense\"\nno_such_key = 1\n");
  struct Row {
    const char* name;
    std::vector<std::string> flags;
    Variables environment;
    std::optional<int> exit_code;
  };
  for (const auto& [name, flags, environment, exit_code] : std::initializer_list<Row>{
           {"environment: one that it does not use", {}, {{"ZK_ROOT", "nonsense"}}, std::nullopt},
           {"environment: one that it uses", {}, {{"PORT0", "nonsense"}}, kExitConfig},
           {"file: others", {"--config-file", file}, {}, std::nullopt},
           {"no such file", {"--config-file", "/nonexistent"}, {}, std::nullopt},
           {"flag, which was meant for it", {"--zk-root", "nonsense"}, {}, kExitUsage}}) {
    std::vector<std::string> asked{"ask"};
    asked.insert(asked.end(), flags.begin(), flags.end());
    EXPECT_EQ(Read(asked, environment).exit_code, exit_code) << name;
    EXPECT_TRUE(Read(flags, environment).exit_code) << name << ": the daemon is hindered by all";
  }
}

TEST_F(OptionsTest, CommandTakesAnArgumentAndFlagsOfItsOwn) {
  const auto told = Read({"tell", "me", "--port", "7", "--loud"}, {{"PORT0", "8"}});
  EXPECT_FALSE(told.exit_code) << told.text;
  EXPECT_EQ(told.command, "tell");
  EXPECT_EQ(name_, "me");
  EXPECT_EQ(port_, 7) << "a flag outranks the environment";
  EXPECT_TRUE(loud_);
  EXPECT_THAT(Read({"tell"}).errors, ElementsAre("tell: expected NAME after it"));
  EXPECT_THAT(Read({"tell", "me", "too"}).errors, ElementsAre(HasSubstr("a word that is no flag")));
  EXPECT_THAT(Read({"tell", "m/e"}).errors, ElementsAre(HasSubstr("NAME: found \"m/e\", expected ")));
  EXPECT_THAT(Read({"tell", "me", "--port", "x"}).errors,
              ElementsAre(HasSubstr("--port: found \"x\", expected ")));
  EXPECT_EQ(Read({"ask", "--loud"}).exit_code, kExitUsage) << "another command's";
  EXPECT_EQ(Read({"--loud"}).exit_code, kExitUsage) << "a command's";
  const auto help = Read({"tell", "--help"});
  EXPECT_EQ(help.exit_code, kExitStopped);
  EXPECT_THAT(help.text, HasSubstr("Usage: tester tell NAME"));
  EXPECT_THAT(help.text, HasSubstr("  --port PORT\n      the same\n  --loud\n"));
  EXPECT_THAT(help.text, HasSubstr("\nExample: tester tell me\n"));
}

TEST_F(OptionsTest, SaysItsVersion) {
  const auto outcome = Read({"--version"});
  EXPECT_EQ(outcome.exit_code, kExitStopped);
  EXPECT_EQ(outcome.text, "tester " REDIS_ZK_VERSION "\n");
}

}  // namespace
}  // namespace redis_zk::testing::options_test
