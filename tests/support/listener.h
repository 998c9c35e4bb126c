// A socket that listens on 127.0.0.1, as a server that takes no connection.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>

namespace redis_zk::testing {

class Listener {
 public:
  // On a free port where `port` is 0.
  explicit Listener(std::uint16_t port = 0) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    auto* const raw = reinterpret_cast<sockaddr*>(&address);
    if (bind(fd_, raw, length) != 0 || listen(fd_, 1) != 0 || getsockname(fd_, raw, &length) != 0)
      std::abort();
    port_ = ntohs(address.sin_port);
  }
  ~Listener() { close(fd_); }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  std::uint16_t port() const { return port_; }
  int fd() const { return fd_; }

 private:
  const int fd_;
  std::uint16_t port_ = 0;
};

}  // namespace redis_zk::testing
