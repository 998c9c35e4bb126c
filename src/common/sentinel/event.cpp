#include "sentinel/event.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <vector>

#include "base/printable.h"

namespace redis_zk::sentinel {

namespace {

std::vector<std::string> Words(std::string_view text) {
  std::vector<std::string> words;
  while (!text.empty()) {
    const auto space = text.find(' ');
    if (space != 0) words.emplace_back(text.substr(0, space));
    if (space == std::string_view::npos) break;
    text.remove_prefix(space + 1);
  }
  return words;
}

bool IsInstanceType(const std::string& word) {
  return word == "master" || word == "slave" || word == "sentinel";
}

}  // namespace

Result<SentinelEvent> ParseSentinelEvent(std::string_view channel, std::string_view message) {
  SentinelEvent event{std::string(channel), std::string(message), ""};
  if (channel.size() < 2 || (channel.front() != '+' && channel.front() != '-')) {
    return Fail(ErrorKind::kProtocol,
                fmt::format("found the channel \"{}\", expected one of +name or -name", Printable(channel)));
  }
  const auto words = Words(message);
  if (channel == "+switch-master") {
    // Not the addresses: the watcher that hears of a switch asks the Sentinels, which know more than one of
    // them says.
    if (words.size() != 5)
      return Fail(
          ErrorKind::kProtocol,
          fmt::format("+switch-master: found \"{}\", expected \"name old-ip old-port new-ip new-port\"",
                      Printable(message)));
    event.group = words[0];
    return event;
  }
  if (words.size() < 4 || !IsInstanceType(words[0])) return event;
  if (words[0] == "master") {
    event.group = words[1];
  } else if (words.size() >= 6 && words[4] == "@") {
    event.group = words[5];
  }
  return event;
}

bool MayChangeMaster(const SentinelEvent& event) {
  static constexpr std::array<std::string_view, 7> kNames{
      "+switch-master",      "+promoted-slave", "+failover-state-reconf-slaves",
      "+config-update-from", "+failover-end",   "+monitor",
      "+reset-master"};
  return std::find(kNames.begin(), kNames.end(), event.name) != kNames.end();
}

}  // namespace redis_zk::sentinel
