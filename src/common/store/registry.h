// What stands in ZooKeeper, by subject: registry.records.Read(group, watch). Each subject is
// understandable from its own header; paths.h says what stands where.
//
// Same thread as the session.
#pragma once

#include <string>

#include "store/admin_lock.h"
#include "store/clean_up.h"
#include "store/datasets.h"
#include "store/event_log_store.h"
#include "store/groups.h"
#include "store/identities.h"
#include "store/members.h"
#include "store/paused_groups.h"
#include "store/records.h"
#include "store/reports.h"
#include "store/sentinels.h"
#include "zookeeper/session.h"

namespace redis_zk::store {

struct Registry {
  Registry(zookeeper::Session& session, const std::string& root)
      : groups(session, root),
        records(session, root),
        members(session, root),
        sentinels(session, root),
        identities(session, root),
        datasets(session, root),
        event_log(session, root),
        clean_up(session, root),
        reports(session, root),
        paused_groups(session, root),
        admin_lock(session, root) {}

  Groups groups;
  Records records;
  Members members;
  Sentinels sentinels;
  Identities identities;
  Datasets datasets;
  EventLogStore event_log;
  CleanUp clean_up;
  Reports reports;
  PausedGroups paused_groups;
  AdminLock admin_lock;
};

}  // namespace redis_zk::store
