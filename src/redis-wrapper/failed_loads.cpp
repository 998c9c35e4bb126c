#include "redis-wrapper/failed_loads.h"

#include <fmt/core.h>

#include "base/exit_code.h"
#include "redis-wrapper/bootstrap.h"

namespace redis_zk::redis_wrapper {

namespace {

using redis::LoadCause;

const char* WayOut(LoadCause cause) {
  switch (cause) {
    case LoadCause::kDamaged:
      return "; repair them (redis-check-aof --fix, redis-check-rdb), or move them away to copy those of the "
             "group";
    case LoadCause::kNewerFormat:
      return "; start a server of the version that wrote them, or move them away to copy those of the group";
    case LoadCause::kUnknown:
    case LoadCause::kElsewhere:
      break;
  }
  return "; its own log says why";
}

}  // namespace

std::optional<LoadCause> FindFailedLoad(const daemon::Start& start) {
  if (start.kind != daemon::Start::Kind::kServerEnded || start.complaint) return std::nullopt;
  const auto& [cause, text] = start.load_failure;
  if (cause == LoadCause::kElsewhere) return std::nullopt;
  if (!text.empty()) return cause;
  // A signal that kills it, and one that it obeys with 0, say nothing about the data.
  const bool by_itself = start.exit_code != 0 && start.exit_code < kExitSignalBase;
  return start.was_loading && by_itself ? std::optional(LoadCause::kUnknown) : std::nullopt;
}

std::string DescribeFailedLoad(const daemon::Start& start, const std::string& dir, std::int64_t before,
                               const std::string& damage) {
  const auto& [cause, text] = start.load_failure;
  const bool counts_down = cause != LoadCause::kUnknown && before + 1 < kMostFailedLoads;
  const std::string then = counts_down ? fmt::format("; given up after {}", kMostFailedLoads) : std::string();
  return fmt::format(
      "redis-server could not load the data in {} ({}{}{}), exit code {}; failed load {} of these "
      "files{}{}",
      dir, text.empty() ? "it ended while it loaded them" : text, damage.empty() ? "" : "; ", damage,
      start.OurExitCode(), before + 1, then, WayOut(cause));
}

}  // namespace redis_zk::redis_wrapper
