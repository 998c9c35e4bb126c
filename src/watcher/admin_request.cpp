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
    case AdminRequest::Action::kPauseCleanUp:
      return "clean-up pause";
    case AdminRequest::Action::kResumeCleanUp:
      return "clean-up resume";
  }
  return "";
}

const char* KindOf(AdminRequest::Action action) {
  switch (action) {
    case AdminRequest::Action::kFailOver:
      return event_kind::kFailoverRequested;
    case AdminRequest::Action::kDeleteGroup:
      return event_kind::kGroupDeleted;
    case AdminRequest::Action::kPauseCleanUp:
      return event_kind::kCleanUpPaused;
    case AdminRequest::Action::kResumeCleanUp:
      return event_kind::kCleanUpResumed;
  }
  return "";
}

std::string Requester(std::string_view who, std::string_view from) {
  return who.empty() ? std::string(from) : fmt::format("{} ({})", who, from);
}

}  // namespace redis_zk::watcher
