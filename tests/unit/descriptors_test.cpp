#include "os/descriptors.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

namespace redis_zk::testing::descriptors_test {
namespace {

// What `act` returns in a process of its own.
int InAnotherProcess(const std::function<int()>& act) {
  const pid_t pid = fork();
  if (pid == 0) _exit(act());
  int status = 0;
  waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

bool IsOpen(int fd) { return fcntl(fd, F_GETFD) >= 0; }

constexpr int kFirst = 10;
constexpr int kLast = 600;  // more than one reading of /proc/self/fd tells

void OpenAll() {
  for (int fd = kFirst; fd <= kLast; ++fd) dup2(STDERR_FILENO, fd);
}

// How many of them are open, those that are to be included or not.
int CountWrong(int kept) {
  int wrong = IsOpen(STDERR_FILENO) ? 0 : 1;
  for (int fd = kFirst; fd <= kLast; ++fd) wrong += IsOpen(fd) == (fd == kept || fd == kFirst) ? 0 : 1;
  return wrong;
}

TEST(DescriptorsTest, AllAreClosedButOne) {
  using Close = std::function<void(int, int)>;
  for (const Close& act : {Close(&os::CloseDescriptorsFrom), Close(&os::CloseListedDescriptors)}) {
    for (const int kept : {kFirst, kFirst + 1, kFirst + 2, 300, kLast}) {
      EXPECT_EQ(InAnotherProcess([&] {
                  OpenAll();
                  act(kFirst + 1, kept);
                  return CountWrong(kept);
                }),
                0)
          << kept;
    }
  }
}

TEST(DescriptorsTest, MissingStandardStreamsAreOpened) {
  EXPECT_EQ(InAnotherProcess([] {
              close(STDIN_FILENO);
              close(STDOUT_FILENO);
              os::OpenStandardStreams();
              return IsOpen(STDIN_FILENO) && write(STDOUT_FILENO, "x", 1) == 1 ? 0 : 1;
            }),
            0);
}

}  // namespace
}  // namespace redis_zk::testing::descriptors_test
