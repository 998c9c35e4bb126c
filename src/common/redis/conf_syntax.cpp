#include "redis/conf_syntax.h"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <utility>

namespace redis_zk::redis {

namespace {

bool IsSpace(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }

// The byte that stands behind a backslash in double quotes; `text` begins behind the backslash and loses what
// was read.
char TakeEscaped(std::string_view& text) {
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

// What stands between the quotes that `text` begins with, which loses both. Nothing: there is no second one.
std::optional<std::string> TakeQuoted(std::string_view& text) {
  const char quote = text[0];
  text.remove_prefix(1);
  std::string word;
  while (!text.empty() && text[0] != quote) {
    if (quote == '"' && text[0] == '\\' && text.size() > 1) {
      text.remove_prefix(1);
      word += TakeEscaped(text);
    } else if (quote == '\'' && text.starts_with("\\'")) {
      word += '\'';
      text.remove_prefix(2);
    } else {
      word += text[0];
      text.remove_prefix(1);
    }
  }
  if (text.empty()) return std::nullopt;
  text.remove_prefix(1);
  return word;
}

}  // namespace

std::optional<std::vector<std::string>> SplitConfLine(std::string_view line) {
  std::vector<std::string> words;
  while (true) {
    while (!line.empty() && IsSpace(line[0])) line.remove_prefix(1);
    if (line.empty()) return words;
    std::string word;
    while (!line.empty() && !IsSpace(line[0])) {
      if (line[0] != '"' && line[0] != '\'') {
        word += line[0];
        line.remove_prefix(1);
        continue;
      }
      const auto quoted = TakeQuoted(line);
      if (!quoted || (!line.empty() && !IsSpace(line[0]))) return std::nullopt;
      word += *quoted;
    }
    words.push_back(std::move(word));
  }
}

std::string QuoteForConf(std::string_view word) {
  const auto plain = [](unsigned char c) {
    return std::isgraph(c) != 0 && c != '"' && c != '\'' && c != '\\' && c != '#';
  };
  if (!word.empty() && std::all_of(word.begin(), word.end(), plain)) return std::string(word);
  std::string quoted = "\"";
  for (const char c : word) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (byte < ' ' || byte == 127) {
      quoted += fmt::format("\\x{:02x}", byte);
    } else {
      quoted += c;
    }
  }
  return quoted + '"';
}

}  // namespace redis_zk::redis
