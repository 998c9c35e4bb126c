// The config file, with its sections.
#include <unistd.h>

#include <array>
#include <fstream>
#include <string>

#include "fuzz/fuzz.h"
#include "options/options.h"
#include "watcher/behaviors/config.h"
#include "zookeeper/hosts.h"

namespace redis_zk {

FUZZ_TARGET(text) {
  static const std::string path = "/dev/shm/redis-zk-fuzz." + std::to_string(getpid());
  std::ofstream(path, std::ios::binary) << text;
  std::string root;
  std::string password;
  Duration patience{};
  Options options("fuzz", "");
  options.Add({"ZK_ROOT", "", "/redis"}, zookeeper::ParsePath, &root);
  options.Add({"CLEANUP_PATIENCE", "", "60s"}, DurationBetween(1s, 24h), &patience);
  options.AddSecret("REDIS_PASSWORD", "", &password);
  options.AddSections("behavior", [](const auto& sections) -> std::vector<std::string> {
    const auto behaviors = watcher::ReadBehaviors(sections);
    return behaviors ? std::vector<std::string>{} : behaviors.error();
  });
  const std::array<const char*, 1> argv{"fuzz"};
  const auto outcome = options.Read(1, argv.data(), [](const char* name) {
    return std::string_view(name) == "CONFIG_FILE" ? path.c_str() : nullptr;
  });
  unlink(path.c_str());
  // It goes on, with values that are allowed; or it says why not, one line each.
  fuzz::Check(outcome.exit_code ? !outcome.errors.empty() : root.starts_with('/') && patience >= 1s);
  for (const auto& error : outcome.errors)
    fuzz::Check(!error.empty() && error.find('\n') == std::string::npos);
}

}  // namespace redis_zk
