#include "redis-wrapper/redis_conf.h"

#include <glob.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <filesystem>
#include <sstream>

#include "base/file.h"
#include "redis/conf_syntax.h"

namespace redis_zk::redis_wrapper {

namespace {

// Files that include each other would never end.
constexpr int kDeepestInclude = 16;
constexpr std::int64_t kDefaultPriority = 100;
constexpr const char* kPriority = "replica-priority";
constexpr const char* kOldPriority = "slave-priority";

std::string LowerCase(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

// What a path means for a server that works in `dir`.
std::string PathFrom(const std::string& dir, const std::string& path) {
  return path.starts_with('/') ? path : dir + '/' + path;
}

// Where chdir arrives: "..", behind a link, is the parent of what the link names.
std::string Resolved(const std::string& dir) {
  std::error_code failure;
  const auto resolved = std::filesystem::weakly_canonical(dir, failure);
  return failure ? dir : resolved.string();
}

void Apply(const std::string& path, RedisConf& conf, int depth);

void Include(const std::string& pattern, RedisConf& conf, int depth) {
  glob_t found{};
  if (glob(pattern.c_str(), 0, nullptr, &found) == 0) {
    for (std::size_t i = 0; i < found.gl_pathc; ++i) Apply(found.gl_pathv[i], conf, depth);
  }
  globfree(&found);
}

// `dir` holds from its line on, for relative paths too.
void Apply(const std::string& path, RedisConf& conf, int depth) {
  if (depth > kDeepestInclude) return;
  std::istringstream text(ReadTextFile(path).value_or(""));
  for (std::string line; std::getline(text, line);) {
    const auto words = redis::SplitConfLine(line);
    if (!words || words->size() < 2 || words->front().starts_with('#')) continue;
    const std::string name = LowerCase(words->front());
    const std::string& value = (*words)[1];
    if (name == "include") Include(PathFrom(conf.dir, value), conf, depth + 1);
    if (name == "dir") conf.dir = Resolved(PathFrom(conf.dir, value));
    conf.settings[name == kOldPriority ? kPriority : name] = value;
  }
}

}  // namespace

RedisConf ReadRedisConf(const std::string& path, const std::string& work_dir) {
  std::error_code ignored;
  RedisConf conf{.dir = Resolved(std::filesystem::absolute(work_dir, ignored))};
  Apply(path, conf, 0);
  while (conf.dir.size() > 1 && conf.dir.ends_with('/')) conf.dir.pop_back();
  return conf;
}

std::int64_t FindReplicaPriority(const RedisConf& conf) {
  const auto found = conf.settings.find(kPriority);
  if (found == conf.settings.end()) return kDefaultPriority;
  std::int64_t priority = kDefaultPriority;
  std::from_chars(found->second.data(), found->second.data() + found->second.size(), priority);
  return priority;
}

}  // namespace redis_zk::redis_wrapper
