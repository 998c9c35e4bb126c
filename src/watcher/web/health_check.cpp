#include "watcher/web/health_check.h"

#include <cstdio>

#include "base/exit_code.h"

namespace redis_zk::watcher::web {

namespace {

constexpr Duration kPatience = 2s;
// Docker keeps 2 for itself.
constexpr int kExitUnwell = 1;

}  // namespace

int CheckHealth(const Target& watcher) {
  const auto answer = Get(watcher, "/healthz", {}, kPatience);
  std::printf("%s\n", answer ? answer->body.c_str() : answer.error().message.c_str());
  return answer && answer->status == 200 ? kExitStopped : kExitUnwell;
}

}  // namespace redis_zk::watcher::web
