#include "store/event_log_store.h"

#include "base/log.h"

namespace redis_zk::store {

using zookeeper::Watch;

namespace {

constexpr int kAppendTries = 5;

}  // namespace

Result<EventLog> EventLogStore::Read(Watch watch) {
  auto node = session_.Get(path_, watch);
  if (!node && node.error().kind == ErrorKind::kNotFound) {
    if (auto made = session_.EnsurePath(path_); !made) return tl::unexpected(made.error());
    node = session_.Get(path_, watch);
  }
  if (!node) return tl::unexpected(node.error());
  auto event_log = ParseEventLog(node->data);
  if (event_log) return event_log;
  znodes_.WarnUnreadable(path_, node->data, event_log.error().message, "counts as empty");
  return EventLog{};
}

Status EventLogStore::Append(const std::vector<PastEvent>& news) {
  Status written;
  for (int tries = 0; tries < kAppendTries; ++tries) {
    const auto node = session_.Get(path_, Watch::kNo);
    if (!node && node.error().kind == ErrorKind::kNotFound) {
      if (auto made = session_.EnsurePath(path_); !made) return made;
      continue;
    }
    if (!node) return tl::unexpected(node.error());
    const auto event_log = ParseEventLog(node->data).value_or(EventLog{});
    written = session_.Set(path_, Render(Appended(event_log, news)), node->stat.version);
    if (written || written.error().kind != ErrorKind::kConflict) break;
  }
  return written;
}

void EventLogStore::Add(const PastEvent& event) {
  if (const auto written = Append({event}); !written)
    log::Warn({.event = "event-log-write-failed", .group = event.group},
              "cannot add {} to the event log {}: {}", event.kind, path_, written.error().message);
}

}  // namespace redis_zk::store
