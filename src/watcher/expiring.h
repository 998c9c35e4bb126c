// Which certificates of the daemons end soon or have ended, in words. Values; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "store/report.h"
#include "watcher/topology.h"

namespace redis_zk::watcher {

// Of those that use TLS.
std::vector<NodeCertificates> CertificatesOf(const std::vector<store::Report>& wrappers);

// The address of its server; a watcher has none, and is "watcher".
std::string MemberOf(const NodeCertificates& node);

// A sentence for those that have ended, and one for those that end soon; none: all are good for long.
std::vector<std::string> DescribeExpiring(const std::vector<NodeCertificates>& nodes, std::int64_t unix_now);

}  // namespace redis_zk::watcher
