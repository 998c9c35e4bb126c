// What Redis and Sentinel say: INFO, events, and files in their syntax.
#include "fuzz/fuzz.h"
#include "process/server_conf.h"
#include "redis-wrapper/dataset.h"
#include "redis/sentinel_event.h"
#include "redis/server_info.h"

namespace redis_zk {

FUZZ_TARGET(text) {
  using fuzz::Check;
  if (const auto info = redis::ParseServerInfo(text)) {
    if (info->role == redis::Role::kReplica) Check(info->replicas.empty());
  }
  // The channel, a blank, the message.
  const auto blank = text.find(' ');
  if (blank != std::string_view::npos) {
    const auto event = redis::ParseSentinelEvent(text.substr(0, blank), text.substr(blank + 1));
    if (event && event->name == "+switch-master") Check(event->new_master && !event->group.empty());
  }
  if (const auto words = process::SplitConfLine(text)) {
    std::string line;
    for (const auto& word : *words) line += process::QuoteForConf(word) + ' ';
    Check(process::SplitConfLine(line) == *words);
  }
  (void)redis_wrapper::ParseRdbHeader(text);
}

}  // namespace redis_zk
