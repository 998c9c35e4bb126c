// How a Sentinel's registration and its identity among Sentinels belong together: ZooKeeper knows it by a
// UUID, its peers by an id of 40 hexadecimal digits, which follows from it.
#pragma once

#include <string>
#include <string_view>

namespace redis_zk::registry {

// The Sentinel id of a Sentinel registered under `uuid`: the UUID's 32 digits and its first eight again,
// since Sentinel wants 40.
std::string SentinelIdOf(std::string_view uuid);

}  // namespace redis_zk::registry
