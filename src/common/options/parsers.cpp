#include "options/parsers.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <filesystem>
#include <utility>

#include "net/endpoint.h"

namespace redis_zk {

namespace {

constexpr Duration kLongestDuration = 24h * 365;

std::string ShowDuration(Duration duration) {
  if (duration % 1h == Duration::zero() && duration > Duration::zero())
    return fmt::format("{}h", duration / 1h);
  if (duration % 1s == Duration::zero()) return fmt::format("{}s", duration / 1s);
  return fmt::format("{}ms", duration.count());
}

}  // namespace

Result<Duration> ParseDuration(std::string_view text) {
  static constexpr std::array<std::pair<std::string_view, Duration>, 5> kUnits{
      {{"", 1s}, {"s", 1s}, {"ms", 1ms}, {"m", 1min}, {"h", 1h}}};
  std::int64_t number = 0;
  const char* const begin = text.data();
  const auto [end, error] = std::from_chars(begin, begin + text.size(), number);
  if (error == std::errc() && number >= 0) {
    const std::string_view unit = text.substr(static_cast<std::size_t>(end - begin));
    for (const auto& [name, length] : kUnits) {
      if (unit == name && number <= kLongestDuration / length) return number * length;
    }
  }
  return Fail(ErrorKind::kInvalid, "a duration like 30s, 500ms, 2m or 1h (a bare number is seconds)");
}

Parser<Duration> DurationBetween(Duration least, Duration most) {
  return [least, most](std::string_view text) -> Result<Duration> {
    auto duration = ParseDuration(text);
    if (duration && (*duration < least || *duration > most)) {
      return Fail(ErrorKind::kInvalid,
                  fmt::format("a duration from {} to {}", ShowDuration(least), ShowDuration(most)));
    }
    return duration;
  };
}

Parser<std::int64_t> WholeNumber(std::int64_t least, std::int64_t most) {
  return [least, most](std::string_view text) -> Result<std::int64_t> {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size() || number < least || number > most) {
      return Fail(ErrorKind::kInvalid, fmt::format("a whole number from {} to {}", least, most));
    }
    return number;
  };
}

Result<std::string> ParseIp(std::string_view text) {
  if (!IsIpAddress(text)) return Fail(ErrorKind::kInvalid, "an IPv4 or IPv6 address");
  return CanonicalHost(text);
}

Result<std::string> ParseHost(std::string_view text) {
  if (!IsIpAddress(text) && !IsHostName(text))
    return Fail(ErrorKind::kInvalid, "an IP address or a host name");
  return CanonicalHost(text);
}

Result<std::string> ParseMasterName(std::string_view text) {
  const bool allowed = !text.empty() && text != "." && text != ".." &&
                       std::all_of(text.begin(), text.end(), [](unsigned char c) {
                         return std::isalnum(c) != 0 || c == '.' || c == '_' || c == '-';
                       });
  if (!allowed) return Fail(ErrorKind::kInvalid, "a name of letters, digits, '.', '_' and '-'");
  return std::string(text);
}

Result<std::string> ParseLogLevel(std::string_view text) {
  static constexpr std::array<std::string_view, 6> kLevels{"trace", "debug", "info", "warn", "error", "off"};
  if (std::find(kLevels.begin(), kLevels.end(), text) == kLevels.end()) {
    return Fail(ErrorKind::kInvalid, "trace, debug, info, warn, error or off");
  }
  return std::string(text);
}

Result<LogFormat> ParseLogFormat(std::string_view text) {
  if (text == "text") return LogFormat::kText;
  if (text == "json") return LogFormat::kJson;
  return Fail(ErrorKind::kInvalid, "text or json");
}

Result<bool> ParseSwitch(std::string_view text) {
  if (text == "on" || text == "off") return text == "on";
  return Fail(ErrorKind::kInvalid, "on or off");
}

Result<std::string> ParseText(std::string_view text) {
  // A line break would start a directive of its own in a generated configuration file.
  if (std::any_of(text.begin(), text.end(), [](unsigned char c) { return c < ' ' || c == 127; })) {
    return Fail(ErrorKind::kInvalid, "text without control characters");
  }
  return std::string(text);
}

std::vector<std::string> CheckReadable(std::string_view name, const std::string& path) {
  std::error_code error;
  const bool is_file = std::filesystem::is_regular_file(path, error);
  if (!error && is_file && access(path.c_str(), R_OK) != 0) error = {errno, std::generic_category()};
  if (!error && is_file) return {};
  return {fmt::format("{}: found \"{}\", expected a readable file ({})", name, path,
                      error ? error.message() : "not a regular file")};
}

}  // namespace redis_zk
