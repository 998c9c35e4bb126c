// redis.conf and sentinel.conf as people have them. What a real redis-server says of the same lines is in
// e2e/test_user_conf.py.
#include "redis/conf_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <initializer_list>
#include <string>
#include <vector>

#include "unit/conf_lines.h"
#include "unit/files.h"

namespace redis_zk::testing::conf_file_test {
namespace {

using redis::Conf;
using redis::ReadConf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

class ConfFileTest : public ::testing::Test {
 protected:
  std::string Write(const std::string& name, const std::string& text) const {
    return WriteFile(dir_.path() / name, text);
  }
  Result<Conf> Read(const std::string& text) const {
    return ReadConf(Write("user.conf", text), dir_.path().string());
  }
  std::vector<Words> WordsOf(const std::string& text) const {
    std::vector<Words> words;
    const auto conf = Read(text);
    for (const auto& line : conf.value().lines) words.push_back(line.words);
    return words;
  }
  std::string Name(const std::string& name) const { return (dir_.path() / name).string(); }

  const TempDir dir_;
};

TEST_F(ConfFileTest, LinesAreReadAsRedisReadsThem) {
  struct Row {
    const char* name;
    std::string text;
    std::vector<Words> words;
  };
  for (const auto& [name, text, words] : std::initializer_list<Row>{
           {"nothing", "", {}},
           {"blank lines", "\n \t\n\r\n", {}},
           {"comments, with an open quote", "# it's\n  \t# \"\n#\n", {}},
           {"a comment begins a line only", "maxclients 100 # x\n", {{"maxclients", "100", "#", "x"}}},
           {"a quoted hash is no comment", "\"#x\" 1\n", {{"#x", "1"}}},
           {"leading and trailing blanks", " \t maxclients\t 100 \t\n", {{"maxclients", "100"}}},
           {"CRLF", "save \"\"\r\nmaxclients 100\r\n", {{"save", ""}, {"maxclients", "100"}}},
           {"no line end", "maxclients 100", {{"maxclients", "100"}}},
           {"quotes and escapes",
            R"(requirepass "a\x20b\"\\\n")"
            "\n",
            {{"requirepass", "a b\"\\\n"}}},
           {"single quotes",
            R"(requirepass 'a"\x20 \'')"
            "\n",
            {{"requirepass", "a\"\\x20 '"}}},
           {"every byte but NUL and line end",
            "requirepass \"\x01\x7f\x80\xff\"\n",
            {{"requirepass", "\x01\x7f\x80\xff"}}},
           {"several addresses", "bind 127.0.0.1 -::1\n", {{"bind", "127.0.0.1", "-::1"}}},
           {"a renamed command", "rename-command CONFIG \"\"\n", {{"rename-command", "CONFIG", ""}}},
           {"a user",
            "user bob on >s3cret ~* &* +@all\n",
            {{"user", "bob", "on", ">s3cret", "~*", "&*", "+@all"}}},
           {"a module", "loadmodule /m.so a \"b c\"\n", {{"loadmodule", "/m.so", "a", "b c"}}},
           {"others of Redis' own",
            "unixsocket /run/redis.sock\ntls-port 6380\nio-threads 4\naclfile /etc/users.acl\n",
            {{"unixsocket", "/run/redis.sock"},
             {"tls-port", "6380"},
             {"io-threads", "4"},
             {"aclfile", "/etc/users.acl"}}}}) {
    EXPECT_EQ(WordsOf(text), words) << name;
  }
}

TEST_F(ConfFileTest, DirectivesHaveOneName) {
  struct Row {
    const char* line;
    const char* name;
  };
  for (const auto& [line, name] :
       std::initializer_list<Row>{{"MaxClients 1", "maxclients"},
                                  {"slaveof a 1", "replicaof"},
                                  {"Slave-Priority 1", "replica-priority"},
                                  {"min-slaves-to-write 1", "min-replicas-to-write"},
                                  {"\"port\" 1", "port"},
                                  {"SENTINEL Monitor m 127.0.0.1 1 2", "sentinel monitor"},
                                  {"\"sentinel\" 'known-slave' m 127.0.0.1 1", "sentinel known-replica"},
                                  {"sentinel", "sentinel"}}) {
    EXPECT_EQ(Read(line)->lines.front().name, name) << line;
  }
}

TEST_F(ConfFileTest, WhatIsIncludedStandsInItsPlaceAndTheLastLineCounts) {
  Write("one.conf", "maxclients 1\nport 1\n");
  Write("two.conf", "port 2\n");
  const auto conf = Read("port 0\ninclude one.conf\n\nInclude \"" + Name("t*.conf") +
                         "\"\ninclude none-*.conf\nmaxclients 9\n");
  ASSERT_TRUE(conf);
  std::vector<std::string> places;
  for (const auto& line : conf->lines) places.push_back(line.Place());
  EXPECT_THAT(places, ElementsAre(Name("user.conf") + ":1", Name("one.conf") + ":1", Name("one.conf") + ":2",
                                  Name("two.conf") + ":1", Name("user.conf") + ":6"));
  EXPECT_EQ(conf->Value("port"), "2");
  EXPECT_EQ(conf->Value("maxclients"), "9");
  EXPECT_EQ(conf->Value("dir"), "");
  EXPECT_EQ(conf->Find("dir"), nullptr);
}

TEST_F(ConfFileTest, RelativePathsBeginWhereDirPointed) {
  std::filesystem::create_directories(dir_.path() / "sub" / "data");
  WriteFile(dir_.path() / "sub" / "here.conf", "dir data\n");
  const auto conf = Read("dir sub\ninclude here.conf\n");
  ASSERT_TRUE(conf);
  EXPECT_EQ(conf->dir, Name("sub") + "/data");
  EXPECT_EQ(conf->lines.back().file, Name("sub") + "/here.conf");
}

TEST_F(ConfFileTest, WhatCannotWorkNamesItsLineAndNoSecret) {
  Write("joined-1.conf", "maxclients 1");
  Write("joined-2.conf", "maxclients 2\n");
  struct Row {
    const char* name;
    std::string text;
    std::string place;
    const char* why;
  };
  const std::string own = Name("user.conf");
  for (const auto& [name, text, place, why] : std::initializer_list<Row>{
           {"an open quote", "port 1\nrequirepass \"s3cret\n", own + ":2: ", "quotes do not match"},
           {"an open single quote", "requirepass 's3cret", own + ":1: ", "quotes do not match"},
           {"text behind a quote", "requirepass \"s3cret\"x\n", own + ":1: ", "text follows"},
           {"a byte order mark", "\xef\xbb\xbfport 1\n", own + ":1: ", "byte order mark"},
           {"UTF-16", std::string("\xff\xfep\0o\0", 6), own + ":1: ", "byte order mark"},
           {"a NUL byte", std::string("port 1\nmaxclients 1\0 s3cret\n", 28), own + ":2: ", "NUL byte"},
           {"a missing file", "\ninclude /not/there.conf\n",
            own + ":2: ", "cannot read /not/there.conf: No such file"},
           {"a directory", "include /etc\n", own + ":1: ", "Is a directory"},
           {"a device without an end", "include /dev/zero\n", own + ":1: ", "larger than"},
           {"itself", "include user.conf\n", own + ":1: ", "does a file include itself?"},
           {"itself many times", "include user.conf\ninclude user.conf\ninclude user.conf\n",
            own + ":1: ", "does a file include itself?"},
           {"files that Redis joins", "include joined-*.conf\n",
            Name("joined-1.conf") + ":1: ", "has no line end"}}) {
    const auto conf = Read(text);
    ASSERT_FALSE(conf) << name;
    EXPECT_THAT(conf.error().message, StartsWith(place)) << name;
    EXPECT_THAT(conf.error().message, HasSubstr(why)) << name;
    EXPECT_THAT(conf.error().message, Not(HasSubstr("s3cret"))) << name;
  }
  const auto none = ReadConf("/not/there.conf", "/");
  ASSERT_FALSE(none);
  EXPECT_THAT(none.error().message, HasSubstr("cannot read /not/there.conf"));
}

TEST_F(ConfFileTest, IncludesAreBounded) {
  for (int i = 0; i < 1001; ++i) Write("many-" + std::to_string(i) + ".conf", "");
  EXPECT_FALSE(Read("include many-*.conf\n")) << "files";
  EXPECT_TRUE(Read("include many-1*.conf\n"));
  Write("large.conf", "#" + std::string(9U << 20, 'x') + "\n");
  EXPECT_TRUE(Read("include large.conf\n"));
  EXPECT_FALSE(Read("include large.conf\ninclude large.conf\n")) << "bytes";
}

}  // namespace
}  // namespace redis_zk::testing::conf_file_test
