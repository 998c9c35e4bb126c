// Answers, as bytes, that hold for as long as the topology is the same, within a second because of their
// Date. Thousands of clients of the same kind ask the same question in the same bytes, and to render an
// answer takes longer than all else that a request costs.
#pragma once

#include <ctime>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "watcher/topology.h"

namespace redis_zk::watcher::web {

struct RenderedAnswer {
  int status = 200;
  std::string bytes;
};

// Any thread.
class RenderedAnswers {
 public:
  std::optional<RenderedAnswer> Find(std::string_view request,
                                     const std::shared_ptr<const Topology>& topology, std::time_t now) {
    const std::lock_guard lock(mutex_);
    if (topology != topology_ || now != second_) return std::nullopt;
    const auto found = answers_.find(request);
    return found == answers_.end() ? std::nullopt : std::optional(found->second);
  }
  void Keep(std::string_view request, const std::shared_ptr<const Topology>& topology, std::time_t now,
            RenderedAnswer answer) {
    if (request.size() > kLongest || answer.bytes.size() > kLongest) return;
    const std::lock_guard lock(mutex_);
    if (topology != topology_ || now != second_ || answers_.size() >= kMost) answers_.clear();
    topology_ = topology;
    second_ = now;
    answers_.insert_or_assign(std::string(request), std::move(answer));
  }

 private:
  static constexpr std::size_t kMost = 64;
  static constexpr std::size_t kLongest = 4096;

  std::mutex mutex_;
  std::shared_ptr<const Topology> topology_;
  std::time_t second_ = 0;
  std::map<std::string, RenderedAnswer, std::less<>> answers_;
};

}  // namespace redis_zk::watcher::web
