#include "os/oom_kills.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>

#include "unit/files.h"

namespace redis_zk::testing::oom_kills_test {
namespace {

TEST(CountOomKillsTest, ReadsTheControlGroupOfThisProcess) {
  struct Row {
    const char* name;
    std::map<std::string, std::string> files;
    std::optional<std::uint64_t> count;
  };
  for (const auto& [name, files, count] : std::initializer_list<Row>{
           {"version 2, in a container",
            {{"proc/self/cgroup", "0::/\n"}, {"sys/fs/cgroup/memory.events", "low 0\noom 2\noom_kill 3\n"}},
            3},
           {"version 2, on the machine",
            {{"proc/self/cgroup", "0::/system.slice/redis.service\n"},
             {"sys/fs/cgroup/system.slice/redis.service/memory.events", "oom_kill 4\n"}},
            4},
           {"version 1, the path of the host and the mount of the container",
            {{"proc/self/cgroup", "8:pids:/docker/ab\n4:memory:/docker/ab\n0::/\n"},
             {"sys/fs/cgroup/memory/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 5\n"}},
            5},
           {"an old kernel does not count",
            {{"proc/self/cgroup", "4:memory:/\n"},
             {"sys/fs/cgroup/memory/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\n"}},
            std::nullopt},
           {"garbage", {{"proc/self/cgroup", "garbage\n:\n"}}, std::nullopt},
           {"no control groups", {}, std::nullopt}}) {
    const TempDir root;
    for (const auto& [path, text] : files) {
      std::filesystem::create_directories((root.path() / path).parent_path());
      WriteFile(root.path() / path, text);
    }
    EXPECT_EQ(os::CountOomKills(root.path().string()), count) << name;
  }
}

}  // namespace
}  // namespace redis_zk::testing::oom_kills_test
