// Keeps what is known about this node's data true while its server runs: the note beside the data
// (note_keeper.h), the report in ZooKeeper, and, for the master, the group's history. All of it is for the
// time when everything has died.
//
// Loop thread only. What cannot be written is tried again with the next call.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/log.h"
#include "base/time.h"
#include "net/endpoint.h"
#include "redis-wrapper/dataset.h"
#include "redis-wrapper/directory_claim.h"
#include "redis-wrapper/loading.h"
#include "redis-wrapper/note_keeper.h"
#include "redis/load_failure.h"
#include "redis/server_info.h"
#include "store/registry.h"

namespace redis_zk::redis_wrapper {

class DatasetKeeper {
 public:
  // `registry` must outlive the keeper. `priority` is that of the user.
  DatasetKeeper(DataFiles files, store::Registry& registry, std::string group, Endpoint endpoint,
                std::int64_t priority = store::kDefaultPriority);
  ~DatasetKeeper() = default;
  DatasetKeeper(const DatasetKeeper&) = delete;
  DatasetKeeper& operator=(const DatasetKeeper&) = delete;

  // See DirectoryClaim::Take. Reads anew what is there.
  Status Claim();
  // The descriptor of the claim, which the server inherits; -1: none.
  int claim() const { return claim_.descriptor(); }

  // Names the data of this directory, also after a restart on another port.
  const std::string& node() const { return note_.note().node; }
  // What the server would load, read anew. REQUIRES: it does not run.
  const store::Dataset& Find();

  const DataFiles& files() const { return files_; }
  // How to load what Find has found.
  const LoadPlan& plan() const { return plan_; }
  // Reads how the starts with these files came out, and forgets it where the files have changed since.
  Status ReviewLoads();
  // Before the server starts: its wrapper may die with it. How often these files failed to load before.
  std::int64_t BeginLoad();
  // How that came out. `failed`: the load failed, with proof; `exit_code`: of a server that did not come to
  // serve, 0: it was asked to stop, or serves.
  void EndLoad(bool serves, std::optional<redis::LoadCause> failed, int exit_code);

  // The wrapper exits with this code without having launched a server: what the group knows of these data
  // says so from then on. REQUIRES: there is a session.
  void TellUnserved(int exit_code);

  // Whether the server may know a replication offset from what it loads: a snapshot has one, an append-only
  // file has none.
  bool loads_offset() const { return loads_offset_; }
  // Whether the server keeps another file than redis.conf says; see conversion.h.
  void SetConverting(bool converting) { converting_ = converting; }

  // Before a replica is launched on a master whose data are called `replication_id`: what a sudden death
  // leaves of its copy has a name even if its own is not written down.
  void ExpectCopy(const std::string& replication_id);

  // Of a group that keeps nothing on disk: what a full copy left, which Redis would load.
  void DropCopy() const;

  // The note alone: before a new master is announced, so that no writes lack a name, and before a
  // planned end.
  void WriteDown(const redis::ServerInfo& own, TimePoint now);

  // Call about once a second, and soon after the data got another name. `leads`: the record names this node,
  // and it acts as master. `reachable`: so is ZooKeeper.
  void Keep(const redis::ServerInfo& own, bool leads, bool reachable, TimePoint now);

  // While a person has to choose between this node's data and another's: so that both stay known when one of
  // the nodes is stopped for that. Call it with every look.
  void ReportDisputed(TimePoint now);

  // After the server's end: what is on the disk now.
  void ReportLast();

 private:
  void Say(const Status& kept);
  // Of this node, with `dataset`.
  Status Report(const store::Dataset& dataset);
  Status KeepHistory(const redis::ServerInfo& own, TimePoint now);
  Status KeepReport(TimePoint now);

  const DataFiles files_;
  DirectoryClaim claim_;
  store::Registry& registry_;
  const std::string group_;
  const Endpoint endpoint_;
  const std::int64_t priority_;
  NoteKeeper note_;
  store::Dataset found_;
  LoadPlan plan_;
  bool loads_offset_ = true;
  bool converting_ = false;
  store::FailedLoads failed_;
  store::Dataset reported_;
  TimePoint report_at_{};
  LogOnChange log_problem_;
};

}  // namespace redis_zk::redis_wrapper
