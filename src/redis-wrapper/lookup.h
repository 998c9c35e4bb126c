// Looks up what the role is decided from: the record, the Sentinels' opinion, the living, the data on disk.
//
// Loop thread only; a look takes as long as the slowest answer, half a second at most for those who do not
// give one.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "redis-wrapper/bootstrap.h"
#include "redis-wrapper/options.h"
#include "redis/servers.h"
#include "store/ownership.h"
#include "store/registry.h"

namespace redis_zk::redis_wrapper {

class Lookup {
 public:
  // The references must outlive the lookup.
  Lookup(const WrapperOptions& options, const redis::Network& network, store::Registry& registry);

  // `self` is what this node registers as. The result's `patient` is the caller's to decide.
  Result<View> Look(const store::Member& self, bool locked);

  // The registered Sentinels, as last read; they serve while ZooKeeper is away.
  const std::vector<sentinel::Peer>& sentinels() const { return sentinels_; }
  // The other members that serve, as last read.
  const std::vector<Endpoint>& others() const { return others_; }
  // Reads both again, and sets the watches.
  Status Refresh(const Endpoint& self);
  // What tells the group's servers from others; `own` are this node's data.
  Result<store::GroupMarks> ReadMarks(const store::Dataset& own);
  const WrapperOptions& options() const { return options_; }
  // As last read; nothing: never.
  const std::optional<store::GroupMarks>& last_marks() const { return last_marks_; }
  // Whether a node of another group is registered there; false also where ZooKeeper does not say.
  bool IsElsewhere(const Endpoint& endpoint);
  // An error line, once for each server: `who` names its address as the master, and `why` it is not followed.
  void ReportStranger(const Endpoint& master, const std::string& who, const std::string& why);
  // Whether our server may log in there with our password; where not, the same line.
  bool MayFollow(const Endpoint& master, const std::string& who);

 private:
  Result<std::vector<sentinel::SentinelReport>> AskTheSentinels(View& view);
  Status MayTell(const Endpoint& master) const { return options_.common.credentials.redis.MayTell(master); }
  void ReportOnce(const Endpoint& master, const std::string& line);
  Status AskTheMembers(const std::string& own_node, const std::vector<store::Member>& members,
                       const store::GroupMarks& marks, View& view);
  // Notes what the server at `master`, which `who` names, has answered; `registered`: as a member.
  void NoteNamed(const Endpoint& master, const std::string& who, const Result<redis::ServerInfo>& answer,
                 bool registered, const store::GroupMarks& marks, View& view);
  // Who answers, but not us, is named once: its password is another one.
  void Report(const Error& error);

  const WrapperOptions& options_;
  const redis::Network network_;
  store::Registry& registry_;
  std::vector<sentinel::Peer> sentinels_;
  std::vector<Endpoint> others_;
  std::optional<store::GroupMarks> last_marks_;
  std::set<std::string> reported_;
  struct Refusal {
    std::string who;  // names it as the master
    std::string error;
  };
  // At this look: named as master, not registered, and the server there refuses this node.
  std::map<Endpoint, Refusal> refusing_;
};

}  // namespace redis_zk::redis_wrapper
