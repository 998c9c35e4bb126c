// Who plays in the stories that the unit tests tell.
#pragma once

#include <string>

#include "net/endpoint.h"

namespace redis_zk::testing {

inline const std::string kGroup = "master1";
inline const Endpoint kA{"10.0.0.1", 6379};
inline const Endpoint kB{"10.0.0.2", 6379};
inline const Endpoint kC{"10.0.0.3", 6379};

}  // namespace redis_zk::testing
