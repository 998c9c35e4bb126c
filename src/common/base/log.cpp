#include "base/log.h"

#include <fmt/format.h>
#include <poll.h>
#include <spdlog/formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstddef>
#include <mutex>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/printable.h"
#include "base/time.h"

namespace redis_zk {

namespace {

// As LOG_LEVEL calls them, in spdlog's order.
constexpr std::array<std::string_view, spdlog::level::n_levels> kLevels{"trace", "debug",    "info", "warn",
                                                                        "error", "critical", "off"};

// RFC 3339, UTC, milliseconds.
std::string Timestamp(std::chrono::system_clock::time_point time) {
  const auto since_epoch = std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch());
  const auto seconds = std::chrono::floor<std::chrono::seconds>(since_epoch);
  const time_t whole = seconds.count();
  struct tm utc {};
  gmtime_r(&whole, &utc);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", utc.tm_year + 1900, utc.tm_mon + 1,
                     utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec, (since_epoch - seconds).count());
}

// How long a reader of the log can hold up whoever logs.
constexpr Duration kPatience = 500ms;

// Standard error. A line that its reader does not take in time is dropped, or cut off where it got stuck, for
// he must not hold up a failover.
class StandardError : public spdlog::sinks::base_sink<std::mutex> {
 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    // Waited for once, and not again before somebody reads.
    const TimePoint deadline = dropped_ > 0 ? TimePoint{} : Clock::now() + kPatience;
    if (dropped_ > 0 && HasRoom(deadline)) {
      const std::string text = fmt::format("{} lines of the log were dropped: nobody read it", dropped_);
      if (Write({message.logger_name, spdlog::level::warn, text}, deadline)) dropped_ = 0;
    }
    if (!Write(message, deadline)) ++dropped_;
  }
  void flush_() override {}

 private:
  static bool HasRoom(TimePoint deadline) {
    pollfd standard_error{STDERR_FILENO, POLLOUT, 0};
    return poll(&standard_error, 1, static_cast<int>(Remaining(deadline, Clock::now()).count())) != 0;
  }
  // False: not all of it was taken in time.
  bool Write(const spdlog::details::log_msg& message, TimePoint deadline) {
    spdlog::memory_buf_t line;
    if (is_cut_) line.push_back('\n');
    formatter_->format(message, line);
    const std::string_view whole(line.data(), line.size());
    std::string_view left = whole;
    while (!left.empty()) {
      if (!HasRoom(deadline)) {
        is_cut_ = is_cut_ || left.size() < whole.size();
        return false;
      }
      // A pipe that has room has it for this much.
      const ssize_t written = write(STDERR_FILENO, left.data(), std::min<std::size_t>(left.size(), PIPE_BUF));
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return true;
      left.remove_prefix(static_cast<std::size_t>(written));
    }
    is_cut_ = false;
    return true;
  }

  std::size_t dropped_ = 0;
  bool is_cut_ = false;  // the last line has no end
};

class Formatter : public spdlog::formatter {
 public:
  Formatter(std::string daemon, LogFormat format) : daemon_(std::move(daemon)), format_(format) {}

  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& line) override {
    const std::string_view logger(message.logger_name.data(), message.logger_name.size());
    const std::string text = RenderLogLine({.time = message.time,
                                            .level = kLevels.at(static_cast<std::size_t>(message.level)),
                                            .logger = logger,
                                            .message = {message.payload.data(), message.payload.size()},
                                            .passed_through = logger != daemon_},
                                           format_) +
                             '\n';
    line.append(text.data(), text.data() + text.size());
  }
  std::unique_ptr<spdlog::formatter> clone() const override {
    return std::make_unique<Formatter>(daemon_, format_);
  }

 private:
  const std::string daemon_;
  const LogFormat format_;
};

}  // namespace

std::string RenderLogLine(const LogLine& line, LogFormat format) {
  if (format == LogFormat::kJson) {
    nlohmann::ordered_json object;
    object["time"] = Timestamp(line.time);
    object["level"] = line.level;
    object["logger"] = line.logger;
    object["message"] = line.message;
    return object.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  }
  const std::string message = Printable(line.message, std::string_view::npos);
  if (line.passed_through) return fmt::format("{}| {}", line.logger, message);
  return fmt::format("{} {:<5} {}", Timestamp(line.time), line.level, message);
}

void InitLog(std::string_view daemon, LogFormat format, std::string_view level) {
  auto logger = std::make_shared<spdlog::logger>(std::string(daemon), std::make_shared<StandardError>());
  logger->set_formatter(std::make_unique<Formatter>(std::string(daemon), format));
  spdlog::set_default_logger(std::move(logger));
  SetLogLevel(level);
}

std::string_view LogLevel() {
  return kLevels.at(static_cast<std::size_t>(spdlog::default_logger_raw()->level()));
}

void SetLogLevel(std::string_view level) {
  spdlog::default_logger_raw()->set_level(spdlog::level::from_str(std::string(level)));
}

PassThrough::PassThrough(std::string program) {
  const auto& sinks = spdlog::default_logger_raw()->sinks();
  logger_ = std::make_shared<spdlog::logger>(std::move(program), sinks.begin(), sinks.end());
  logger_->set_level(spdlog::level::trace);
}

void PassThrough::Info(std::string_view line) const { logger_->log(spdlog::level::info, line); }

void PassThrough::Warn(std::string_view line) const { logger_->log(spdlog::level::warn, line); }

namespace log {

namespace {

spdlog::level::level_enum ToSpdlog(Severity severity) {
  switch (severity) {
    case Severity::kDebug:
      return spdlog::level::debug;
    case Severity::kInfo:
      return spdlog::level::info;
    case Severity::kWarn:
      return spdlog::level::warn;
    case Severity::kError:
      break;
  }
  return spdlog::level::err;
}

}  // namespace

bool IsLogged(Severity severity) { return spdlog::default_logger_raw()->should_log(ToSpdlog(severity)); }

void Write(Severity severity, fmt::string_view format, fmt::format_args args) {
  if (!IsLogged(severity)) return;
  spdlog::default_logger_raw()->log(ToSpdlog(severity), std::string_view(fmt::vformat(format, args)));
}

}  // namespace log

void LogOnChange::operator()(const std::string& text, Level level) {
  if (text == last_) return;
  last_ = text;
  switch (level) {
    case Level::kInfo:
      return log::Info("{}", text);
    case Level::kWarn:
      return log::Warn("{}", text);
    case Level::kError:
      return log::Error("{}", text);
  }
}

}  // namespace redis_zk
