#include "watcher/remarks.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstddef>
#include <map>

#include "watcher/words.h"

namespace redis_zk::watcher {

namespace {

std::string Ago(std::int64_t unix_time, std::int64_t unix_now) {
  return InSeconds(Duration(std::max<std::int64_t>(unix_now - unix_time, 0))) + " ago";
}

}  // namespace

bool IsRecent(std::int64_t unix_time, std::int64_t unix_now) {
  return unix_now - unix_time < kRemarkableFor.count();
}

std::string UsualVersion(const std::vector<store::Report>& wrappers) {
  std::map<std::string, std::size_t> counts;
  for (const auto& wrapper : wrappers) ++counts[wrapper.process.version];
  for (const auto& [version, count] : counts) {
    if (2 * count > wrappers.size()) return version;
  }
  return "";
}

std::vector<std::string> RemarksOn(const store::Report& wrapper, const std::string& usual_version,
                                   std::int64_t unix_now) {
  std::vector<std::string> remarks;
  const auto& past = wrapper.past;
  if (past.exits > 0 && IsRecent(past.last_exit_at, unix_now)) {
    remarks.push_back(fmt::format("its server exited by itself {} with code {}, {} in all",
                                  Ago(past.last_exit_at, unix_now), past.last_exit,
                                  Counted(static_cast<std::size_t>(past.exits), "time")));
  }
  if (past.handover && !past.handover->done && IsRecent(past.handover->time, unix_now)) {
    remarks.push_back(fmt::format("its last handover failed {}: {}", Ago(past.handover->time, unix_now),
                                  past.handover->sentence));
  }
  if (const auto& error = wrapper.error; error && IsRecent(error->time, unix_now)) {
    remarks.push_back(fmt::format("logged an error {} ({}): {}", Ago(error->time, unix_now), error->event,
                                  error->sentence));
  }
  if (const auto& turn = wrapper.slow_turn; turn && IsRecent(turn->time, unix_now)) {
    remarks.push_back(fmt::format("a turn of its loop took {}, {}", InSeconds(Duration(turn->took)),
                                  Ago(turn->time, unix_now)));
  }
  const auto& version = wrapper.process.version;
  if (!usual_version.empty() && version != usual_version) {
    remarks.push_back(fmt::format("its version is {}, that of most wrappers {}",
                                  version.empty() ? "unknown" : version, usual_version));
  }
  return remarks;
}

}  // namespace redis_zk::watcher
