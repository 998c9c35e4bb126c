// A redis.conf or sentinel.conf and what it includes, read the way Redis reads them (config.c): one list of
// lines, in the order in which they count.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace redis_zk::redis {

struct ConfLine {
  std::string file;
  std::size_t number = 0;
  std::string text;  // as Redis shows it in its errors; may hold a secret
  // The directive in lower case and under today's name: "replica-priority" for "slave-priority"; of
  // "sentinel ..." lines with the word behind it, "sentinel monitor". Never a secret.
  std::string name;
  std::vector<std::string> words;  // "sentinel" and what is in `name` behind it among them

  std::string Place() const;  // for people: "/etc/redis/redis.conf:12"
  std::string Value() const;  // the first word behind `name`; empty: there is none
};

struct Conf {
  std::string dir;  // where a server works that starts in `work_dir`
  std::vector<ConfLine> lines;

  // The last line of that name, which is the one that counts; nullptr: there is none.
  const ConfLine* Find(std::string_view name) const;
  // That line's value; empty: there is none.
  std::string Value(std::string_view name) const;
};

// A relative `dir` or include starts at `work_dir`. Fails where Redis would refuse the file as a whole, or
// never come to its end; the message begins with the place. What a line means is for Redis to judge.
Result<Conf> ReadConf(const std::string& path, const std::string& work_dir);

// Whether Redis takes a path as a pattern, which may match nothing.
bool IsPattern(std::string_view path);

}  // namespace redis_zk::redis
