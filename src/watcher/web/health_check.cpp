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
  // One that rejects our certificate turns: a restart would end its service, and mend no file.
  const bool well = answer ? answer->status == 200 : answer.error().kind == ErrorKind::kRefused;
  return well ? kExitStopped : kExitUnwell;
}

}  // namespace redis_zk::watcher::web
