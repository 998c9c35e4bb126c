// The identities of the Sentinels, which outlive them: in use or free.
//
// Same thread as the session, with which the use of an identity ends.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "store/paths.h"
#include "store/record.h"
#include "store/znodes.h"
#include "zookeeper/session.h"

namespace redis_zk::store {

class Identities {
 public:
  Identities(zookeeper::Session& session, const std::string& root)
      : session_(session), paths_(root), znodes_(session) {}

  // Ordered by uuid. Unreadable entries are left out and logged.
  Result<std::vector<Identity>> List();
  // Takes a new identity or a free one. kAlreadyExists: another Sentinel has it.
  // After another failure the identity may be there, free or taken by us: take it again.
  Status Take(const Identity& identity);
  // Of an identity that was taken: the epoch has grown.
  Status Update(const Identity& identity);
  // Takes a free identity away. kConflict: a Sentinel has it.
  Status Remove(const std::string& uuid);

 private:
  std::string Path(const std::string& uuid) const { return paths_.Identities() + '/' + uuid; }

  zookeeper::Session& session_;
  const Paths paths_;
  Znodes znodes_;
};

}  // namespace redis_zk::store
