// Looks up what the role is decided from: the record, the Sentinels' opinion, the living, the data on disk.
//
// Loop thread only; a look takes as long as the slowest answer, half a second at most for those who do not
// give one.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "redis-wrapper/bootstrap.h"
#include "redis-wrapper/options.h"
#include "registry/registry.h"

namespace redis_zk::redis_wrapper {

// How long a Redis or Sentinel may take to answer before it counts as silent.
inline constexpr Duration kProbeTimeout = 500ms;

class Lookup {
 public:
  // Both must outlive the lookup.
  Lookup(const WrapperOptions& options, registry::Registry& registry);

  // `self` is what this node registers as. The result's `patient` is the caller's to decide.
  Result<View> Look(const registry::Member& self, bool locked);

  // The registered Sentinels, as last read; they serve while ZooKeeper is away.
  const std::vector<redis::Peer>& sentinels() const { return sentinels_; }
  // The other members that serve, as last read.
  const std::vector<Endpoint>& others() const { return others_; }
  // Reads both again, and sets the watches.
  Status Refresh(const Endpoint& self);

 private:
  Status AskTheSentinels(View& view);
  Status AskTheMembers(const registry::Member& self, View& view);
  // Who answers, but not us, is named once: its password is another one.
  void Report(const Error& error);

  const WrapperOptions& options_;
  registry::Registry& registry_;
  std::vector<redis::Peer> sentinels_;
  std::vector<Endpoint> others_;
  std::set<std::string> reported_;
};

}  // namespace redis_zk::redis_wrapper
