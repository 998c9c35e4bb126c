// Who begins when no living node can be made the master: the node with the best data on disk, unless a living
// replica that is never promoted holds better ones.
#pragma once

#include "redis-wrapper/bootstrap.h"

namespace redis_zk::redis_wrapper {

// `why` opens the sentence: what was found about the record.
Decision DecideColdStart(const View& view, const std::string& why);

}  // namespace redis_zk::redis_wrapper
