#include "unit/log_fixture.h"

#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <sstream>
#include <utility>

#include "base/log.h"

namespace redis_zk::testing {

struct CapturedLog::Capture {
  const std::shared_ptr<spdlog::logger> before = spdlog::default_logger();
  std::ostringstream text;
};

CapturedLog::CapturedLog(std::string_view level) : capture_(std::make_unique<Capture>()) {
  auto logger =
      std::make_shared<spdlog::logger>("", std::make_shared<spdlog::sinks::ostream_sink_mt>(capture_->text));
  logger->set_pattern("%n| %v");
  spdlog::set_default_logger(std::move(logger));
  SetLogLevel(level);
}

CapturedLog::~CapturedLog() { spdlog::set_default_logger(capture_->before); }

std::string CapturedLog::text() const { return capture_->text.str(); }

}  // namespace redis_zk::testing
