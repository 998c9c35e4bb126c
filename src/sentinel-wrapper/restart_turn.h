// The turn in which a Sentinel is restarted so that it can fail over, and acts: one Sentinel at a time, for
// the others' votes may be needed for what it does then.
//
// Loop thread only.
#pragma once

#include <optional>
#include <string>

#include "base/time.h"
#include "daemon/wrapper_loop.h"
#include "sentinel-wrapper/groups.h"
#include "sentinel-wrapper/options.h"
#include "store/record.h"
#include "zookeeper/lock.h"

namespace redis_zk::sentinel_wrapper {

// That our Sentinel has to be restarted.
struct RestartRequest {
  std::string group;
  store::Record record;  // of the group, to start our Sentinel with
  std::string reason;
  bool in_turn = false;  // in the turn that we have now
};

class RestartTurn {
 public:
  // Both must outlive the turn.
  RestartTurn(daemon::WrapperLoop& loop, const WrapperOptions& options);

  // Takes it for a group of which our Sentinel says `own`. False: another Sentinel has it, or we do.
  bool Take(const sentinel::SentinelReport& own, const std::string& group);
  bool taken() const { return turn_.has_value(); }

  // Gives it back when its time is over, or when our Sentinel, which said `monitored` last, has done what it
  // is for. Without a turn of ours, `needed` says whether we go on waiting for one.
  void Look(const Reports& monitored, bool needed);
  void GiveBackIfOver();
  // Ours is over, or our Sentinel is not restarted in it: the next one can have it. Again, for it can fail.
  void GiveBack();

 private:
  struct Turn {
    std::string group;
    Endpoint master;  // the dead one
    TimePoint ends_at;
  };

  daemon::WrapperLoop& loop_;
  const WrapperOptions& options_;
  zookeeper::Lock lock_;
  std::optional<Turn> turn_;
};

}  // namespace redis_zk::sentinel_wrapper
