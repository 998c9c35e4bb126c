// A session under test, real or not, with what it has told. The test's own thread plays the daemon's loop.
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/random_id.h"
#include "support/wait.h"
#include "zookeeper/session.h"

namespace redis_zk::testing {

// Tests keep apart by their roots.
inline std::string NewRoot() { return "/test-" + NewHexId(); }

class RecordingSession {
 public:
  using Kind = zookeeper::SessionEvent::Kind;

  RecordingSession(const zookeeper::SessionFactory& open, const zookeeper::Hosts& hosts, Duration timeout,
                   const zookeeper::Security& security = {})
      : session_(open(hosts, security, timeout, [this](zookeeper::SessionEvent event) {
          news_.Report([&] { events_.push_back(std::move(event)); });
        })) {}
  // The sink must not outlive what it writes to.
  virtual ~RecordingSession() { session_.reset(); }
  RecordingSession(const RecordingSession&) = delete;
  RecordingSession& operator=(const RecordingSession&) = delete;

  zookeeper::Session& operator*() { return *session_; }
  zookeeper::Session* operator->() { return session_.get(); }

  // Looks after the session until `condition`, which may read what was told, is true.
  bool Until(const std::function<bool()>& condition, Duration within = kPatience) {
    return news_.Until(condition, within, [this] { session_->Maintain(Clock::now()); });
  }
  bool Connect() {
    return Until([this] { return session_->connected(); });
  }
  bool Saw(Kind kind, const std::string& path = "") {
    return Until([&] { return CountLocked(kind, path) > 0; });
  }
  // How often it was told since Forget.
  std::ptrdiff_t Count(Kind kind, const std::string& path = "") {
    std::ptrdiff_t count = 0;
    news_.Until([&] {
      count = CountLocked(kind, path);
      return true;
    });
    return count;
  }
  void Forget() {
    news_.Report([this] { events_.clear(); });
  }

 private:
  std::ptrdiff_t CountLocked(Kind kind, const std::string& path) const {
    return std::count_if(events_.begin(), events_.end(), [&](const auto& event) {
      return event.kind == kind && (path.empty() || event.path == path);
    });
  }

  News news_;
  std::vector<zookeeper::SessionEvent> events_;
  std::unique_ptr<zookeeper::Session> session_;
};

}  // namespace redis_zk::testing
