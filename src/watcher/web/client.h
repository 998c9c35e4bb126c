// Asks a running watcher over HTTP or HTTPS, for the commands.
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
#include "net/tls_context.h"

namespace redis_zk::watcher::web {

struct Response {
  int status = 0;
  std::string body;
};

// A watcher, and how it is reached.
struct Target {
  Endpoint watcher{};
  bool tls = false;
  // With TLS: `ca` has authorities, or the watcher's own certificate; empty: the authorities of this system.
  TlsFiles files{};
  bool by_name = true;  // whether its certificate must name the host of `watcher`
  // Whether its certificate must be trusted. False: for questions without a secret alone; files that cannot
  // be loaded are left out then.
  bool verified = true;
};

using Headers = std::multimap<std::string, std::string>;

// `path` with its query, encoded. kUnavailable: no watcher is there, or it is not trusted, nothing was sent;
// kInvalid: the files for TLS cannot be used; kUnknownOutcome: one is there, or was, and its answer did not
// come; kRefused, of one that is not verified: it is there, and does not accept the certificate in `files`.
Result<Response> Get(const Target& target, const std::string& path, const Headers& headers,
                     Duration patience);
Result<Response> Post(const Target& target, const std::string& path, const Headers& headers,
                      Duration patience);

// The same for an answer that goes on: `take` gets it piece by piece, and ends it by returning false. The
// body of the result is empty then, unless the status is not 200. An answer that falls silent for `patience`
// is an error.
using Take = std::function<bool(std::string_view piece)>;
Result<Response> Stream(const Target& target, const std::string& path, const Headers& headers,
                        Duration patience, const Take& take);

// Where a watcher that listens there is asked from this machine.
Endpoint ReachableAt(const Endpoint& listen);

// For a path or a query.
std::string Encoded(std::string_view text);

}  // namespace redis_zk::watcher::web
