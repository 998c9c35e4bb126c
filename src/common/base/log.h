// One line per fact, on standard error. Everything logs through spdlog's default logger; this sets it up.
#pragma once

#include <string>
#include <string_view>

namespace redis_zk {

// Once, at the start of main. Lines read "2026-01-31T12:00:00.000Z info  text".
void InitLog(std::string_view level);

// For a line that a loop would repeat: logs `text`, but only when it differs from the last one.
class LogOnChange {
 public:
  enum class Level { kInfo, kWarn, kError };
  void operator()(const std::string& text, Level level = Level::kInfo);
  // What it was about is over: the same text is news again.
  void Reset() { last_.clear(); }

 private:
  std::string last_;
};

}  // namespace redis_zk
