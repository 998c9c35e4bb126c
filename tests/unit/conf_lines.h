// A configuration file as Redis reads it: what the generated files have to mean.
#pragma once

#include <sstream>
#include <string>
#include <vector>

#include "redis/conf_syntax.h"

namespace redis_zk::testing {

using Words = std::vector<std::string>;

// The directives of a file, without comments and empty lines; a line that Redis would refuse is one word.
inline std::vector<Words> Directives(const std::string& conf) {
  std::vector<Words> directives;
  std::istringstream stream(conf);
  for (std::string line; std::getline(stream, line);) {
    const auto words = redis::SplitConfLine(line).value_or(Words{"unbalanced quotes: " + line});
    if (!words.empty() && !words[0].starts_with('#')) directives.push_back(words);
  }
  return directives;
}

}  // namespace redis_zk::testing
