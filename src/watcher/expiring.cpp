#include "watcher/expiring.h"

#include <fmt/core.h>

#include <map>
#include <set>
#include <utility>

#include "daemon/expiry_notice.h"
#include "watcher/words.h"

namespace redis_zk::watcher {

namespace {

using daemon::Validity;

// Ordered by their end.
using Files = std::set<std::pair<std::int64_t, std::string>>;

std::string DescribeFiles(const Files& files, bool expired, std::int64_t unix_now) {
  const auto& [expires, first] = *files.begin();
  const bool many = files.size() > 1;
  const char* verb = expired ? "expired" : many ? "expire" : "expires";
  return fmt::format("{} {}{} {}: {}; {}write the next {} into the file{}, which {} loaded within seconds",
                     Counted(files.size(), "certificate"), verb, many ? ", the first" : "",
                     daemon::DescribeDistance(expires, unix_now), first,
                     expired ? "new connections that rely on it are rejected; " : "", many ? "ones" : "one",
                     many ? "s" : "", many ? "are" : "is");
}

}  // namespace

std::vector<NodeCertificates> CertificatesOf(const std::vector<store::Report>& wrappers) {
  std::vector<NodeCertificates> nodes;
  for (const auto& wrapper : wrappers) {
    if (!wrapper.certificates.empty())
      nodes.push_back({wrapper.process.daemon, wrapper.process.endpoint, wrapper.certificates});
  }
  return nodes;
}

std::string MemberOf(const NodeCertificates& node) {
  return node.endpoint.host.empty() ? "watcher" : node.endpoint.ToAddress();
}

std::vector<std::string> DescribeExpiring(const std::vector<NodeCertificates>& nodes, std::int64_t unix_now) {
  std::map<Validity, Files> found;
  for (const auto& node : nodes) {
    for (const auto& [path, expires] : node.files)
      found[daemon::Judge(expires, unix_now)].emplace(expires, fmt::format("{} of {}", path, MemberOf(node)));
  }
  std::vector<std::string> sentences;
  for (const Validity validity : {Validity::kExpired, Validity::kEndsSoon}) {
    if (const auto files = found.find(validity); files != found.end())
      sentences.push_back(DescribeFiles(files->second, validity == Validity::kExpired, unix_now));
  }
  return sentences;
}

}  // namespace redis_zk::watcher
