// What the JSON of several znodes has in common. Values, parsing.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "net/endpoint.h"

namespace redis_zk::store {

// An object that tells of the server at an address.
struct ServerObject {
  Endpoint endpoint;
  Json json;  // all of it
};
Result<ServerObject> ParseServerObject(std::string_view text);

// Of the daemon that wrote it; empty: before 0.2.0. Printable and short, whatever stands there.
std::string VersionAt(const Json& json);

}  // namespace redis_zk::store
