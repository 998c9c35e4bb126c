// Why ZooKeeper cannot be used: what each of its servers says of itself to "srvr", which they answer without
// a session, and which the C client does not ask.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/inquiry.h"
#include "base/time.h"

namespace redis_zk::zookeeper {

// For a log line: "10.0.0.1:2181: Connection refused; 10.0.0.2:2181 is read-only: ...". `addresses`: as of
// ResolveNow. Blocks for at most `within`. Any thread.
std::string SurveyServers(const std::vector<std::string>& addresses, Duration within);

// What an answer to "srvr" that is complete says; empty: the server hung up without a word.
std::string DescribeServer(std::string_view answer);

// Asks them again and again while there is no connection. The owner's thread.
class Survey {
 public:
  // `on_news` is called from any thread when Look has something to take, and never after the destructor.
  explicit Survey(std::function<void()> on_news) : on_news_(std::move(on_news)) {}

  // `disconnected_for`: since when this handle has had no connection; nothing: it has one.
  void Look(const std::vector<std::string>& addresses, std::optional<Duration> disconnected_for,
            TimePoint now);
  // Empty: connected, or not known yet.
  const std::string& said() const { return said_; }

 private:
  const std::function<void()> on_news_;
  std::unique_ptr<Inquiry<std::string>> asking_;  // nothing: no server is asked
  TimePoint next_at_{};
  std::string said_;
};

}  // namespace redis_zk::zookeeper
