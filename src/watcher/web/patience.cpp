#include "watcher/web/patience.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "base/printable.h"
#include "options/parsers.h"

namespace redis_zk::watcher::web {

namespace {

constexpr Duration kLongestWait = 1min;
// A proxy between us and the client gives up after a minute, or after the 50 s of Debian's haproxy.cfg.
constexpr Duration kAnswerWithin = 45s;

}  // namespace

Result<Patience> ReadPatience(std::string since, const std::optional<std::string>& wait, TimePoint now) {
  Patience patience{.since = std::move(since), .deadline = std::nullopt};
  if (!wait) return patience;
  const auto duration = DurationBetween(0ms, kLongestWait)(*wait);
  if (!duration) {
    return Fail(ErrorKind::kInvalid,
                fmt::format("wait: found \"{}\", expected {}", Printable(*wait), duration.error().message));
  }
  patience.deadline = now + std::min(*duration, kAnswerWithin);
  return patience;
}

}  // namespace redis_zk::watcher::web
