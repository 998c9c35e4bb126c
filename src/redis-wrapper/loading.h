// Which file of a data directory a server is to load, and how it has to be started for that: functions of
// values.
//
// Redis looks at `appendonly` alone: a change of it in redis.conf and a restart make Redis ignore the
// file that holds the data. The note beside the data says which file was kept last.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "redis-wrapper/dataset.h"

namespace redis_zk::redis_wrapper {

struct FilesFound {
  struct File {
    bool has_data = false;
    std::int64_t written_at = 0;  // Unix time; of a snapshot: of the data in it
  };
  File snapshot;
  File append_only;
  // Of an append-only file without data: it held some, as one does that was flushed and rewritten.
  bool append_only_was_used = false;
};

struct LoadPlan {
  enum class Loads { kNothing, kSnapshot, kAppendOnly };
  Loads loads = Loads::kNothing;
  std::string remark;   // a file that is converted or ignored; empty: there is none
  std::string refusal;  // it is unclear which file is the right one, and what to do; empty: it is clear
};

FilesFound FindFiles(const DataFiles& files);
// What a server reads for that, whether it is there or not.
std::vector<std::string> FilesIn(const DataFiles& files, LoadPlan::Loads loads);
LoadPlan PlanLoad(const DataFiles& files, const Note& note, const FilesFound& found);

// What a full copy is written to where nothing is kept: Redis would load "dump.rdb" at the next start.
inline constexpr const char* kCopyFile = "redis-zk.copy.rdb";

// What has to be configured for the plan, behind the user's file.
std::string RenderLoading(const DataFiles& files, const LoadPlan& plan);

// The server keeps another file than redis.conf says, until it is converted.
bool NeedsConversion(const DataFiles& files, const LoadPlan& plan);

}  // namespace redis_zk::redis_wrapper
