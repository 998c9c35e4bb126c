// How many requests were answered, by status. Any thread.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace redis_zk::watcher::web {

class RequestCounts {
 public:
  void Add(int status) {
    std::size_t index = 0;
    while (index + 1 < kStatuses.size() && kStatuses[index] != status) ++index;
    counts_[index].fetch_add(1, std::memory_order_relaxed);
  }
  // Status and count; 0 stands for all other statuses.
  std::vector<std::pair<int, std::uint64_t>> Read() const {
    std::vector<std::pair<int, std::uint64_t>> counts;
    for (std::size_t index = 0; index < kStatuses.size(); ++index)
      counts.emplace_back(kStatuses[index], counts_[index].load(std::memory_order_relaxed));
    return counts;
  }

 private:
  static constexpr std::array<int, 20> kStatuses{200, 304, 400, 401, 403, 404, 405, 408, 409, 413,
                                                 414, 421, 429, 431, 500, 501, 503, 504, 505, 0};
  std::array<std::atomic<std::uint64_t>, kStatuses.size()> counts_{};
};

}  // namespace redis_zk::watcher::web
