// The Sentinels that live: where clients ask for the master.
//
// Same thread as the session, with which a registration ends. Reads set their watches when asked to; a watch
// fires once.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/result.h"
#include "store/paths.h"
#include "store/record.h"
#include "store/znodes.h"
#include "zookeeper/session.h"

namespace redis_zk::store {

// How many Sentinels of the original project are listed, whose znodes stay behind: the largest fleets have
// as many.
inline constexpr std::size_t kMostOthers = 100;

class Sentinels {
 public:
  Sentinels(zookeeper::Session& session, const std::string& root)
      : session_(session), paths_(root), znodes_(session) {}

  // Ordered by uuid. Unreadable entries are left out and logged; so are the older ones of those that are not
  // ours where they are more than kMostOthers. `closed`: as of Znodes::List.
  Result<std::vector<Sentinel>> List(zookeeper::Watch watch, std::size_t* closed = nullptr);
  // Registers, or says anew what is registered, also in place of an earlier session.
  Status Register(const Sentinel& sentinel);
  // Only what this session registered; no error when that is nothing.
  Status Unregister(const std::string& uuid);
  // The lock of the one Sentinel that is restarted although nothing is wrong with it; nobody has made it.
  std::string RestartLockPath() const { return paths_.SentinelRestart(); }

 private:
  zookeeper::Session& session_;
  const Paths paths_;
  Znodes znodes_;
  bool told_crowd_ = false;
};

}  // namespace redis_zk::store
