// A configuration file as Redis reads it, after sdssplitargs in Redis' sds.c: what the generated files have
// to mean.
#pragma once

#include <cctype>
#include <cstdlib>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace redis_zk::testing {

using Words = std::vector<std::string>;

namespace conf_internal {

// The byte that stands behind a backslash in double quotes; `text` begins behind the backslash and loses what
// was read.
inline char TakeEscaped(std::string_view& text) {
  const auto is_hex = [&text](std::size_t at) {
    return std::isxdigit(static_cast<unsigned char>(text[at])) != 0;
  };
  if (text.size() >= 3 && text[0] == 'x' && is_hex(1) && is_hex(2)) {
    const auto byte = static_cast<char>(std::strtol(std::string(text.substr(1, 2)).c_str(), nullptr, 16));
    text.remove_prefix(3);
    return byte;
  }
  const char c = text[0];
  text.remove_prefix(1);
  switch (c) {
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case 'b':
      return '\b';
    case 'a':
      return '\a';
    default:
      return c;
  }
}

inline bool IsSpace(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }

}  // namespace conf_internal

// The words of a line; nothing where Redis would refuse it ("unbalanced quotes").
inline std::optional<Words> SplitLine(std::string_view line) {
  using conf_internal::IsSpace;
  Words words;
  while (true) {
    while (!line.empty() && IsSpace(line[0])) line.remove_prefix(1);
    if (line.empty()) return words;
    std::string word;
    while (!line.empty() && !IsSpace(line[0])) {
      const char quote = line[0];
      if (quote != '"' && quote != '\'') {
        word += quote;
        line.remove_prefix(1);
        continue;
      }
      line.remove_prefix(1);
      while (!line.empty() && line[0] != quote) {
        if (quote == '"' && line[0] == '\\' && line.size() > 1) {
          line.remove_prefix(1);
          word += conf_internal::TakeEscaped(line);
        } else if (quote == '\'' && line.starts_with("\\'")) {
          word += '\'';
          line.remove_prefix(2);
        } else {
          word += line[0];
          line.remove_prefix(1);
        }
      }
      if (line.empty()) return std::nullopt;
      line.remove_prefix(1);
      if (!line.empty() && !IsSpace(line[0])) return std::nullopt;
    }
    words.push_back(word);
  }
}

// The directives of a file, without comments and empty lines; a line that Redis would refuse is one word.
inline std::vector<Words> Directives(const std::string& conf) {
  std::vector<Words> directives;
  std::istringstream stream(conf);
  for (std::string line; std::getline(stream, line);) {
    const auto words = SplitLine(line).value_or(Words{"unbalanced quotes: " + line});
    if (!words.empty() && !words[0].starts_with('#')) directives.push_back(words);
  }
  return directives;
}

}  // namespace redis_zk::testing
