// Asks a running watcher over HTTP, for the commands.
//
// One thread. Every wait is bounded: for the connection by two seconds, for an answer by `patience`.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "net/endpoint.h"

namespace redis_zk::watcher::web {

struct Response {
  int status = 0;
  std::string body;
};

using Headers = std::multimap<std::string, std::string>;

// `path` with its query, encoded. kUnavailable: no watcher is there, nothing was sent; kUnknownOutcome: one
// is there, or was, and its answer did not come.
Result<Response> Get(const Endpoint& watcher, const std::string& path, const Headers& headers,
                     Duration patience);
Result<Response> Post(const Endpoint& watcher, const std::string& path, const Headers& headers,
                      Duration patience);

// The same for an answer that goes on: `take` gets it piece by piece, and ends it by returning false. The
// body of the result is empty then, unless the status is not 200. An answer that falls silent for `patience`
// is an error.
using Take = std::function<bool(std::string_view piece)>;
Result<Response> Stream(const Endpoint& watcher, const std::string& path, const Headers& headers,
                        Duration patience, const Take& take);

// Where a watcher that listens there is asked from this machine.
Endpoint ReachableAt(const Endpoint& listen);

// For a path or a query.
std::string Encoded(std::string_view text);

}  // namespace redis_zk::watcher::web
