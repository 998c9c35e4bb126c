#include "os/core_dumps.h"

#include <sys/resource.h>

namespace redis_zk::os {

void ForbidCoreDumps() {
  constexpr rlimit kNone{0, 0};
  setrlimit(RLIMIT_CORE, &kNone);
}

}  // namespace redis_zk::os
