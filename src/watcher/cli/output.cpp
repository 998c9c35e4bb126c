#include "watcher/cli/output.h"

#include <cstdio>

#include "base/exit_code.h"

namespace redis_zk::watcher::cli {

int Complain(int code, const std::string& why) {
  std::fprintf(stderr, "watcher: %s\n", why.c_str());
  return code;
}

int Complain(const Error& error) {
  if (error.kind == ErrorKind::kInvalid) return Complain(kExitConfig, error.message);
  const bool unreachable = error.kind == ErrorKind::kUnavailable || error.kind == ErrorKind::kUnknownOutcome;
  return Complain(unreachable ? kExitUnavailable : kExitRefused, error.message);
}

bool Print(const std::string& text) {
  return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
}

}  // namespace redis_zk::watcher::cli
