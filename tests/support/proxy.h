// A TCP proxy whose cable can be cut, for one server on loopback. What it does to the bytes can change at any
// time and concerns the connections that exist.
#pragma once

#include <atomic>
#include <cstddef>
#include <thread>

#include "net/endpoint.h"

namespace redis_zk::testing {

class Proxy {
 public:
  enum class Mode {
    kForward,
    kSilent,       // a cut cable: connections stay, no byte passes
    kLoseAnswers,  // requests arrive, answers are thrown away
    kRefuse,       // a dead host's reset: connections are closed, new ones are closed at once
  };

  // Listens on `port`; on any when that is 0.
  explicit Proxy(const Endpoint& server, std::uint16_t port = 0);
  ~Proxy();
  Proxy(const Proxy&) = delete;
  Proxy& operator=(const Proxy&) = delete;

  const Endpoint& endpoint() const { return endpoint_; }
  void Set(Mode mode);
  // How many bytes the server has sent.
  std::size_t answered() const { return answered_; }
  // Closes the connections there are; new ones are welcome.
  void Disconnect();

 private:
  void Run();
  void Wake() const;

  const Endpoint server_;
  Endpoint endpoint_;
  int listener_;
  int wake_fd_;
  std::atomic<Mode> mode_ = Mode::kForward;
  std::atomic<std::size_t> answered_ = 0;
  std::atomic<bool> disconnect_ = false;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

}  // namespace redis_zk::testing
