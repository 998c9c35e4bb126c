// What Redis and Sentinel say: INFO, events, and files in their syntax.
#include "fuzz/fuzz.h"
#include "redis-wrapper/dataset.h"
#include "redis/conf_syntax.h"
#include "redis/server_info.h"
#include "sentinel/event.h"

namespace redis_zk {

FUZZ_TARGET(text) {
  using fuzz::Check;
  if (const auto info = redis::ParseServerInfo(text)) {
    if (info->role == redis::Role::kReplica) Check(info->replicas.empty());
  }
  // The channel, a blank, the message.
  const auto blank = text.find(' ');
  if (blank != std::string_view::npos) {
    const auto event = sentinel::ParseSentinelEvent(text.substr(0, blank), text.substr(blank + 1));
    if (event && event->name == "+switch-master") Check(!event->group.empty());
  }
  if (const auto words = redis::SplitConfLine(text)) {
    std::string line;
    for (const auto& word : *words) line += redis::QuoteForConf(word) + ' ';
    Check(redis::SplitConfLine(line) == *words);
  }
  (void)redis_wrapper::ParseRdbHeader(text);
}

}  // namespace redis_zk
