// How a Sentinel's registration and its identity among Sentinels belong together: ZooKeeper knows it by a
// UUID, its peers by an id of 40 hexadecimal digits, and each follows from the other.
#pragma once

#include <string>
#include <string_view>

namespace redis_zk::registry {

// The Sentinel id of a Sentinel registered under `uuid`, and the way back; empty for what is none of ours.
// The id is the UUID's 32 digits and its first eight again, since Sentinel wants 40.
std::string SentinelIdOf(std::string_view uuid);
std::string UuidOf(std::string_view sentinel_id);

}  // namespace redis_zk::registry
