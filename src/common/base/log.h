// One line per fact, on standard error. Everything logs through spdlog's default logger; this sets it up. Any
// thread may log. Nobody is held up for more than half a second by who does not read what is logged: the
// lines that find no room are dropped, and counted.
#pragma once

#include <spdlog/logger.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

namespace redis_zk {

enum class LogFormat { kText, kJson };

// Once, at the start of main. `level` is one that LOG_LEVEL takes.
void InitLog(std::string_view daemon, LogFormat format, std::string_view level);

// The least severe level that is logged. Any thread.
std::string_view LogLevel();
void SetLogLevel(std::string_view level);

// For the lines of `program`, which somebody else wrote: marked with its name, and logged at every LOG_LEVEL,
// since which lines it writes is for its own configuration to say.
std::shared_ptr<spdlog::logger> MakePassThrough(std::string program);

struct LogLine {
  std::chrono::system_clock::time_point time;
  std::string_view level;
  std::string_view logger;
  std::string_view message;
  bool passed_through = false;  // in text it has its own time and level
};
// Without the end of the line. Whatever the message holds, it is one line of valid UTF-8.
std::string RenderLogLine(const LogLine& line, LogFormat format);

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
