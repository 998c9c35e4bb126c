#include "daemon/reload.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <initializer_list>
#include <string>
#include <vector>

#include "base/log.h"
#include "support/servers.h"
#include "unit/files.h"
#include "unit/log_fixture.h"
#include "watcher/options.h"

namespace redis_zk::testing::reload_test {
namespace {

using daemon::ChooseLogLevel;
using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(ChooseLogLevelTest, SaysWhatItIsAndWhy) {
  struct Row {
    const char* name;
    LiveOptions read;
    std::string level;
    std::string told;
  };
  for (const auto& [name, read, level, told] : std::initializer_list<Row>{
           {"a flag", {"info", "flag"}, "info", "stays info: the flag --log-level outranks the config file"},
           {"the environment",
            {"info", "environment"},
            "info",
            "stays info: the environment outranks the config file"},
           {"the file, another", {"debug", "/x.toml"}, "debug", "is debug now, info before: /x.toml sets it"},
           {"the file, the same", {"info", "/x.toml"}, "info", "stays info: /x.toml sets it"},
           {"nowhere any more",
            {"info", "default"},
            "info",
            "stays info: no config file sets it, and this is the default"}}) {
    const auto choice = ChooseLogLevel("info", read);
    EXPECT_EQ(choice.level, level) << name;
    EXPECT_EQ(choice.told, "LOG_LEVEL " + told) << name;
  }
}

TEST(ReloadTest, TakesOverWhatTheFileSaysNow) {
  const TempDir dir;
  const std::string path = (dir.path() / "watcher.toml").string();
  struct Row {
    const char* name;
    std::string before;
    std::string after;
    std::vector<std::string> flags;
    std::string environment;
    std::string level;
    std::string said;
  };
  const std::string port = std::to_string(FreePort());
  for (const auto& [name, before, after, flags, environment, level, said] : std::initializer_list<Row>{
           {"another level",
            "",
            "log_level = \"debug\"",
            {},
            "",
            "debug",
            "is debug now, info before: PATH sets it"},
           {"back to the default",
            "log_level = \"warn\"",
            "",
            {},
            "",
            "info",
            "is info now, warn before: no config file sets it, and this is the default"},
           {"a flag",
            "",
            "log_level = \"debug\"",
            {"--log-level", "info"},
            "",
            "info",
            "stays info: the flag --log-level outranks the config file"},
           {"the environment",
            "",
            "log_level = \"debug\"",
            {},
            "info",
            "info",
            "stays info: the environment outranks the config file"},
           {"wrong level",
            "",
            "log_level = \"loud\"",
            {},
            "",
            "info",
            "LOG_LEVEL (PATH:1): found \"loud\", expected trace, debug, info, warn, error or off"},
           {"another option that is wrong",
            "",
            "log_level = \"debug\"\nsentinel_timeout = \"never\"",
            {},
            "",
            "info",
            "SENTINEL_TIMEOUT (PATH:2): found \"never\""},
           {"two errors",
            "",
            "log_level = \"loud\"\nsentinel_timeout = \"never\"",
            {},
            "",
            "info",
            "error or off\n| SIGHUP: reload rejected, nothing changed: SENTINEL_TIMEOUT"},
           {"a behavior that is wrong",
            "",
            "log_level = \"debug\"\n[behavior.x]\non = [\"*\"]\ndo = \"mail\"",
            {},
            "",
            "info",
            "SIGHUP: reload rejected, nothing changed: PATH: [behavior.x] do: found \"mail\""},
           {"an unknown key", "", "log_levle = \"debug\"", {}, "", "info", "found the key \"log_levle\""},
           {"no TOML", "", "[[[", {}, "", "info", "SIGHUP: reload rejected, nothing changed: "}}) {
    if (!environment.empty()) setenv("LOG_LEVEL", environment.c_str(), 1);
    // The default port may be somebody else's here.
    std::vector<const char*> argv{"watcher",    "--bind-ip",     "127.0.0.1", "--port0",
                                  port.c_str(), "--config-file", path.c_str()};
    for (const auto& flag : flags) argv.push_back(flag.c_str());
    WriteFile(path, before);
    const auto options = watcher::ReadWatcherOptions(static_cast<int>(argv.size()), argv.data());
    WriteFile(path, after);
    const CapturedLog log(options.common.log_level);
    daemon::Reload(options.common);
    unsetenv("LOG_LEVEL");
    EXPECT_EQ(LogLevel(), level) << name;
    std::string expected = said;
    if (const auto at = expected.find("PATH"); at != std::string::npos) expected.replace(at, 4, path);
    const std::string logged = log.text();
    EXPECT_THAT(logged, StartsWith("| SIGHUP: ")) << name;
    EXPECT_THAT(logged, HasSubstr(expected)) << name;
    EXPECT_EQ(std::count(logged.begin(), logged.end(), '\n'), 1 + std::count(said.begin(), said.end(), '\n'))
        << name;
  }
}

}  // namespace
}  // namespace redis_zk::testing::reload_test
