// How often the kernel has killed a process of our control group for lack of memory.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace redis_zk::os {

// Of the control group that we run in, version 2 or 1. Nothing: the kernel does not say. `root`: where the
// file system of the machine begins, for tests.
std::optional<std::uint64_t> CountOomKills(const std::string& root = "");

}  // namespace redis_zk::os
