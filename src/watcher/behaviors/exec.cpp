#include "watcher/behaviors/exec.h"

#include <fmt/core.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <climits>
#include <cstring>
#include <utility>

#include "base/time.h"
#include "os/child.h"
#include "os/descriptor.h"
#include "watcher/web/json.h"

namespace redis_zk::watcher {

namespace {

// How long a command may take to end when it is told to.
constexpr Duration kGrace = 1s;
// How much it may add to our log.
constexpr std::size_t kMostLines = 50;
constexpr std::string_view kPrefix = "REDIS_ZK_EVENT_";

Status Failed(const char* what) {
  return Fail(ErrorKind::kInternal, fmt::format("{}: {}", what, std::strerror(errno)));
}

// `text` in memory, to be read from its beginning: a command that does not read it delays nothing.
bool Fill(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return lseek(fd, 0, SEEK_SET) == 0;
}

// Whether the process ends before the deadline, and before `stop_fd` can be read; -1: never.
bool Ends(int process_fd, int stop_fd, TimePoint deadline) {
  std::array<pollfd, 2> fds{{{process_fd, POLLIN, 0}, {stop_fd, POLLIN, 0}}};
  while (fds[0].revents == 0 && fds[1].revents == 0) {
    const auto left = Remaining(deadline, Clock::now()).count();
    if (left == 0) break;
    poll(fds.data(), fds.size(), static_cast<int>(std::min<Duration::rep>(left, INT_MAX)));
  }
  return fds[0].revents != 0;
}

class Exec : public Behavior {
 public:
  Exec(std::string name, const Host& host, std::vector<std::string> command, Duration timeout)
      : name_(std::move(name)), host_(host), command_(std::move(command)), timeout_(timeout) {}

  Status Handle(const Event& event, const std::stop_token& stop) override {
    const os::Descriptor input(memfd_create("event", MFD_CLOEXEC));
    if (input.get() < 0 || !Fill(input.get(), web::RenderEventData(event) + '\n'))
      return Failed("memfd_create");
    const os::Descriptor stop_event(eventfd(0, EFD_CLOEXEC));
    if (stop_event.get() < 0) return Failed("eventfd");
    const std::stop_callback on_stop(stop, [&] { eventfd_write(stop_event.get(), 1); });
    std::vector<std::string> inherited;
    for (char** variable = environ; *variable != nullptr; ++variable) inherited.emplace_back(*variable);
    auto child = os::Child::Start({.argv = command_,
                                   .work_dir = ".",
                                   .signal_mask = host_.signal_mask,
                                   .log_name = name_,
                                   .log_lines = kMostLines,
                                   .input = input.get(),
                                   .environment = EnvironmentFor(event, inherited)});
    if (!child) return tl::unexpected(child.error());
    const os::Descriptor process(static_cast<int>(syscall(SYS_pidfd_open, child->pid(), 0U)));
    if (process.get() < 0) return Failed("pidfd_open");
    const bool in_time = Ends(process.get(), stop_event.get(), Clock::now() + timeout_);
    if (!in_time) {
      kill(-child->pid(), SIGTERM);
      if (!Ends(process.get(), -1, Clock::now() + kGrace)) {
        child->Kill();
        Ends(process.get(), -1, Clock::now() + kGrace);
      }
    }
    // With what is left of its group.
    const auto code = child->Reap();
    if (!in_time)
      return Fail(ErrorKind::kTimeout,
                  stop.stop_requested()
                      ? "the command was killed"
                      : fmt::format("the command was killed after {} ms (timeout)", timeout_.count()));
    if (code != 0)
      return Fail(ErrorKind::kRefused, fmt::format("the command exited with code {}", code.value_or(-1)));
    return {};
  }

 private:
  const std::string name_;
  const Host host_;
  const std::vector<std::string> command_;
  const Duration timeout_;
};

}  // namespace

BehaviorSettings::Make ReadExec(SectionReader& section) {
  const auto command = section.TakeList("command");
  const auto timeout = section.Take<Duration>("timeout", DurationBetween(100ms, 1h), "10s");
  if (!command.empty()) {
    struct stat status {};
    const std::string& file = command.front();
    const bool is_there = stat(file.c_str(), &status) == 0 && S_ISREG(status.st_mode);
    if (!file.starts_with('/') || !is_there || access(file.c_str(), X_OK) != 0)
      section.Fail("command", '"' + Printable(file) + '"', "the absolute path of an executable file first");
  }
  return [command, timeout](const std::string& name, const Host& host) {
    return std::make_unique<Exec>(name, host, command, timeout);
  };
}

std::vector<std::string> EnvironmentFor(const Event& event, const std::vector<std::string>& inherited) {
  std::vector<std::string> environment;
  for (const auto& variable : inherited) {
    if (!variable.starts_with(kPrefix)) environment.push_back(variable);
  }
  const auto add = [&environment](std::string name, const auto& value) {
    for (char& c : name) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    environment.push_back(fmt::format("{}{}={}", kPrefix, name, value));
  };
  for (const auto& [name, value] : event.fields) {
    if (const auto* endpoint = std::get_if<Endpoint>(&value)) {
      add(name, endpoint->ToAddress());
    } else if (const auto* text = std::get_if<std::string>(&value)) {
      add(name, *text);
    } else {
      add(name, std::get<std::int64_t>(value));
    }
  }
  add("id", event.id);
  add("key", event.key);
  add("kind", event.kind);
  add("group", event.group);
  add("time", event.time);
  add("sentence", event.sentence);
  return environment;
}

}  // namespace redis_zk::watcher
