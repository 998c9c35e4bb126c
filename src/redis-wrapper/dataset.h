// What data a redis-server would load, told from its files without loading them.
//
// An RDB file says in its header which replication id and offset it was saved at (rdb.c,
// rdbSaveInfoAuxFields). An append-only file says neither, so the wrapper keeps a note beside it while the
// server runs: id and offset, and how long the file was then; what the file has grown since is about what the
// offset has grown (the stream also holds PINGs and what Sentinels publish, some hundred bytes a second).
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "redis/server_info.h"
#include "store/record.h"

namespace redis_zk::redis_wrapper {

// Where redis.conf puts the data; the defaults are Redis'.
struct DataFiles {
  std::string dir;
  std::string rdb = "dump.rdb";
  bool append_only = false;
  std::string aof_dir = "appendonlydir";
  std::string aof = "appendonly.aof";
  bool snapshots = true;  // a `save` is in force; Redis has three where no line says otherwise

  bool operator==(const DataFiles&) const = default;
};

// Reads the settings out of redis.conf and what it includes. A relative `dir` starts at `work_dir`.
DataFiles FindDataFiles(const std::string& conf_path, const std::string& work_dir);

// What the wrapper writes down beside the data: "redis-zk.json".
struct Note {
  std::string node;  // names the data of this directory for as long as they exist
  std::string replication_id;
  std::string previous_id;
  // What its master's data were called when the replica was launched; empty as soon as its copy has a name.
  std::string copy_of{};
  std::int64_t offset = 0;
  // The append-only file at that moment; empty: there was none.
  std::string aof_file;
  std::uint64_t aof_bytes = 0;

  bool operator==(const Note&) const = default;
};

// Nothing in it when there is none, or when it cannot be read, which costs no more than knowledge.
Note ReadNote(const DataFiles& files);
Status WriteNote(const DataFiles& files, const Note& note);

// The append-only file that is written to where one is in use, and its length; empty: none.
struct AofTail {
  std::string file;
  std::uint64_t bytes = 0;
};
AofTail FindAofTail(const DataFiles& files);

// Of the file that is to be loaded; see loading.h.
store::Dataset FindDataset(const DataFiles& files, const Note& note);
// What a running server holds, as it says itself.
store::Dataset DataOf(const redis::ServerInfo& info);
// The same where it may have no master and no copy: what it had last, else what was `found` on its disk at
// its start, which it has loaded under a new id.
store::Dataset HeldBy(const redis::ServerInfo& info, const store::Dataset& found);

// The beginning of an RDB file, parsed: what it says about itself, and whether any data follow.
struct RdbHeader {
  std::string replication_id;
  std::int64_t offset = 0;
  std::int64_t saved_at = 0;
  bool has_data = false;
};
// An error when this is no RDB file, or a damaged one.
Result<RdbHeader> ParseRdbHeader(std::string_view bytes);
Result<RdbHeader> ReadRdbHeader(const std::string& path);

}  // namespace redis_zk::redis_wrapper
