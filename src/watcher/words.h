// Figures and tables as text for people.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/time.h"

namespace redis_zk::watcher {

std::string InBytes(std::int64_t bytes);          // "0 bytes", "1.5 KB"
std::string InSeconds(Clock::duration duration);  // "0.3 s", "7 s", "42 s", "3 min", "5 h"
// "1 replica", "2 replicas".
std::string Counted(std::size_t count, const std::string& one);
// "1 replica is", "2 replicas are".
std::string CountedAre(std::size_t count, const std::string& one);

enum class Color { kPlain, kStrong, kGood, kBad };

struct Cell {
  std::string text;
  Color color = Color::kPlain;
};
using Row = std::vector<Cell>;

// How wide lines may be, and whether colours are shown.
struct Look {
  std::size_t width = 0;  // 0: as wide as they are
  bool colored = false;
};

std::string Painted(const std::string& text, Color color, const Look& look);

// Columns as wide as their widest cell. The last cell of a row is wrapped below itself, or on lines of its
// own where that leaves too little room. Words are never cut, so that addresses can be copied.
std::string RenderTable(const std::vector<Row>& rows, std::size_t indent, const Look& look);

// One sentence, wrapped; what follows its first line is indented by two more.
std::string RenderSentence(const Cell& sentence, std::size_t indent, const Look& look);

}  // namespace redis_zk::watcher
