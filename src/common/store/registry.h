// What stands in ZooKeeper, by subject: registry.records.Read(group, watch). Each subject is
// understandable from its own header; paths.h says what stands where.
//
// Same thread as the session.
#pragma once

#include <string>

#include "store/admin_lock.h"
#include "store/certificates.h"
#include "store/clean_up.h"
#include "store/datasets.h"
#include "store/event_log_store.h"
#include "store/groups.h"
#include "store/identities.h"
#include "store/members.h"
#include "store/open_servers.h"
#include "store/paused_groups.h"
#include "store/records.h"
#include "store/sentinels.h"
#include "store/waits.h"
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
        waits(session, root),
        open_servers(session, root),
        paused_groups(session, root),
        certificates(session, root),
        admin_lock(session, root) {}

  Groups groups;
  Records records;
  Members members;
  Sentinels sentinels;
  Identities identities;
  Datasets datasets;
  EventLogStore event_log;
  CleanUp clean_up;
  Waits waits;
  OpenServers open_servers;
  PausedGroups paused_groups;
  Certificates certificates;
  AdminLock admin_lock;
};

}  // namespace redis_zk::store
