// Which certificates of the daemons end soon or have ended, in words. Values; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "store/record.h"

namespace redis_zk::watcher {

// The address of its server; a watcher has none, and is "watcher".
std::string MemberOf(const store::NodeCertificates& node);

// A sentence for those that have ended, and one for those that end soon; none: all are good for long.
std::vector<std::string> DescribeExpiring(const std::vector<store::NodeCertificates>& nodes,
                                          std::int64_t unix_now);

}  // namespace redis_zk::watcher
