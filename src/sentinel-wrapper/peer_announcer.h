// Tells our Sentinel where its peers are as soon as ZooKeeper knows it.
//
// Sentinels that start together learn of each other's new addresses from hellos, every two seconds. With a
// master that is dead already they elect sooner than that, and those who cannot hear each other's votes elect
// two leaders, who promote two replicas.
//
// Loop thread only.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "base/log.h"
#include "daemon/wrapper_loop.h"
#include "redis/servers.h"
#include "sentinel-wrapper/options.h"
#include "store/record.h"

namespace redis_zk::sentinel_wrapper {

class PeerAnnouncer {
 public:
  // All must outlive the peer announcer. `as_hello` asks as a user whose hellos our Sentinel hears.
  PeerAnnouncer(daemon::WrapperLoop& loop, const WrapperOptions& options, redis::Servers& as_hello);

  // Our Sentinel has been started anew.
  void Reset() {
    announced_ = {};
    has_news_ = true;
  }

  // Something may have changed in ZooKeeper.
  void NoteNews() { has_news_ = true; }

  // Announces all that are registered when it is not those of the last time, or not for the same groups.
  // `identity` is ours.
  void Look(const store::Identity& identity, const std::set<std::string>& groups);

 private:
  Status AnnouncePeers(const store::Identity& identity, const std::set<std::string>& groups);

  struct Announced {
    std::vector<store::Sentinel> sentinels;
    std::set<std::string> groups;
  };

  daemon::WrapperLoop& loop_;
  const WrapperOptions& options_;
  redis::Servers& as_hello_;
  Announced announced_;
  bool has_news_ = true;
  LogOnChange log_problem_;
};

}  // namespace redis_zk::sentinel_wrapper
