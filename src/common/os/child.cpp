#include "os/child.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <utility>

#include "base/exit_code.h"
#include "os/descriptors.h"

namespace redis_zk::os {

namespace {

// Other threads' children are for those to reap.
constexpr int kOfThisThread = WNOHANG | __WNOTHREAD;

// As execvp would, but before the fork, where errors can be explained.
Result<std::string> FindBinary(const std::string& name) {
  const auto check = [&name](const std::string& path) -> Status {
    struct stat status {};
    if (stat(path.c_str(), &status) != 0) {
      return Fail(ErrorKind::kNotFound, fmt::format("\"{}\" not found", name));
    }
    if (!S_ISREG(status.st_mode) || access(path.c_str(), X_OK) != 0) {
      return Fail(ErrorKind::kRefused, fmt::format("\"{}\" is not an executable file", path));
    }
    return {};
  };
  if (name.find('/') != std::string::npos) {
    if (auto found = check(name); !found) return tl::unexpected(found.error());
    // The server starts in another directory.
    return std::filesystem::absolute(name).string();
  }
  const char* path = std::getenv("PATH");
  std::string_view folders = path == nullptr ? "/usr/local/bin:/usr/bin:/bin" : path;
  Error first_refusal{ErrorKind::kNotFound, fmt::format("\"{}\" not found in PATH", name)};
  while (true) {
    const auto colon = folders.find(':');
    std::string candidate = std::string(folders.substr(0, colon)) + '/' + name;
    const auto found = check(candidate);
    if (found) return candidate;
    if (found.error().kind == ErrorKind::kRefused && first_refusal.kind == ErrorKind::kNotFound) {
      first_refusal = found.error();
    }
    if (colon == std::string_view::npos) return tl::unexpected(first_refusal);
    folders.remove_prefix(colon + 1);
  }
}

// What exec takes; points into `words`.
std::vector<char*> PointersTo(const std::vector<std::string>& words) {
  std::vector<char*> pointers;
  for (const auto& word : words) pointers.push_back(const_cast<char*>(word.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

struct Image {
  const char* binary;
  char* const* argv;
  char* const* environment;
  int input_fd;   // -1: none
  int output_fd;  // -1: ours
  int kept_fd;    // -1: none
};

// Between fork and exec: async-signal-safe calls only. Never returns.
[[noreturn]] void BecomeServer(const Image& image, const char* work_dir, const sigset_t& mask, pid_t parent,
                               int report_fd) {
  const auto give_up = [&report_fd] {
    const int failure = errno;
    [[maybe_unused]] const ssize_t written = write(report_fd, &failure, sizeof failure);
    _exit(kExitNotExecutable);
  };
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  // The parent may have died before that call.
  if (getppid() != parent) _exit(kExitNotExecutable);
  // Redis and Sentinel write their configuration anew while they run, with the passwords in it.
  umask(S_IRWXG | S_IRWXO);
  // What is ignored stays ignored in a new program: we ignore SIGPIPE, and who starts us may ignore more.
  for (int number = 1; number < NSIG; ++number) signal(number, SIG_DFL);
  sigprocmask(SIG_SETMASK, &mask, nullptr);
  const int input_fd = image.input_fd >= 0 ? image.input_fd : open("/dev/null", O_RDONLY);
  if (input_fd < 0 || dup2(input_fd, STDIN_FILENO) < 0) give_up();
  const int output_fd = image.output_fd;
  if (output_fd >= 0 && (dup2(output_fd, STDOUT_FILENO) < 0 || dup2(output_fd, STDERR_FILENO) < 0)) give_up();
  if (chdir(work_dir) != 0) give_up();
  int first_closed = STDERR_FILENO + 1;
  if (image.kept_fd >= 0) {
    // A copy, which does not close itself at exec. It may overwrite what has its number, so both move first.
    const int copy = fcntl(image.kept_fd, F_DUPFD, first_closed + 1);
    const int moved = fcntl(report_fd, F_DUPFD_CLOEXEC, first_closed + 1);
    if (copy < 0 || moved < 0) give_up();
    report_fd = moved;
    if (dup2(copy, first_closed) < 0) give_up();
    ++first_closed;
  }
  // The ZooKeeper client does not mark its sockets, and the HTTP library not those it accepts. The report
  // pipe closes itself at exec.
  CloseDescriptorsFrom(first_closed, report_fd);
  execve(image.binary, image.argv, image.environment);
  give_up();
  _exit(kExitNotExecutable);
}

}  // namespace

Result<Child> Child::Start(const ChildSpec& spec) {
  const auto binary = FindBinary(spec.argv.front());
  if (!binary) return tl::unexpected(binary.error());
  const auto argv = PointersTo(spec.argv);
  const auto environment = spec.environment ? PointersTo(*spec.environment) : std::vector<char*>{};
  std::unique_ptr<Output> output;
  if (!spec.log_name.empty()) {
    auto opened = Output::Open(spec.log_name, spec.log_lines, spec.log_edit);
    if (!opened) return tl::unexpected(opened.error());
    output = std::move(*opened);
  }
  std::array<int, 2> report{};
  if (pipe2(report.data(), O_CLOEXEC) != 0) {
    return Fail(ErrorKind::kInternal, fmt::format("pipe: {}", std::strerror(errno)));
  }
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid == 0) {
    BecomeServer({.binary = binary->c_str(),
                  .argv = argv.data(),
                  .environment = spec.environment ? environment.data() : environ,
                  .input_fd = spec.input,
                  .output_fd = output ? output->write_end() : -1,
                  .kept_fd = spec.kept},
                 spec.work_dir.c_str(), spec.signal_mask, parent, report[1]);
  }
  const int fork_errno = errno;
  close(report[1]);
  if (output) output->CloseWriteEnd();
  if (pid < 0) {
    close(report[0]);
    return Fail(ErrorKind::kInternal, fmt::format("fork: {}", std::strerror(fork_errno)));
  }
  // Also here, so that the group exists whichever of us runs first.
  setpgid(pid, pid);
  int exec_errno = 0;
  ssize_t length = 0;
  do {
    length = read(report[0], &exec_errno, sizeof exec_errno);
  } while (length < 0 && errno == EINTR);
  close(report[0]);
  if (length == 0) return Child(pid, std::move(output));
  waitpid(pid, nullptr, 0);
  return Fail(exec_errno == ENOENT ? ErrorKind::kNotFound : ErrorKind::kRefused,
              fmt::format("cannot execute \"{}\": {}", *binary, std::strerror(exec_errno)));
}

Child::Child(Child&& other) noexcept
    : pid_(std::exchange(other.pid_, 0)), output_(std::move(other.output_)) {}

Child::~Child() {
  if (pid_ == 0) return;
  Kill();
  waitpid(pid_, nullptr, 0);
}

bool Child::Leads(pid_t other) const { return pid_ > 0 && getpgid(other) == pid_; }

void Child::Signal(int number) const {
  if (pid_ > 0) kill(pid_, number);
}

void Child::Kill() const {
  if (pid_ > 0) kill(-pid_, SIGKILL);
}

std::optional<int> Child::Reap() {
  std::optional<int> exit_code;
  while (true) {
    int status = 0;
    const pid_t ended = waitpid(-1, &status, kOfThisThread);
    if (ended <= 0) return exit_code;
    if (ended != pid_) continue;
    exit_code = WIFSIGNALED(status) ? kExitSignalBase + WTERMSIG(status) : WEXITSTATUS(status);
    Kill();
    pid_ = 0;
    output_.reset();
  }
}

Result<std::unique_ptr<Process>> LaunchChild(const ChildSpec& spec) {
  auto child = Child::Start(spec);
  if (!child) return tl::unexpected(child.error());
  return std::make_unique<Child>(std::move(*child));
}

void ReapStrangers() {
  while (waitpid(-1, nullptr, kOfThisThread) > 0) continue;
}

}  // namespace redis_zk::os
