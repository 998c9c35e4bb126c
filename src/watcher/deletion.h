// Whether a group may be deleted: a function of values.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "net/endpoint.h"
#include "sentinel/reports.h"
#include "store/record.h"

namespace redis_zk::watcher {

// What has to be known of a group before it is deleted.
struct DeletionView {
  std::string group;
  std::string own_group;  // the watcher's
  store::Record record;
  std::vector<store::Member> members;
  std::vector<sentinel::SentinelReport> reports;  // of those who know the group
  std::set<Endpoint> answering;                   // of the masters that record and reports name
};
// Why it is not empty; nothing: it may go.
std::optional<std::string> FindLife(const DeletionView& view);

}  // namespace redis_zk::watcher
