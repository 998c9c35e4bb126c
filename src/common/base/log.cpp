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
#include <atomic>
#include <cerrno>
#include <climits>
#include <cstddef>
#include <mutex>
#include <utility>

#include "base/json.h"
#include "base/printable.h"
#include "base/time.h"
#include "base/unix_time.h"

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

// Set before a second thread logs.
std::string own_group;
std::string own_node;

using Fields = std::vector<std::pair<std::string_view, std::string>>;

// Of the line that this thread logs now: spdlog hands the formatter a text alone.
thread_local const Fields* current_fields = nullptr;

Fields FieldsOf(const log::About& about) {
  Fields fields;
  const auto add = [&fields](std::string_view key, std::string value) {
    if (!value.empty()) fields.emplace_back(key, std::move(value));
  };
  add("group", about.group.empty() ? own_group : std::string(about.group));
  add("node", own_node);
  add("peer", about.peer);
  if (about.epoch) add("epoch", std::to_string(*about.epoch));
  add("event", std::string(about.event));
  for (const auto& [key, value] : about.more) add(key, value);
  return fields;
}

// As logfmt has it: quoted where a blank or a quote would end it.
std::string FieldText(const std::string& value) {
  std::string text = Printable(value, std::string_view::npos);
  if (text.find_first_of(" \"=") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + '"';
}

// How long a reader of the log can hold up the thread that logs.
constexpr Duration kPatience = 500ms;

// Standard error. A line that its reader does not take in time is dropped, or cut off where it got stuck, for
// he must not hold up a failover.
class StandardError : public spdlog::sinks::base_sink<std::mutex> {
 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    // Waited for once, and not again before a reader reads.
    const TimePoint deadline = dropped_ > 0 ? TimePoint{} : Clock::now() + kPatience;
    if (dropped_ > 0 && HasRoom(deadline)) {
      const std::string text = fmt::format("dropped {} log lines: standard error was not read for {} ms",
                                           dropped_, kPatience.count());
      const Fields fields = FieldsOf({.event = "log-lines-dropped"});
      const Fields* const before = std::exchange(current_fields, &fields);
      if (Write({message.logger_name, spdlog::level::warn, text}, deadline)) dropped_ = 0;
      current_fields = before;
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
                                            .passed_through = logger != daemon_,
                                            .fields = current_fields != nullptr ? *current_fields : Fields{}},
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
    Json object{{"time", Timestamp(line.time)},
                {"level", line.level},
                {"logger", line.logger},
                {"message", line.message}};
    for (const auto& [key, value] : line.fields) object[key] = value;
    return object.Dump();
  }
  const std::string message = Printable(line.message, std::string_view::npos);
  if (line.passed_through) return fmt::format("{}| {}", line.logger, message);
  std::string text = fmt::format("{} {:<5} {}", Timestamp(line.time), line.level, message);
  for (const auto& [key, value] : line.fields) text += fmt::format(" {}={}", key, FieldText(value));
  return text;
}

void InitLog(std::string_view daemon, LogFormat format, std::string_view level) {
  auto logger = std::make_shared<spdlog::logger>(std::string(daemon), std::make_shared<StandardError>());
  logger->set_formatter(std::make_unique<Formatter>(std::string(daemon), format));
  spdlog::set_default_logger(std::move(logger));
  SetLogLevel(level);
}

void SetLogContext(std::string group, std::string node) {
  own_group = std::move(group);
  own_node = std::move(node);
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

// Its lines have no fields.
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

std::atomic<std::uint64_t> problem_count{0};
std::mutex problems_mutex;
LastProblems problems;

void Remember(Severity severity, std::string_view event, const std::string& sentence) {
  if (severity < Severity::kWarn) return;
  const std::lock_guard lock(problems_mutex);
  auto& kept = severity == Severity::kError ? problems.error : problems.warning;
  kept = Problem{UnixTime(), std::string(event), sentence};
  ++problem_count;
}

}  // namespace

LastProblems FindLastProblems() {
  const std::lock_guard lock(problems_mutex);
  return problems;
}

std::uint64_t CountProblems() { return problem_count; }

bool IsLogged(Severity severity) { return spdlog::default_logger_raw()->should_log(ToSpdlog(severity)); }

void Write(Severity severity, const About& about, fmt::string_view format, fmt::format_args args) {
  if (!IsLogged(severity)) return;
  const Fields fields = FieldsOf(about);
  const std::string sentence = fmt::vformat(format, args);
  Remember(severity, about.event, sentence);
  current_fields = &fields;
  spdlog::default_logger_raw()->log(ToSpdlog(severity), std::string_view(sentence));
  current_fields = nullptr;
}

}  // namespace log

void LogOnChange::operator()(log::Severity severity, const log::About& about, const std::string& sentence) {
  std::string line = sentence;
  // Zero bytes keep the parts apart, so that different lines stay different.
  for (const auto& [key, value] : FieldsOf(about))
    line.append(1, '\0').append(key).append(1, '=').append(value);
  if (line == last_) return;
  last_ = std::move(line);
  log::Say(severity, about, "{}", sentence);
}

}  // namespace redis_zk
