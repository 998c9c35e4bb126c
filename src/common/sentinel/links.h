// Which Sentinels are connected to a server, as its CLIENT LIST shows them.
#pragma once

#include <string>
#include <vector>

#include "base/time.h"
#include "net/endpoint.h"
#include "redis/servers.h"

namespace redis_zk::sentinel {

// Sentinel names its connections: sentinel-<the first eight digits of its id>-cmd, and -pubsub.
struct Link {
  std::string id;    // these eight digits
  std::string host;  // it comes from there

  auto operator<=>(const Link&) const = default;
};

// Of each server those that have just been heard of, in the order of `servers`; an error stands for a server
// that does not say. One that is gone without a word is connected for a quarter of an hour more, and is left
// out.
//
// Two questions: whom the subscriptions show, of which there are few on most servers, and where there are
// others than `known` among them, who of all clients is active.
std::vector<Result<std::vector<Link>>> AskLinks(redis::Servers& servers, const std::vector<Endpoint>& asked,
                                                const std::vector<std::string>& known);

// The lines of CLIENT LIST that are a Sentinel's connections of this kind ("cmd", "pubsub"), without those
// that have been silent for longer.
std::vector<Link> ParseLinks(const std::string& client_list, const std::string& kind, Duration silent);

}  // namespace redis_zk::sentinel
