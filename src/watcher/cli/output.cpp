#include "watcher/cli/output.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>

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

Look LookOfTerminal() {
  if (isatty(STDOUT_FILENO) == 0) return {};
  winsize size{};
  Look look{.width = 80};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) look.width = size.ws_col;
  const char* no_color = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  look.colored =
      (no_color == nullptr || *no_color == '\0') && (term == nullptr || std::string_view(term) != "dumb");
  return look;
}

bool Print(const std::string& text) {
  return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
}

}  // namespace redis_zk::watcher::cli
