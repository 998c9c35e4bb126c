// What is open to others: a server without a password to its network, a file with a secret to the other users
// of its host.
#pragma once

#include <string>
#include <string_view>

#include "net/endpoint.h"
#include "options/common_options.h"
#include "redis/credentials.h"

namespace redis_zk::daemon {

// What a server without a password means.
struct Risk {
  std::string_view kind;  // of the server: "redis", "sentinel"
  redis::CredentialsSource redis::FleetCredentials::*credentials;
  std::string_view can;     // what any host on the network can do
  std::string_view option;  // the one that closes it
};
// Of the servers that `daemon` launches, which is the name of a wrapper.
const Risk& RiskOf(std::string_view daemon);

// Whether the server that `daemon` launches takes commands without a password from other hosts.
bool IsOpen(const CommonOptions& common, const ServerOptions& server, std::string_view daemon);

// Warns at a start if it does.
void WarnIfOpen(const CommonOptions& common, const ServerOptions& server, std::string_view daemon);
// The same for people, about the servers at `addresses`.
std::string DescribeOpenServers(const std::string& addresses, const Risk& risk);

// A warning for each file with a secret that the options found open.
void WarnOfSecretFiles(const CommonOptions& options);

}  // namespace redis_zk::daemon
