// What the commands print: the words of a watcher's answer, laid out for a terminal. Whatever stands in an
// answer, what comes out is printable.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "watcher/words.h"

namespace redis_zk::watcher::cli {

struct Rendered {
  std::string text;
  std::size_t warnings = 0;
};

// The answer to /status as a table.
Result<Rendered> RenderStatusTable(std::string_view json, const Look& look);

// The answer to a failover that was asked for, in one sentence.
Result<std::string> RenderFailover(std::string_view json);

// Lines of text that are printable, each with its line end.
std::string PrintableLines(std::string_view text);

// One event of /events.
struct ToldEvent {
  std::string id;
  std::string data;  // JSON
};

// Takes the events out of a stream whose pieces end anywhere.
class EventParser {
 public:
  std::vector<ToldEvent> Take(std::string_view piece);

 private:
  std::string rest_;
  ToldEvent event_;
};

// "2026-01-31 12:00:00  master1  the master is ...", by the clock and the time zone of this machine.
Result<std::string> RenderEventLine(std::string_view json);

}  // namespace redis_zk::watcher::cli
