#include "options/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace redis_zk::testing::command_line_test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

CommandLine Parsed(const std::vector<const char*>& words) {
  std::vector<const char*> argv{"daemon"};
  argv.insert(argv.end(), words.begin(), words.end());
  return ParseCommandLine(
      static_cast<int>(argv.size()), argv.data(),
      {.repeatable = {"--zk-hosts", "--port"}, .single = {"--to"}, .switches = {"--follow"}});
}

TEST(CommandLineTest, TakesValuesInEitherForm) {
  for (const auto& words : std::vector<std::vector<const char*>>{{"--zk-hosts", "a:1", "--to", "b:2"},
                                                                 {"--zk-hosts=a:1", "--to=b:2"}}) {
    const CommandLine line = Parsed(words);
    EXPECT_FALSE(line.error) << *line.error;
    EXPECT_THAT(line.repeated.at("--zk-hosts"), ElementsAre("a:1"));
    EXPECT_THAT(line.repeated.at("--port"), IsEmpty());
    EXPECT_EQ(line.single.at("--to"), "b:2");
    EXPECT_THAT(line.given, ElementsAre("--to"));
    EXPECT_THAT(line.extras, IsEmpty());
  }
}

TEST(CommandLineTest, KeepsEveryValueOfARepeatedFlag) {
  const CommandLine line = Parsed({"--port", "1", "--follow", "--port", "2"});
  EXPECT_FALSE(line.error) << *line.error;
  EXPECT_THAT(line.repeated.at("--port"), ElementsAre("1", "2"));
  EXPECT_THAT(line.given, ElementsAre("--follow"));
}

TEST(CommandLineTest, KeepsWhatItDoesNotKnow) {
  const CommandLine line = Parsed({"word", "--nonsense=1", "--port", "1", "2"});
  EXPECT_FALSE(line.error) << *line.error;
  EXPECT_THAT(line.extras, ElementsAre("word", "--nonsense=1", "2"));
  EXPECT_THAT(line.repeated.at("--port"), ElementsAre("1")) << "one value, each time that it is given";
}

TEST(CommandLineTest, KnowsHelpAndVersion) {
  EXPECT_TRUE(Parsed({"-h"}).help);
  EXPECT_TRUE(Parsed({"--port", "1", "--help"}).help);
  EXPECT_TRUE(Parsed({"--version"}).version);
  EXPECT_FALSE(Parsed({}).help || Parsed({}).version);
}

TEST(CommandLineTest, SaysWhatIsMissing) {
  const CommandLine line = Parsed({"--port"});
  ASSERT_TRUE(line.error);
  EXPECT_THAT(*line.error, HasSubstr("--port"));
  EXPECT_THAT(line.repeated.at("--port"), IsEmpty());
}

}  // namespace
}  // namespace redis_zk::testing::command_line_test
