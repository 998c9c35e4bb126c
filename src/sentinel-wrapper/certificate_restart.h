// Whether our Sentinel is to be restarted for certificates that have been loaded anew, which it reads only
// when it starts: of all Sentinels one at a time, under a lock in ZooKeeper.
//
// Loop thread only. Nothing that fails here ends the Sentinel.
#pragma once

#include <optional>

#include "base/log.h"
#include "daemon/wrapper_loop.h"
#include "zookeeper/lock.h"

namespace redis_zk::sentinel_wrapper {

class CertificateRestart {
 public:
  // `owner`: who we are, for people. The loop must outlive this.
  CertificateRestart(daemon::WrapperLoop& loop, const std::string& owner);

  // Our Sentinel is about to be launched, with the certificates as they are now.
  void NoteLaunch();
  // It is registered, and can be counted on.
  void NoteRegistered();
  // Our Sentinel has older certificates than the files.
  bool IsWanted() const { return launched_ != loop_.certificates().generation(); }
  // REQUIRES: IsWanted. Whether it is our turn. Until NoteRegistered or GiveUp, no other Sentinel has one.
  bool IsDue();
  // It is not restarted now.
  void GiveUp();

 private:
  daemon::WrapperLoop& loop_;
  zookeeper::Lock lock_;
  int launched_ = 0;  // the generation of the certificates
  LogOnChange log_problem_;
};

}  // namespace redis_zk::sentinel_wrapper
