// What a host name stands for.
//
// Blocks for about two seconds for each name server that does not answer.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace redis_zk {

// The addresses of a name, or an address itself, in the resolver's order (RFC 6724), each once. kUnavailable:
// there is none, or no name server said so; the error names the host.
Result<std::vector<std::string>> LookUp(const std::string& host);

}  // namespace redis_zk
