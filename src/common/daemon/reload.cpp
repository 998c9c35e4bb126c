#include "daemon/reload.h"

#include <fmt/core.h>

#include <sstream>
#include <utility>

#include "base/log.h"

namespace redis_zk::daemon {

LogLevelChoice ChooseLogLevel(std::string_view now, const LiveOptions& read) {
  const std::string& source = read.log_level_source;
  std::string why = source + " sets it";
  if (source == kFromFlag) why = "the flag --log-level outranks the config file";
  if (source == kFromEnvironment) why = "the environment outranks the config file";
  if (source == kFromDefault) why = "no config file sets it, and this is the default";
  if (read.log_level == now) return {read.log_level, fmt::format("LOG_LEVEL stays {}: {}", now, why)};
  return {read.log_level, fmt::format("LOG_LEVEL is {} now, {} before: {}", read.log_level, now, why)};
}

std::optional<LiveOptions> Reload(const CommonOptions& common) {
  auto read = common.read_again();
  if (!read) {
    std::istringstream errors(read.error().message);
    for (std::string error; std::getline(errors, error);)
      log::Warn({.event = "reload-rejected"}, "SIGHUP: reload rejected, nothing changed: {}", error);
    return std::nullopt;
  }
  const auto choice = ChooseLogLevel(LogLevel(), *read);
  const std::string before(LogLevel());
  SetLogLevel(choice.level);
  // Logged when either level lets it through.
  if (!log::IsLogged(log::Severity::kInfo)) SetLogLevel(before);
  log::Info({.event = "reloaded"}, "SIGHUP: {}", choice.told);
  SetLogLevel(choice.level);
  return std::move(*read);
}

}  // namespace redis_zk::daemon
