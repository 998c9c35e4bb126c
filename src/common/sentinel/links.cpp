#include "sentinel/links.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

namespace redis_zk::sentinel {

namespace {

constexpr std::size_t kDigits = 8;
constexpr std::string_view kBegins = "sentinel-";
// A Sentinel sends a PING every second at the latest.
constexpr Duration kLongestSilence = 10s;
// A subscription says nothing.
constexpr Duration kEver = Duration::max();

// The value of "name=value" in a line of such words; empty: there is none.
std::string_view ValueOf(std::string_view line, std::string_view name) {
  for (std::size_t at = 0; at < line.size();) {
    const std::size_t end = std::min(line.find(' ', at), line.size());
    const std::string_view word = line.substr(at, end - at);
    if (word.size() > name.size() && word.starts_with(name) && word[name.size()] == '=')
      return word.substr(name.size() + 1);
    at = end + 1;
  }
  return {};
}

std::optional<Link> ParseLink(std::string_view line, std::string_view kind, Duration silent) {
  const std::string_view name = ValueOf(line, "name");
  if (name.size() != kBegins.size() + kDigits + 1 + kind.size() || !name.starts_with(kBegins) ||
      !name.ends_with(kind) || name[kBegins.size() + kDigits] != '-')
    return std::nullopt;
  const std::string_view idle = ValueOf(line, "idle");
  std::int64_t seconds = 0;
  std::from_chars(idle.data(), idle.data() + idle.size(), seconds);
  if (silent != kEver && seconds > silent / 1s) return std::nullopt;
  std::string_view host = ValueOf(line, "addr");
  host = host.substr(0, host.rfind(':'));
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return Link{std::string(name.substr(kBegins.size(), kDigits)), std::string(host)};
}

Result<std::vector<Link>> ReadLinks(const Result<redis::Replies>& answer, const std::string& kind,
                                    Duration silent) {
  if (!answer) return tl::unexpected(answer.error());
  const auto& reply = answer->front();
  if (reply.is_error()) return Fail(ErrorKind::kRefused, reply.text);
  return ParseLinks(reply.text, kind, silent);
}

}  // namespace

std::vector<Link> ParseLinks(const std::string& client_list, const std::string& kind, Duration silent) {
  std::set<Link> links;
  const std::string_view text = client_list;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    if (auto link = ParseLink(text.substr(at, end - at), kind, silent)) links.insert(std::move(*link));
    at = end + 1;
  }
  return {links.begin(), links.end()};
}

std::vector<Result<std::vector<Link>>> AskLinks(redis::Servers& servers, const std::vector<Endpoint>& asked,
                                                const std::vector<std::string>& known) {
  std::vector<Result<std::vector<Link>>> links;
  std::vector<Endpoint> again;
  std::vector<std::size_t> places;
  const auto is_known = [&known](const Link& link) {
    return std::any_of(known.begin(), known.end(),
                       [&link](const std::string& id) { return id.starts_with(link.id); });
  };
  const auto subscribed = servers.AskAll(asked, {{"CLIENT", "LIST", "TYPE", "pubsub"}});
  for (std::size_t i = 0; i < asked.size(); ++i) {
    links.push_back(ReadLinks(subscribed[i], "pubsub", kEver));
    if (!links.back() || std::all_of(links.back()->begin(), links.back()->end(), is_known)) continue;
    again.push_back(asked[i]);
    places.push_back(i);
  }
  if (again.empty()) return links;
  const auto active = servers.AskAll(again, {{"CLIENT", "LIST", "TYPE", "normal"}});
  for (std::size_t i = 0; i < again.size(); ++i)
    links[places[i]] = ReadLinks(active[i], "cmd", kLongestSilence);
  return links;
}

}  // namespace redis_zk::sentinel
