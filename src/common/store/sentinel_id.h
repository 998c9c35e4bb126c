// How a Sentinel's registration and its identity among Sentinels belong together: ZooKeeper knows it by a
// UUID, its peers by an id of 40 hexadecimal digits, which follows from it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sentinel/reports.h"
#include "store/record.h"

namespace redis_zk::store {

// The Sentinel id of a Sentinel registered under `uuid`: the UUID's 32 digits and its first eight again,
// since Sentinel wants 40.
std::string SentinelIdOf(std::string_view uuid);

// Where the registered Sentinels are, and with which id they have to answer there.
std::vector<sentinel::Peer> PeersIn(const std::vector<Sentinel>& registered);

}  // namespace redis_zk::store
