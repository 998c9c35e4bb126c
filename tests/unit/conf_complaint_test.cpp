#include "redis/conf_complaint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <vector>

#include "os/child_output.h"
#include "unit/files.h"

namespace redis_zk::testing::conf_complaint_test {
namespace {

using redis::ComplaintReader;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

const std::string kHead = "*** FATAL CONFIG FILE ERROR (Redis 7.0.15) ***";
const std::string kAtLine = "Reading the configuration file, at line ";

// What is logged of the lines.
std::vector<std::string> Hear(ComplaintReader& reader, const std::vector<std::string>& lines) {
  std::vector<std::string> logged;
  for (const auto& line : lines) logged.push_back(reader.Hear(line));
  return logged;
}

TEST(ComplaintReaderTest, HearsWhatTheServerRefuses) {
  ComplaintReader reader;
  EXPECT_THAT(Hear(reader, {"1:C # oO0OoO0OoO0Oo Redis is starting", kHead, kAtLine + "3",
                            ">>> 'maxclients many'", "argument couldn't be parsed into an integer"}),
              ElementsAre("1:C # oO0OoO0OoO0Oo Redis is starting", kHead, kAtLine + "3",
                          ">>> 'maxclients ...'", "argument couldn't be parsed into an integer"));
  ASSERT_TRUE(reader.complaint());
  EXPECT_EQ(reader.complaint()->text, "maxclients many");
  EXPECT_EQ(reader.complaint()->number, 3);
  EXPECT_EQ(reader.complaint()->why, "argument couldn't be parsed into an integer");
}

TEST(ComplaintReaderTest, HearsOfNoLine) {
  ComplaintReader reader;
  Hear(reader, {kHead, "Can't open the log file: Permission denied"});
  ASSERT_TRUE(reader.complaint());
  EXPECT_EQ(reader.complaint()->text, "");
  EXPECT_EQ(reader.complaint()->why, "Can't open the log file: Permission denied");
}

TEST(ComplaintReaderTest, LogsNoSecret) {
  const std::string filler(os::LineCutter::kLongestLine - 5, 'x');
  for (const auto& lines : std::initializer_list<std::vector<std::string>>{
           {kHead, kAtLine + "1", ">>> 'requirepass s3cret x'", "wrong number of arguments"},
           {kHead, kAtLine + "1", ">>> 'requirpass s3cret'", "Bad directive or wrong number of arguments"},
           {kHead, kAtLine + "1", ">>> 'requirepass\"s3cret'", "Bad directive or wrong number of arguments"},
           {kHead, kAtLine + "1", ">>> 'user joe on <s3cret'",
            "Error in user declaration '<s3cret': No such"},
           {kHead, kAtLine + "1", ">>> '" + filler, "s3cret" + filler, "s3cret'", "wrong"}}) {
    ComplaintReader reader;
    for (const auto& line : Hear(reader, lines)) EXPECT_THAT(line, Not(HasSubstr("s3cret"))) << lines[2];
    ASSERT_TRUE(reader.complaint()) << lines[2];
    EXPECT_THAT(reader.complaint()->why, Not(HasSubstr("s3cret")));
  }
}

TEST(ComplaintReaderTest, LeavesOtherLinesAlone) {
  ComplaintReader reader;
  for (const char* line : {">>> 'x y'", "Reading the configuration file, at line 1", "it's 'quoted'", ""})
    EXPECT_EQ(reader.Hear(line), line);
  EXPECT_FALSE(reader.complaint());
  Hear(reader, {kHead, kAtLine + "1", ">>> 'a b'", "why"});
  EXPECT_EQ(reader.Hear(">>> 'x y'"), ">>> 'x y'") << "it is over";
}

TEST(DescribeComplaintTest, NamesTheUsersLine) {
  const TempDir dir;
  WriteFile(dir.path() / "more.conf", "\nmaxclients many\n");
  const auto path = WriteFile(dir.path() / "user.conf",
                              "rename-command GET \"\"\ninclude more.conf\nlogfile /no/x.log\n"
                              "rename-command GET \"\"\nport 1\n");
  const auto conf = redis::ReadConf(path, dir.path().string()).value();
  const auto more = (dir.path() / "more.conf").string();
  struct Row {
    const char* name;
    redis::ConfComplaint complaint;
    std::string sentence;
  };
  for (const auto& [name, complaint, sentence] : std::initializer_list<Row>{
           {"of an included file",
            {.text = "maxclients many", .number = 2, .why = "no integer"},
            more + ":2: maxclients: no integer"},
           {"cut off",
            {.text = "maxcl", .cut_off = true, .number = 9, .why = "x"},
            more + ":2: maxclients: x"},
           {"the second of two",
            {.text = "rename-command GET \"\"", .number = 4, .why = "No such command"},
            path + ":4: rename-command: No such command"},
           {"in a copy with other numbers",
            {.text = "rename-command GET \"\"", .number = 77, .why = "No such command"},
            path + ":1: rename-command: No such command"},
           {"a line of ours",
            {.text = "masteruser x", .number = 4, .why = "Bad directive"},
            path + ": masteruser, a line that is not yours: Bad directive"},
           {"of no line", {.why = "replicaof is not allowed"}, path + ": replicaof is not allowed"},
           {"of the log file",
            {.why = "Can't open the log file: Permission denied"},
            path + ":3: Can't open the log file: Permission denied"}}) {
    EXPECT_EQ(redis::Describe(complaint, conf, path), sentence) << name;
  }
}

}  // namespace
}  // namespace redis_zk::testing::conf_complaint_test
