#include "redis-wrapper/loading.h"

#include <fmt/core.h>

namespace redis_zk::redis_wrapper {

namespace {

using Loads = LoadPlan::Loads;

std::string SnapshotPath(const DataFiles& files) { return files.dir + '/' + files.rdb; }
std::string AofPath(const DataFiles& files) { return files.dir + '/' + files.aof_dir; }

LoadPlan LoadSnapshot(const DataFiles& files, const FilesFound& found) {
  if (!files.append_only) return {.loads = Loads::kSnapshot};
  return {.loads = Loads::kSnapshot,
          .remark = fmt::format("appendonly is yes, and {} in {}: loading {} with appendonly no, then "
                                "writing the append-only file in "
                                "the background",
                                found.append_only.has_data ? "the data are older" : "there are no data",
                                AofPath(files), SnapshotPath(files))};
}

LoadPlan LoadAppendOnly(const DataFiles& files, const FilesFound& found) {
  LoadPlan plan{.loads = Loads::kAppendOnly};
  if (!files.append_only) {
    plan.remark = fmt::format(
        "appendonly is no, and the append-only file in {} was in use last: loading it with appendonly yes, "
        "then "
        "writing a snapshot in the background",
        AofPath(files));
  } else if (!found.append_only.has_data && found.snapshot.has_data) {
    plan.remark = fmt::format("ignoring {}: the append-only file in {}, which was in use last, holds no data",
                              SnapshotPath(files), AofPath(files));
  }
  return plan;
}

LoadPlan LoadNothing(const DataFiles& files, const FilesFound& found) {
  LoadPlan plan;
  if (found.snapshot.has_data || found.append_only.has_data) {
    plan.remark = fmt::format(
        "ignoring the data in {}: appendonly is no and save is \"\", so every start begins empty; set save "
        "or "
        "appendonly to load them",
        found.snapshot.has_data ? SnapshotPath(files) : AofPath(files));
  }
  return plan;
}

// Where `appendonly` is yes.
LoadPlan PlanAppendOnly(const DataFiles& files, const Note& note, const FilesFound& found) {
  if (!found.snapshot.has_data) return LoadAppendOnly(files, found);
  const bool was_in_use = !note.aof_file.empty();
  if (found.append_only.has_data) {
    // Of the two, as Redis says, unless it is known that snapshots alone were kept since.
    const bool outdated = !was_in_use && !note.replication_id.empty() &&
                          found.append_only.written_at <= found.snapshot.written_at;
    return outdated ? LoadSnapshot(files, found) : LoadAppendOnly(files, found);
  }
  if (!found.append_only_was_used) return LoadSnapshot(files, found);
  if (was_in_use) return LoadAppendOnly(files, found);
  LoadPlan plan{.loads = Loads::kAppendOnly};
  plan.refusal = fmt::format(
      "refusing to start: appendonly is yes, the append-only file in {} holds no data and {} does, and it is "
      "unknown which was in use last; move {} away to load the snapshot, or move {} away to begin empty",
      AofPath(files), SnapshotPath(files), AofPath(files), SnapshotPath(files));
  return plan;
}

// Where `appendonly` is no, and snapshots are kept.
LoadPlan PlanSnapshots(const DataFiles& files, const Note& note, const FilesFound& found) {
  // An append-only file without data counts, too: of a group that was flushed, the snapshot may be older.
  const bool could_be_right = found.append_only.has_data || found.append_only_was_used;
  if (!could_be_right) return LoadSnapshot(files, found);
  if (!note.aof_file.empty()) return LoadAppendOnly(files, found);
  const bool newer = found.append_only.written_at > found.snapshot.written_at;
  if (!note.replication_id.empty() || !found.append_only.has_data || !newer)
    return LoadSnapshot(files, found);
  LoadPlan plan{.loads = Loads::kSnapshot};
  plan.refusal = fmt::format(
      "refusing to start: appendonly is no, the append-only file in {} is newer than {}, and it is unknown "
      "which "
      "was in use last; set appendonly yes to load the append-only file, or move {} away to load the "
      "snapshot",
      AofPath(files), SnapshotPath(files), AofPath(files));
  return plan;
}

}  // namespace

LoadPlan PlanLoad(const DataFiles& files, const Note& note, const FilesFound& found) {
  if (files.append_only) return PlanAppendOnly(files, note, found);
  return files.snapshots ? PlanSnapshots(files, note, found) : LoadNothing(files, found);
}

std::string RenderLoading(const DataFiles& files, const LoadPlan& plan) {
  if (plan.loads == Loads::kNothing) return fmt::format("dbfilename {}\n", kCopyFile);
  if (!NeedsConversion(files, plan)) return "";
  return files.append_only ? "appendonly no\n" : "appendonly yes\n";
}

bool NeedsConversion(const DataFiles& files, const LoadPlan& plan) {
  return plan.loads != Loads::kNothing && files.append_only != (plan.loads == Loads::kAppendOnly);
}

}  // namespace redis_zk::redis_wrapper
