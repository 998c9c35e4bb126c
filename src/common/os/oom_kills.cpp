#include "os/oom_kills.h"

#include <fstream>
#include <vector>

namespace redis_zk::os {

namespace {

// A line of /proc/self/cgroup: "<number>:<controllers>:<path>" (cgroups(7)).
struct Membership {
  std::string controllers;  // empty: version 2
  std::string path;
};

std::vector<Membership> ReadMemberships(const std::string& root) {
  std::ifstream file(root + "/proc/self/cgroup");
  std::vector<Membership> memberships;
  for (std::string line; std::getline(file, line);) {
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    memberships.push_back({line.substr(first + 1, second - first - 1), line.substr(second + 1)});
  }
  return memberships;
}

// The number behind "oom_kill" in a file of "key value" lines.
std::optional<std::uint64_t> ReadCount(const std::string& path) {
  std::ifstream file(path);
  std::string key;
  for (std::uint64_t value = 0; file >> key >> value;) {
    if (key == "oom_kill") return value;
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::uint64_t> CountOomKills(const std::string& root) {
  const std::string mounted = root + "/sys/fs/cgroup";
  for (const auto& [controllers, path] : ReadMemberships(root)) {
    const bool is_version_2 = controllers.empty();
    if (!is_version_2 && controllers != "memory") continue;
    const std::string at = is_version_2 ? mounted : mounted + "/memory";
    const std::string file = is_version_2 ? "/memory.events" : "/memory.oom_control";
    // In a container the path may be that of the host, and the mount that of the container.
    for (const std::string& below : {path, std::string()}) {
      if (const auto count = ReadCount(at + below + file)) return count;
    }
  }
  return std::nullopt;
}

}  // namespace redis_zk::os
