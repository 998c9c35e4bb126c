#include "zookeeper/hosts.h"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>
#include <cstdint>

namespace redis_zk::zookeeper {

namespace {

constexpr std::uint16_t kDefaultPort = 2181;

std::string_view Trimmed(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front())) != 0) text.remove_prefix(1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0) text.remove_suffix(1);
  return text;
}

}  // namespace

Result<Hosts> ParseHosts(std::string_view text) {
  Hosts hosts;
  std::string_view list = text;
  if (const auto slash = text.find('/'); slash != std::string_view::npos) {
    list = text.substr(0, slash);
    const auto chroot = ParsePath(text.substr(slash));
    if (!chroot) return Fail(ErrorKind::kInvalid, "after the hosts a chroot like \"/path\"");
    hosts.chroot = *chroot;
  }
  while (true) {
    const auto comma = list.find(',');
    const std::string_view item = Trimmed(list.substr(0, comma));
    const auto server = ParseAddress(item, kDefaultPort);
    if (!server) {
      return Fail(
          ErrorKind::kInvalid,
          fmt::format("\"host:port,host:port...\" with an optional \"/chroot\" (\"{}\" is not a host)",
                      item));
    }
    hosts.servers.push_back(*server);
    if (comma == std::string_view::npos) return hosts;
    list.remove_prefix(comma + 1);
  }
}

Result<std::string> ParsePath(std::string_view text) {
  const bool wrong =
      !text.starts_with('/') || text.size() < 2 || text.ends_with('/') ||
      text.find("//") != std::string_view::npos || text.find("/./") != std::string_view::npos ||
      text.find("/../") != std::string_view::npos || text.ends_with("/.") || text.ends_with("/..") ||
      std::any_of(text.begin(), text.end(), [](unsigned char c) { return c <= ' ' || c == 127; });
  if (wrong) return Fail(ErrorKind::kInvalid, "a ZooKeeper path like \"/redis\"");
  return std::string(text);
}

std::string Describe(const Hosts& hosts) {
  std::string text;
  for (const auto& server : hosts.servers) text += (text.empty() ? "" : ",") + server.ToAddress();
  return text + hosts.chroot;
}

}  // namespace redis_zk::zookeeper
