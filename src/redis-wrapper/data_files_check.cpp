#include "redis-wrapper/data_files_check.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <string_view>
#include <vector>

#include "base/printable.h"
#include "base/time.h"

namespace redis_zk::redis_wrapper {

namespace {

using Loads = LoadPlan::Loads;

constexpr std::string_view kValkey = "valkey ";
constexpr Duration kVersionWithin = 2s;
constexpr std::size_t kLongestVersion = 256;

// Nothing: it can be read, or is not there.
std::optional<std::string> WhyUnreadable(const std::string& path, int flags) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | flags);
  if (descriptor < 0) {
    if (errno == ENOENT) return std::nullopt;
    return fmt::format(
        "cannot read {}: {}; give the user of redis-wrapper (id {}) the right to read it, or correct \"dir\" "
        "in REDIS_CONF",
        Printable(path), std::strerror(errno), geteuid());
  }
  close(descriptor);
  return std::nullopt;
}

struct Format {
  int major;
  int minor;
  int newest;
};
// rdb.h of each version, RDB_VERSION.
constexpr std::array<Format, 6> kRedisFormats{
    {{8, 0, 12}, {7, 4, 12}, {7, 2, 11}, {7, 0, 10}, {5, 0, 9}, {4, 0, 8}}};
constexpr std::array<Format, 2> kValkeyFormats{{{9, 0, 80}, {7, 2, 11}}};
// Of later ones nothing is known.
constexpr int kNewestRedis = 8;
constexpr int kNewestValkey = 9;

template <std::size_t size>
std::optional<int> Find(const std::array<Format, size>& formats, int major, int minor) {
  const auto found = std::find_if(formats.begin(), formats.end(), [&](const auto& format) {
    return major > format.major || (major == format.major && minor >= format.minor);
  });
  return found == formats.end() ? std::nullopt : std::optional(found->newest);
}

// "Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.2.1 bits=64 build=..."
std::string VersionIn(std::string_view text) {
  const auto at = text.find(" v=");
  if (at == std::string_view::npos) return "";
  const auto version = text.substr(at + 3, text.find(' ', at + 3) - at - 3);
  return (text.starts_with("Valkey") ? std::string(kValkey) : "") + Printable(version);
}

// What it writes until it ends, or the time is over.
std::string ReadUntil(int descriptor, TimePoint deadline) {
  std::string text;
  while (text.size() < kLongestVersion) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    pollfd readable{.fd = descriptor, .events = POLLIN, .revents = 0};
    if (left <= 0 || poll(&readable, 1, static_cast<int>(left)) <= 0) break;
    std::array<char, kLongestVersion> bytes{};
    const auto count = read(descriptor, bytes.data(), bytes.size());
    if (count <= 0) break;
    text.append(bytes.data(), static_cast<std::size_t>(count));
  }
  return text;
}

std::string DamageOf(const std::string& path, bool is_rdb, const std::string& server_version) {
  struct stat facts {};
  if (stat(path.c_str(), &facts) != 0) return fmt::format("{}: {}", Printable(path), std::strerror(errno));
  if (!is_rdb) return "";
  const auto header = ReadRdbHeader(path);
  if (!header) return fmt::format("{}: expected {}", Printable(path), header.error().message);
  const auto newest = NewestRdbFormat(server_version);
  if (!newest || header->version <= *newest) return "";
  return fmt::format(
      "{}: found RDB format {} (written by {}), expected at most {}, the newest that this server ({}) loads; "
      "start a server of the version that wrote it",
      Printable(path), header->version,
      header->server_version.empty() ? "an unknown version" : Printable(header->server_version), *newest,
      server_version);
}

}  // namespace

std::optional<std::string> FindUnreadable(const DataFiles& files) {
  if (auto why = WhyUnreadable(files.dir, O_DIRECTORY)) return why;
  // What is never loaded is not looked at either.
  if (!files.append_only && !files.snapshots) return std::nullopt;
  std::vector<std::string> paths = FilesIn(files, Loads::kSnapshot);
  for (auto& path : FilesIn(files, Loads::kAppendOnly)) paths.push_back(std::move(path));
  for (const auto& path : paths) {
    if (auto why = WhyUnreadable(path, 0)) return why;
  }
  return std::nullopt;
}

std::int64_t LastChange(const DataFiles& files, Loads loads) {
  std::int64_t last = 0;
  for (const auto& path : FilesIn(files, loads)) {
    struct stat facts {};
    if (stat(path.c_str(), &facts) != 0) continue;
    last = std::max<std::int64_t>(last, facts.st_ctim.tv_sec * 1000 + facts.st_ctim.tv_nsec / 1'000'000);
  }
  return last;
}

std::string FindDamage(const DataFiles& files, Loads loads, const std::string& server_version) {
  const auto paths = FilesIn(files, loads);
  const bool in_parts = paths.size() > 1;
  for (const auto& path : paths) {
    const bool is_manifest = loads == Loads::kAppendOnly && &path == &paths.front();
    // Before Redis 7 there was none.
    if (is_manifest && !(in_parts && access(path.c_str(), F_OK) == 0)) continue;
    auto damage = DamageOf(path, loads == Loads::kSnapshot || path.ends_with(".base.rdb"), server_version);
    if (!damage.empty()) return damage;
  }
  return "";
}

std::optional<int> NewestRdbFormat(const std::string& server_version) {
  const bool is_valkey = server_version.starts_with(kValkey);
  const std::string_view version = std::string_view(server_version).substr(is_valkey ? kValkey.size() : 0);
  int major = 0;
  int minor = 0;
  const char* const end = version.data() + version.size();
  const auto parsed = std::from_chars(version.data(), end, major);
  if (parsed.ec != std::errc() || parsed.ptr == end || *parsed.ptr != '.') return std::nullopt;
  std::from_chars(parsed.ptr + 1, end, minor);
  if (major > (is_valkey ? kNewestValkey : kNewestRedis)) return std::nullopt;
  return is_valkey ? Find(kValkeyFormats, major, minor) : Find(kRedisFormats, major, minor);
}

std::string AskServerVersion(const std::string& binary) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return "";
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  std::string name = binary;
  std::string flag = "--version";
  std::array<char*, 3> argv{name.data(), flag.data(), nullptr};
  pid_t pid = 0;
  const int failure = posix_spawnp(&pid, binary.c_str(), &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  const std::string text = failure == 0 ? ReadUntil(ends[0], Clock::now() + kVersionWithin) : "";
  close(ends[0]);
  if (failure == 0) {
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
  }
  return VersionIn(text);
}

}  // namespace redis_zk::redis_wrapper
