#include "daemon/leftovers.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <initializer_list>
#include <set>
#include <string>

#include "daemon/health.h"
#include "daemon/run_directory.h"
#include "os/descriptor.h"
#include "unit/files.h"
#include "unit/log_fixture.h"

namespace redis_zk::testing::leftovers_test {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

namespace fs = std::filesystem;

std::set<std::string> NamesIn(const fs::path& directory) {
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(directory)) names.insert(entry.path().filename());
  return names;
}

class LeftoversTest : public ::testing::Test {
 protected:
  void Put(const std::string& name) { WriteFile(dir_.path() / name, "requirepass secret\n"); }
  void Remove() {
    ServerOptions options;
    options.run_dir = dir_.path();
    daemon::RemoveLeftovers(options);
  }

  TempDir dir_;
};

TEST_F(LeftoversTest, AreThoseOfWrappersThatWereKilled) {
  struct Row {
    const char* name;
    const char* file;
    bool removed;
  };
  for (const auto& [name, file, removed] : std::initializer_list<Row>{
           {"a Redis' configuration", "redis-wrapper-7000.conf", true},
           {"a Sentinel's", "sentinel-wrapper-7000.conf", true},
           {"our draft", "redis-wrapper-7000.conf.new", true},
           {"a rewrite that was under way", "sentinel-wrapper-7000.conf.aB3x9Z", true},
           {"of another port, of which nothing is known", "redis-wrapper-7001.conf", false},
           {"of a longer port", "redis-wrapper-70000.conf", false},
           {"a user's copy", "redis-wrapper-7000.conf.backup", false},
           {"a user's copy of a day", "redis-wrapper-7000.conf.261129", false},
           {"a user's copy, shorter", "redis-wrapper-7000.conf.bak", false},
           {"a user's own configuration", "redis.conf", false},
           {"data", "dump.rdb", false},
           {"a note", "redis-zk.json", false},
           {"another daemon's", "my-redis-wrapper-7000.conf", false}}) {
    Put("health-7000");
    Put(file);
    Remove();
    EXPECT_EQ(!fs::exists(dir_.path() / file), removed) << name;
    EXPECT_FALSE(fs::exists(dir_.path() / "health-7000")) << name;
    fs::remove(dir_.path() / file);
  }
}

TEST_F(LeftoversTest, AreNotThoseOfAWrapperThatLives) {
  Put("redis-wrapper-7000.conf");
  Put("redis-wrapper-7001.conf");
  Put("health-7001");
  ServerOptions living;
  living.run_dir = dir_.path();
  living.port = 7000;
  const daemon::HealthFile health(living);
  const CapturedLog log;
  Remove();
  EXPECT_THAT(NamesIn(dir_.path()), UnorderedElementsAre("redis-wrapper-7000.conf", "health-7000"));
  EXPECT_THAT(log.text(), HasSubstr("removed 2 generated files of a wrapper that did not end by itself"));
}

TEST_F(LeftoversTest, NoLinkIsFollowed) {
  const TempDir elsewhere;
  const std::string target = WriteFile(elsewhere.path() / "redis-wrapper-7000.conf", "somebody's\n");
  const std::string lock = WriteFile(elsewhere.path() / "health-7000", "");
  Put("health-7000");
  fs::create_symlink(target, dir_.path() / "redis-wrapper-7000.conf");
  fs::create_directory(dir_.path() / "sentinel-wrapper-7000.conf");
  Remove();
  EXPECT_TRUE(fs::is_symlink(dir_.path() / "redis-wrapper-7000.conf"));
  EXPECT_TRUE(fs::exists(target));
  EXPECT_TRUE(fs::exists(dir_.path() / "sentinel-wrapper-7000.conf"));

  fs::remove(dir_.path() / "redis-wrapper-7000.conf");
  Put("redis-wrapper-7000.conf");
  fs::create_symlink(lock, dir_.path() / "health-7000");
  Remove();
  EXPECT_TRUE(fs::exists(dir_.path() / "redis-wrapper-7000.conf")) << "its health file is a link";
  EXPECT_TRUE(fs::exists(lock));
}

TEST_F(LeftoversTest, AFileOfAnotherUserStays) {
  if (geteuid() != 0) GTEST_SKIP() << "only root gives files away";
  constexpr uid_t kSomebody = 12345;
  for (const char* foreign : {"health-7000", "redis-wrapper-7000.conf"}) {
    Put("health-7000");
    Put("redis-wrapper-7000.conf");
    ASSERT_EQ(chown((dir_.path() / foreign).c_str(), kSomebody, kSomebody), 0);
    Remove();
    EXPECT_TRUE(fs::exists(dir_.path() / "redis-wrapper-7000.conf")) << foreign;
    fs::remove(dir_.path() / foreign);
  }
}

TEST_F(LeftoversTest, APipeHoldsNobodyUp) {
  ASSERT_EQ(mkfifo((dir_.path() / "health-7000").c_str(), 0600), 0);
  Put("redis-wrapper-7000.conf");
  Remove();
  EXPECT_THAT(NamesIn(dir_.path()), UnorderedElementsAre("redis-wrapper-7000.conf", "health-7000"));
}

TEST_F(LeftoversTest, WithoutRunDirAreInTheDirectoriesThatWrappersMake) {
  const char* const before = getenv("TMPDIR");
  const std::string saved = before == nullptr ? "" : before;
  setenv("TMPDIR", dir_.path().c_str(), 1);
  ServerOptions dead;
  dead.port = 7000;
  dead.work_dir = dir_.path();
  ServerOptions living = dead;
  living.port = 7001;
  ASSERT_TRUE(daemon::MakeRunDirectory(dead));
  const fs::path own = daemon::RunDirectoryOf(dead);
  WriteFile(own / "health-7000", "");
  WriteFile(own / "redis-wrapper-7000.conf", "");
  {
    const daemon::HealthFile health(living);
    WriteFile(fs::path(daemon::RunDirectoryOf(living)) / "redis-wrapper-7001.conf", "");
    // Not of the form, or open to others, or a link.
    fs::create_directory(dir_.path() / "redis-zk-7002");
    WriteFile(dir_.path() / "redis-zk-7002" / "health-7002", "");
    const TempDir elsewhere;
    WriteFile(elsewhere.path() / "health-7003", "");
    const std::string hash = own.filename().string().substr(std::string("redis-zk-7000-").size());
    fs::create_directory_symlink(elsewhere.path(), dir_.path() / ("redis-zk-7003-" + hash));

    daemon::RemoveLeftovers(living);
    EXPECT_FALSE(fs::exists(own));
    EXPECT_TRUE(fs::exists(fs::path(daemon::RunDirectoryOf(living)) / "redis-wrapper-7001.conf"));
    EXPECT_TRUE(fs::exists(dir_.path() / "redis-zk-7002" / "health-7002"));
    EXPECT_TRUE(fs::exists(elsewhere.path() / "health-7003"));
    daemon::RemoveConf(daemon::RunDirectoryOf(living) + "/redis-wrapper-7001.conf");
  }
  EXPECT_FALSE(fs::exists(daemon::RunDirectoryOf(living))) << "the wrapper's own end";
  before == nullptr ? unsetenv("TMPDIR") : setenv("TMPDIR", saved.c_str(), 1);
}

TEST_F(LeftoversTest, AtItsEndAWrapperRemovesItsConfigurationWithDrafts) {
  Put("redis-wrapper-7000.conf");
  Put("redis-wrapper-7000.conf.aB3x9Z");
  Put("redis-wrapper-7000.conf.new");
  Put("redis-wrapper-7001.conf");
  daemon::RemoveConf(dir_.path() / "redis-wrapper-7000.conf");
  EXPECT_THAT(NamesIn(dir_.path()), UnorderedElementsAre("redis-wrapper-7001.conf"));
  daemon::RemoveConf("/nonexistent/redis-wrapper-7000.conf");
}

}  // namespace
}  // namespace redis_zk::testing::leftovers_test
