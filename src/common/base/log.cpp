#include "base/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>

namespace redis_zk {

void InitLog(std::string_view level) {
  auto logger = std::make_shared<spdlog::logger>("", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %-5l %v", spdlog::pattern_time_type::utc);
  logger->set_level(spdlog::level::from_str(std::string(level)));
  logger->flush_on(spdlog::level::trace);
  spdlog::set_default_logger(std::move(logger));
}

void LogOnChange::operator()(const std::string& text, Level level) {
  if (text == last_) return;
  last_ = text;
  switch (level) {
    case Level::kInfo:
      return spdlog::info("{}", text);
    case Level::kWarn:
      return spdlog::warn("{}", text);
    case Level::kError:
      return spdlog::error("{}", text);
  }
}

}  // namespace redis_zk
