#include "redis/conf_complaint.h"

#include <fmt/core.h>

#include <charconv>

#include "base/printable.h"
#include "os/child_output.h"

namespace redis_zk::redis {

namespace {

constexpr std::string_view kHead = "*** FATAL CONFIG FILE ERROR";
constexpr std::string_view kNumber = "Reading the configuration file, at line ";
constexpr std::string_view kLine = ">>> '";

// "Error in user declaration '<hash': ..." repeats a word of the line.
std::string WithoutQuoted(std::string_view why) {
  const auto first = why.find('\'');
  const auto last = why.rfind('\'');
  if (!why.starts_with("Error in user declaration") || first == last) return std::string(why);
  return fmt::format("{}...{}", why.substr(0, first + 1), why.substr(last));
}

std::string_view FirstWord(std::string_view text) { return text.substr(0, text.find_first_of(" \t\"'")); }

}  // namespace

std::string ComplaintReader::Hear(std::string_view line) {
  // The output is cut there.
  const bool goes_on = line.size() >= os::LineCutter::kLongestLine;
  if (next_ == Next::kRestOfLine) {
    if (!goes_on) next_ = Next::kReason;
    return "...";
  }
  if (line.starts_with(kHead)) {
    next_ = Next::kLineOrReason;
    heard_ = {};
    return std::string(line);
  }
  if (next_ == Next::kLineOrReason && line.starts_with(kNumber)) {
    const auto digits = line.substr(kNumber.size());
    std::from_chars(digits.data(), digits.data() + digits.size(), heard_.number);
    return std::string(line);
  }
  if (next_ == Next::kLineOrReason && line.starts_with(kLine)) {
    line.remove_prefix(kLine.size());
    if (!goes_on && line.ends_with('\'')) line.remove_suffix(1);
    heard_.text = line;
    heard_.cut_off = goes_on;
    next_ = goes_on ? Next::kRestOfLine : Next::kReason;
    return fmt::format("{}{} ...'", kLine, FirstWord(line));
  }
  if (next_ == Next::kNothing) return std::string(line);
  next_ = Next::kNothing;
  heard_.why = WithoutQuoted(line);
  complaint_ = heard_;
  return heard_.why;
}

std::string Describe(const ConfComplaint& complaint, const Conf& users, const std::string& path) {
  const std::string why = Printable(complaint.why);
  if (complaint.text.empty()) {
    const auto* const logfile = why.find("log file") != std::string::npos ? users.Find("logfile") : nullptr;
    return fmt::format("{}: {}", logfile != nullptr ? logfile->Place() : path, why);
  }
  const ConfLine* found = nullptr;
  for (const auto& line : users.lines) {
    const bool same = complaint.cut_off ? line.text.starts_with(complaint.text) : line.text == complaint.text;
    // Of equal ones, the second may be the one too many.
    const bool there = static_cast<std::int64_t>(line.number) == complaint.number;
    if (same && (found == nullptr || there)) found = &line;
  }
  if (found != nullptr) return fmt::format("{}: {}: {}", found->Place(), Printable(found->name), why);
  return fmt::format("{}: {}, a line that is not yours: {}", path, Printable(FirstWord(complaint.text)), why);
}

}  // namespace redis_zk::redis
