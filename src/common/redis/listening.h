// Where a server listens, and whether with TLS: the lines of its configuration that say so, and what becomes
// of the user's about that. The same for Redis and Sentinel. Functions of values.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "net/tls_context.h"
#include "redis/conf_check.h"
#include "redis/conf_file.h"

namespace redis_zk::redis {

struct Listening {
  std::uint16_t port = 0;
  const TlsFiles* tls = nullptr;  // nothing: without TLS
};

// Name and value. Clients need no certificate unless the user's lines say that they do.
std::vector<std::pair<std::string, std::string>> LinesOf(const Listening& listening, const Conf& users);

// `listening` is copied, but for the files. `subject` is "the server", or "the Sentinel".
void AddRulesOf(const Listening& listening, const std::string& subject, std::vector<ConfRule>* rules);

}  // namespace redis_zk::redis
