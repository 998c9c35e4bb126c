// What stands where in ZooKeeper. Values only.
//
//   <root>/master                   "host port": the default group's truth, its lock's parent
//   <root>/masters/<group>          "host port": of another group the same, of the default group a mirror
//   <root>/sentinels/<uuid>         ephemeral, "host port"
//   <root>/members/<group>/<uuid>   ephemeral, JSON: a living redis-wrapper
//   <root>/lineage/<group>          JSON: the record's epoch, and why it changed
//   <root>/history/<group>          JSON: the data's replication ids through all failovers
//   <root>/datasets/<group>/<node>  JSON: the data that a node was seen with last
//   <root>/identities/<uuid>        JSON: a Sentinel's identity; its ephemeral child "taken": it is in use
//   <root>/sentinel-restart         the lock of the one Sentinel that is restarted for its certificates
//   <root>/cleanup                  the lock of the one watcher that cleans up
//   <root>/pauses                   JSON: the groups in which the daemons change nothing by themselves
//   <root>/events                   JSON: what has happened, bounded
//   <root>/reports/<uuid>           ephemeral, JSON: how a wrapper is
//   <root>/admin/<group>            ephemeral: the watcher that fails this group over now
//
// What is persistent and JSON is for the time when everything has died; nothing that lives is believed for
// it.
#pragma once

#include <string>
#include <utility>

namespace redis_zk::store {

// The group whose truth stands in <root>/master.
inline constexpr const char* kDefaultGroup = "master1";

class Paths {
 public:
  explicit Paths(std::string root) : root_(std::move(root)) {}

  const std::string& Root() const { return root_; }
  // Where the truth about a group stands.
  std::string Master(const std::string& group) const {
    return group == kDefaultGroup ? root_ + "/master" : Masters(group);
  }
  std::string Masters() const { return root_ + "/masters"; }
  std::string Masters(const std::string& group) const { return root_ + "/masters/" + group; }
  std::string Lineage(const std::string& group) const { return root_ + "/lineage/" + group; }
  std::string Sentinels() const { return root_ + "/sentinels"; }
  std::string Members(const std::string& group) const { return root_ + "/members/" + group; }
  std::string History(const std::string& group) const { return root_ + "/history/" + group; }
  std::string Datasets(const std::string& group) const { return root_ + "/datasets/" + group; }
  std::string Identities() const { return root_ + "/identities"; }
  std::string SentinelRestart() const { return root_ + "/sentinel-restart"; }
  std::string CleanUp() const { return root_ + "/cleanup"; }
  std::string Pauses() const { return root_ + "/pauses"; }
  std::string Events() const { return root_ + "/events"; }
  std::string Reports() const { return root_ + "/reports"; }
  std::string Admin() const { return root_ + "/admin"; }

 private:
  std::string root_;
};

}  // namespace redis_zk::store
