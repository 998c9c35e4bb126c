// Where the event log stands in ZooKeeper, which several write.
//
// Same thread as the session. A read sets its watch when asked to; a watch fires once.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "store/event_log.h"
#include "store/paths.h"
#include "store/znodes.h"
#include "zookeeper/session.h"

namespace redis_zk::store {

class EventLogStore {
 public:
  EventLogStore(zookeeper::Session& session, const std::string& root)
      : session_(session), path_(Paths(root).Events()), znodes_(session) {}

  const std::string& Path() const { return path_; }
  // Empty when it cannot be read, which is logged.
  Result<EventLog> Read(zookeeper::Watch watch);
  // In place of what cannot be read, too. After a failure append the same again: what stands there already is
  // not appended twice.
  Status Append(const std::vector<PastEvent>& news);
  // Once; a failure is logged.
  void Add(const PastEvent& event);

 private:
  zookeeper::Session& session_;
  const std::string path_;
  Znodes znodes_;
};

}  // namespace redis_zk::store
