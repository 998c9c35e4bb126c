#include "watcher/admin_request.h"

#include <fmt/core.h>

#include "base/printable.h"
#include "watcher/event.h"

namespace redis_zk::watcher {

std::string DescribeRequest(const AdminRequest& request) {
  switch (request.action) {
    case AdminRequest::Action::kFailOver:
      return "failover of " + Printable(request.group) +
             (request.to.empty() ? "" : " to " + Printable(request.to));
    case AdminRequest::Action::kDeleteGroup:
      return "deletion of " + Printable(request.group);
    case AdminRequest::Action::kPauseChanges:
      return "pause of " + WhomOf(request);
    case AdminRequest::Action::kResumeChanges:
      return "end of the pause of " + WhomOf(request);
  }
  return "";
}

const char* KindOf(AdminRequest::Action action) {
  switch (action) {
    case AdminRequest::Action::kFailOver:
      return event_kind::kFailoverRequested;
    case AdminRequest::Action::kDeleteGroup:
      return event_kind::kGroupDeleted;
    case AdminRequest::Action::kPauseChanges:
      return event_kind::kPaused;
    case AdminRequest::Action::kResumeChanges:
      return event_kind::kResumed;
  }
  return "";
}

std::string WhomOf(const AdminRequest& request) {
  return request.group.empty() ? "all groups" : Printable(request.group);
}

}  // namespace redis_zk::watcher
