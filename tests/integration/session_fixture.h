// A ZooKeeper session under test, with a thread that plays the daemon's loop: the test's own.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "base/random_id.h"
#include "support/servers.h"
#include "support/wait.h"
#include "zookeeper/session.h"

namespace redis_zk::testing {

// One server for the whole run: starting a JVM takes longer than most tests. Tests keep apart by their roots.
inline ZooKeeperServer& SharedZooKeeper() {
  static ZooKeeperServer server;
  return server;
}

inline std::string NewRoot() { return "/test-" + NewHexId(); }

class TestSession {
 public:
  using Kind = zookeeper::SessionEvent::Kind;

  explicit TestSession(std::vector<Endpoint> servers = {SharedZooKeeper().endpoint()}, Duration timeout = 2s,
                       std::string chroot = "")
      : session_(std::make_unique<zookeeper::Session>(zookeeper::Hosts{std::move(servers), std::move(chroot)},
                                                      timeout, [this](zookeeper::SessionEvent event) {
                                                        news_.Report(
                                                            [&] { events_.push_back(std::move(event)); });
                                                      })) {}
  // The sink must not outlive what it writes to.
  ~TestSession() { session_.reset(); }
  TestSession(const TestSession&) = delete;
  TestSession& operator=(const TestSession&) = delete;

  zookeeper::Session& operator*() { return *session_; }
  zookeeper::Session* operator->() { return session_.get(); }

  // Looks after the session until `condition`, which may read events(), is true.
  bool Until(const std::function<bool()>& condition, Duration within = kPatience) {
    return news_.Until(condition, within, [this] { session_->Maintain(Clock::now()); });
  }
  bool Connect() {
    return Until([this] { return session_->connected(); });
  }
  bool Saw(Kind kind, const std::string& path = "") {
    return Until([&] { return Contains(kind, path); });
  }
  bool Contains(Kind kind, const std::string& path = "") const {
    return std::any_of(events_.begin(), events_.end(), [&](const auto& event) {
      return event.kind == kind && (path.empty() || event.path == path);
    });
  }
  void Forget() {
    news_.Report([this] { events_.clear(); });
  }

 private:
  News news_;
  std::vector<zookeeper::SessionEvent> events_;
  std::unique_ptr<zookeeper::Session> session_;
};

}  // namespace redis_zk::testing
