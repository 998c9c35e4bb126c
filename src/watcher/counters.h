// What has happened since this watcher began, counted; the history forgets. Values and a function of them.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "base/time.h"
#include "watcher/event.h"

namespace redis_zk::watcher {

// Seconds. A planned stop takes a quarter of a second, a failover 2 with the down-after of conf/.
inline constexpr std::array<double, 9> kOutageBounds{0.25, 0.5, 1, 2, 3, 5, 10, 30, 120};

struct Counters {
  struct Group {
    std::uint64_t record_changes = 0;
    // Outages up to each bound and above the one before; the last ones are longer than all bounds.
    std::array<std::uint64_t, kOutageBounds.size() + 1> outages{};
    double outage_sum_seconds = 0;
  };

  std::map<std::string, std::uint64_t> kinds;  // of events
  std::map<std::string, Group> groups;
};

void Count(const Event& event, Counters* counters);

// Of the watcher's own connection.
struct ZooKeeperFigures {
  std::uint64_t connections = 0;                  // made
  std::optional<Clock::duration> request_took{};  // the last small one that was measured
};

}  // namespace redis_zk::watcher
