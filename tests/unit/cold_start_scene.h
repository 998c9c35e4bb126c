// Nodes whose data decide who begins anew, in a group with two chapters of history.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "redis-wrapper/cold_start.h"
#include "support/addresses.h"

namespace redis_zk::testing {

inline const Endpoint kSelf{"10.0.0.1", 6379};
inline constexpr const char* kOld = "aaaaaaaa00000000000000000000000000000000";
inline constexpr const char* kNew = "bbbbbbbb00000000000000000000000000000000";
inline constexpr const char* kForeign = "ffffffff00000000000000000000000000000000";
inline const store::History kHistory{
    .replication_id = kNew, .offset = 500, .ancestors = {{kOld, 100}}, .reported_at = 1'000'000};

inline store::Dataset Data(const char* id, std::int64_t offset) {
  return {.replication_id = id, .offset = offset, .bytes = 10};
}
inline const store::Dataset kEmpty{};

inline std::vector<store::Member> Starting(const Endpoint& endpoint, const store::Dataset& dataset) {
  return {{.uuid = "m", .endpoint = endpoint, .node = "n", .dataset = dataset}};
}

}  // namespace redis_zk::testing
