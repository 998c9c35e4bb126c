// What a watcher does when nothing else is to be done, and at least now and then: the clean-up, the look at
// the ACLs of the znodes, that at the certificates and the files of passwords, and when certificates end.
//
// Loop thread only.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "daemon/certificates.h"
#include "daemon/passwords.h"
#include "daemon/pauses.h"
#include "redis/servers.h"
#include "store/registry.h"
#include "watcher/acl_audit.h"
#include "watcher/cleaner.h"
#include "watcher/events.h"
#include "watcher/options.h"
#include "watcher/registry_view.h"
#include "watcher/topology.h"
#include "zookeeper/session.h"

namespace redis_zk::watcher {

class Housekeeping {
 public:
  // All must outlive this.
  Housekeeping(const WatcherOptions& options, const redis::Network& network, zookeeper::Session& session,
               store::Registry& registry, RecentEvents& events)
      : cleaner_(options, network, session, registry, events),
        acl_audit_(options.common, session),
        certificates_(options.common.redis_tls.files, options.common.redis_tls.source),
        http_certificates_(options.http_tls.files, options.http_tls.source),
        passwords_(options.common) {}

  // Whether something is to be done although events come, which may never cease.
  bool IsDue(TimePoint now) const { return now >= std::min(by_, urgent_at()); }
  // When a step of the clean-up is due that must not wait for a quiet moment.
  TimePoint urgent_at() const { return cleaner_.urgent_at(); }

  // Also while a znode that is closed to us keeps the registry from being read. True: what was found has
  // changed.
  bool AuditAcls(TimePoint now) { return acl_audit_.Step(now); }
  // As of Cleaner.
  void Notice(const FleetStatus& observed, const RegistryView& known) { cleaner_.Notice(observed, known); }
  const std::map<std::string, std::string>& blocked() const { return cleaner_.blocked(); }
  const std::optional<OpenZnodes>& open_znodes() const { return acl_audit_.found(); }

  // As of daemon::Certificates and Passwords; it costs nothing to call it often.
  void LookAtFiles(TimePoint now) {
    certificates_.Look(now);
    http_certificates_.Look(now);
    passwords_.Look(now);
  }
  void ReloadFiles() {
    certificates_.Reload();
    http_certificates_.Reload();
    passwords_.Reload();
  }

  // Of the wrappers, and of this watcher. True: what there is to say of them has changed.
  bool LookAtCertificates(const std::vector<store::Report>& wrappers, std::int64_t unix_now);
  const std::vector<NodeCertificates>& certificates() const { return all_certificates_; }
  const std::vector<std::string>& expiring() const { return expiring_; }

  // REQUIRES: the view is what ZooKeeper says now.
  void CleanUp(const RegistryView& view, const daemon::Pauses& pauses);

 private:
  Cleaner cleaner_;
  AclAudit acl_audit_;
  daemon::Certificates certificates_;
  daemon::Certificates http_certificates_;
  daemon::Passwords passwords_;
  std::vector<NodeCertificates> all_certificates_;
  std::vector<std::string> expiring_;
  TimePoint by_{};
};

}  // namespace redis_zk::watcher
