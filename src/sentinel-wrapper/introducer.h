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
#include <utility>
#include <vector>

#include "base/log.h"
#include "daemon/wrapper_loop.h"
#include "registry/record.h"
#include "sentinel-wrapper/options.h"

namespace redis_zk::sentinel_wrapper {

class Introducer {
 public:
  // Both must outlive the introducer.
  Introducer(daemon::WrapperLoop& loop, const WrapperOptions& options);

  // Our Sentinel has been started anew, and hears hellos of this user.
  void Reset(Credentials hello) {
    hello_ = std::move(hello);
    introduced_ = {};
    has_news_ = true;
  }

  // Something may have changed in ZooKeeper.
  void NoteNews() { has_news_ = true; }

  // Introduces all that are registered when it is not those of the last time, or not for the same groups.
  // `seat` is ours.
  void Look(const registry::Seat& seat, const std::set<std::string>& groups);

 private:
  Status Introduce(const registry::Seat& seat, const std::set<std::string>& groups);

  struct Introduced {
    std::vector<registry::Sentinel> sentinels;
    std::set<std::string> groups;
  };

  daemon::WrapperLoop& loop_;
  const WrapperOptions& options_;
  Credentials hello_;
  Introduced introduced_;
  bool has_news_ = true;
  LogOnChange log_problem_;
};

}  // namespace redis_zk::sentinel_wrapper
