#include "watcher/words.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <sstream>

namespace redis_zk::watcher {

namespace {

constexpr std::size_t kGap = 2;
// A last column narrower than this is put on lines of its own.
constexpr std::size_t kLeastRoom = 30;
constexpr std::size_t kOwnLineIndent = 4;

// Of UTF-8, whose continuation bytes take no room.
std::size_t WidthOf(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80; }));
}

std::vector<std::string> Lines(const std::string& text, std::size_t room) {
  std::istringstream words(text);
  std::vector<std::string> lines(1);
  for (std::string word; words >> word;) {
    const std::size_t used = WidthOf(lines.back());
    if (used > 0 && used + 1 + WidthOf(word) > room) {
      lines.push_back(word);
    } else {
      lines.back() += (used > 0 ? " " : "") + word;
    }
  }
  return lines;
}

std::string Joined(const std::vector<std::string>& lines, Color color, std::size_t indent, const Look& look) {
  std::string text;
  for (const auto& line : lines)
    text += (text.empty() ? "" : '\n' + std::string(indent, ' ')) + Painted(line, color, look);
  return text;
}

}  // namespace

std::string InBytes(std::int64_t bytes) {
  if (bytes < 1000) return Counted(static_cast<std::size_t>(std::max<std::int64_t>(bytes, 0)), "byte");
  constexpr std::array<const char*, 4> kUnits{"KB", "MB", "GB", "TB"};
  auto amount = static_cast<double>(bytes) / 1000;
  std::size_t unit = 0;
  for (; amount >= 999.95 && unit + 1 < kUnits.size(); ++unit) amount /= 1000;
  return fmt::format("{:.1f} {}", amount, kUnits[unit]);
}

std::string InSeconds(Clock::duration duration) {
  const double seconds = std::chrono::duration<double>(duration).count();
  if (seconds < 9.95) {
    const std::string tenths = fmt::format("{:.1f}", seconds);
    return tenths.substr(0, tenths.ends_with(".0") ? tenths.size() - 2 : tenths.size()) + " s";
  }
  if (seconds < 120) return fmt::format("{:.0f} s", seconds);
  if (seconds < 7200) return fmt::format("{:.0f} min", seconds / 60);
  return fmt::format("{:.0f} h", seconds / 3600);
}

std::string Counted(std::size_t count, const std::string& one) {
  return fmt::format("{} {}{}", count, one, count == 1 ? "" : "s");
}

std::string CountedAre(std::size_t count, const std::string& one) {
  return fmt::format("{} {}", Counted(count, one), count == 1 ? "is" : "are");
}

std::string Painted(const std::string& text, Color color, const Look& look) {
  if (!look.colored || color == Color::kPlain || text.empty()) return text;
  const char* code = color == Color::kStrong ? "1" : color == Color::kGood ? "32" : "31";
  return fmt::format("\x1b[{}m{}\x1b[0m", code, text);
}

std::string RenderTable(const std::vector<Row>& rows, std::size_t indent, const Look& look) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    // The last cell has all the room there is.
    for (std::size_t i = 0; i + 1 < row.size(); ++i) widths[i] = std::max(widths[i], WidthOf(row[i].text));
  }
  std::string table;
  for (const auto& row : rows) {
    std::string line(indent, ' ');
    std::size_t column = indent;
    for (std::size_t i = 0; i + 1 < row.size(); ++i) {
      line += Painted(row[i].text, row[i].color, look);
      line += std::string(widths[i] - WidthOf(row[i].text) + kGap, ' ');
      column += widths[i] + kGap;
    }
    const Cell last = row.empty() ? Cell{} : row.back();
    const bool fits = look.width == 0 || column + WidthOf(last.text) <= look.width;
    if (fits) {
      line += Painted(last.text, last.color, look);
    } else if (column + kLeastRoom <= look.width) {
      line += Joined(Lines(last.text, look.width - column), last.color, column, look);
    } else {
      const std::size_t start = indent + kOwnLineIndent;
      const std::size_t room = look.width > start ? look.width - start : 1;
      line.erase(line.find_last_not_of(' ') + 1);
      line += '\n' + std::string(start, ' ') + Joined(Lines(last.text, room), last.color, start, look);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    table += line + '\n';
  }
  return table;
}

std::string RenderSentence(const Cell& sentence, std::size_t indent, const Look& look) {
  const std::size_t deeper = indent + kGap;
  const std::vector<std::string> lines =
      look.width == 0 ? std::vector{sentence.text}
                      : Lines(sentence.text, look.width > deeper ? look.width - deeper : 1);
  return std::string(indent, ' ') + Joined(lines, sentence.color, deeper, look) + '\n';
}

}  // namespace redis_zk::watcher
