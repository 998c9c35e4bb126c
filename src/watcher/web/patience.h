// What a client says of waiting for news: a value.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "base/time.h"

namespace redis_zk::watcher::web {

struct Patience {
  std::string since;                  // the version that it knows already; empty: none
  std::optional<TimePoint> deadline;  // nothing: it does not wait
};

// `wait` is what the query says, "30s", of which there may be nothing. The error is a sentence for the
// client.
Result<Patience> ReadPatience(std::string since, const std::optional<std::string>& wait, TimePoint now);

}  // namespace redis_zk::watcher::web
