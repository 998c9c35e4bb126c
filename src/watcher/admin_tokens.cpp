#include "watcher/admin_tokens.h"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <filesystem>
#include <map>
#include <system_error>
#include <utility>

#include "base/file.h"

namespace redis_zk::watcher {

namespace {

constexpr std::size_t kShortestToken = 16;
constexpr std::size_t kLongestName = 32;

bool IsNameByte(unsigned char c) { return std::isalnum(c) != 0 || c == '.' || c == '_' || c == '-'; }
bool IsTokenByte(unsigned char c) { return c > ' ' && c < 127 && c != ':'; }

std::vector<std::string_view> LinesOf(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const auto end = text.find('\n');
    auto line = text.substr(0, end);
    while (!line.empty() && std::isspace(static_cast<unsigned char>(line.back())) != 0) line.remove_suffix(1);
    lines.push_back(line);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  while (!lines.empty() && lines.back().empty()) lines.pop_back();
  return lines;
}

tl::unexpected<Error> Expected(const std::string& found) {
  return Fail(
      ErrorKind::kInvalid,
      fmt::format("a readable file with a token of {} or more printable characters without blanks and "
                  "colons, or with a line NAME:TOKEN for each; {}",
                  kShortestToken, found));
}

// What is wrong with it alone; empty: nothing.
std::string FaultOf(const AdminToken& token, bool named) {
  if (named && token.name.empty()) return "has an empty name";
  if (token.name.size() > kLongestName || !std::all_of(token.name.begin(), token.name.end(), IsNameByte))
    return fmt::format(
        "has a name with other characters than letters, digits, \".\", \"_\" and \"-\", or more "
        "than {} of them",
        kLongestName);
  if (token.text.empty()) return "has an empty token";
  if (!std::all_of(token.text.begin(), token.text.end(), IsTokenByte))
    return "has a token with a blank, a colon or an unprintable character";
  if (token.text.size() < kShortestToken)
    return fmt::format("has a token of {} characters", token.text.size());
  return "";
}

}  // namespace

Result<std::vector<AdminToken>> ParseAdminTokens(std::string_view text) {
  const auto lines = LinesOf(text);
  if (lines.empty()) return Expected("it has no line");
  std::vector<AdminToken> tokens;
  std::map<std::string_view, std::size_t> line_of_name;
  std::map<std::string_view, std::size_t> line_of_text;
  std::size_t number = 0;
  for (const auto line : lines) {
    ++number;
    if (line.empty()) return Expected(fmt::format("line {} is empty", number));
    const auto colon = line.find(':');
    const bool named = colon != std::string_view::npos;
    const auto name = named ? line.substr(0, colon) : std::string_view();
    const auto token = named ? line.substr(colon + 1) : line;
    if (!named && lines.size() > 1)
      return Expected(fmt::format("line {} of {} has no name", number, lines.size()));
    tokens.push_back({std::string(name), std::string(token)});
    if (const auto fault = FaultOf(tokens.back(), named); !fault.empty())
      return Expected(fmt::format("line {} {}", number, fault));
    if (const auto [seen, is_new] = line_of_name.emplace(name, number); !is_new)
      return Expected(fmt::format("line {} has the name of line {}", number, seen->second));
    if (const auto [seen, is_new] = line_of_text.emplace(token, number); !is_new)
      return Expected(fmt::format("line {} has the token of line {}", number, seen->second));
  }
  return tokens;
}

Result<AdminTokens> ReadAdminTokens(std::string_view path) {
  AdminTokens tokens{.path = std::string(path), .list = {}};
  std::error_code unknown;
  // Read again at a SIGHUP, when the loop cannot wait for the other end of a pipe.
  if (!std::filesystem::is_regular_file(path, unknown)) return Expected("it is no regular file");
  const auto text = ReadTextFile(tokens.path);
  if (!text) return Expected(text.error().message);
  auto list = ParseAdminTokens(*text);
  if (!list) return tl::unexpected(list.error());
  tokens.list = std::move(*list);
  return tokens;
}

std::string NamesOf(const std::vector<AdminToken>& tokens) {
  std::string names;
  for (const auto& token : tokens) {
    if (!token.name.empty()) names += (names.empty() ? "" : ", ") + token.name;
  }
  return names;
}

}  // namespace redis_zk::watcher
