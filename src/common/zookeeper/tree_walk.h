// Goes through a tree of znodes and their ACLs in pieces, parents before their children.
//
// Same thread as the session.
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <vector>

#include "base/result.h"
#include "zookeeper/security.h"
#include "zookeeper/session.h"

namespace redis_zk::zookeeper {

class TreeWalk {
 public:
  struct Entry {
    std::string path;
    Result<Acl> acl;  // kDenied: it may not be read, and what is below it is left out
  };

  TreeWalk(Session& session, std::string root);

  // The next znodes, `most` at most; none: that was all. Those that vanish meanwhile are left out. The
  // children of a piece are listed with the next one: a caller that closes each piece misses no znode that is
  // created meanwhile. After an error, call again: the walk continues where it was.
  Result<std::vector<Entry>> Next(std::size_t most);

 private:
  Status ListChildren();
  Result<std::vector<Entry>> ReadAcls(std::size_t most);

  Session& session_;
  std::deque<std::string> pending_;
  std::vector<std::string> parents_;  // whose children are to be listed
};

}  // namespace redis_zk::zookeeper
