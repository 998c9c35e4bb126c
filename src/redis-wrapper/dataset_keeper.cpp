#include "redis-wrapper/dataset_keeper.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/random_id.h"
#include "redis-wrapper/history.h"

namespace redis_zk::redis_wrapper {

namespace {

// A cold start waits for every node that reported shortly before the master's last report; see FindAwaited.
constexpr Duration kReportInterval = 5s;
// What the file grows in between is counted in; see dataset.h.
constexpr Duration kNoteInterval = 5s;

}  // namespace

DatasetKeeper::DatasetKeeper(DataFiles files, store::Registry& registry, std::string group, Endpoint endpoint)
    : files_(std::move(files)),
      registry_(registry),
      group_(std::move(group)),
      endpoint_(std::move(endpoint)) {
  ReadAnew();
}

void DatasetKeeper::ReadAnew() {
  note_ = ReadNote(files_);
  named_ = !note_.node.empty();
  if (!named_) note_.node = NewUuid();
}

DatasetKeeper::~DatasetKeeper() {
  if (claim_ >= 0) close(claim_);
}

Status DatasetKeeper::Claim() {
  if (claim_ < 0) claim_ = open(files_.dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  // Whether it can be used is for the server to say; and a file system without locks is no obstacle.
  if (claim_ < 0 || flock(claim_, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) {
    ReadAnew();
    return {};
  }
  return Fail(
      ErrorKind::kAlreadyExists,
      fmt::format("another running redis-wrapper uses the data directory {}; give each its own (WORK_DIR, or "
                  "\"dir\" in REDIS_CONF)",
                  files_.dir));
}

const store::Dataset& DatasetKeeper::Find() {
  plan_ = PlanLoad(files_, note_, FindFiles(files_));
  loads_offset_ =
      plan_.loads == LoadPlan::Loads::kSnapshot && access((files_.dir + '/' + files_.rdb).c_str(), F_OK) == 0;
  found_ = FindDataset(files_, note_);
  return found_;
}

void DatasetKeeper::ExpectCopy(const std::string& replication_id) {
  if (!found_.empty()) return;
  const Note expected{.node = note_.node, .replication_id = replication_id};
  const auto written = WriteNote(files_, expected);
  Say(written);
  if (!written) return;
  note_ = expected;
  named_ = true;
}

void DatasetKeeper::DropCopy() const { unlink((files_.dir + '/' + kCopyFile).c_str()); }

void DatasetKeeper::WriteDown(const redis::ServerInfo& own, TimePoint now) { Say(KeepNote(own, now)); }

void DatasetKeeper::Keep(const redis::ServerInfo& own, bool leads, bool reachable, TimePoint now) {
  // Of a replica, the master's data have replaced what was found.
  if (own.role == redis::Role::kReplica) found_ = {};
  // The history comes first: an id that only a note knows would belong nowhere.
  Status kept = leads && reachable ? KeepHistory(own) : Status{};
  if (kept) kept = KeepNote(own, now);
  if (kept && reachable) kept = KeepReport(now);
  Say(kept);
}

void DatasetKeeper::ReportDisputed(TimePoint now) { Say(KeepReport(now)); }

void DatasetKeeper::ReportLast() {
  ever_reported_ = false;
  Say(KeepReport(Clock::now()));
}

void DatasetKeeper::Say(const Status& kept) {
  if (kept) {
    log_problem_.Reset();
  } else {
    log_problem_(log::Severity::kWarn, {.event = "dataset-metadata-failed"},
                 "cannot persist dataset metadata, retrying: " + kept.error().message);
  }
}

Status DatasetKeeper::KeepHistory(const redis::ServerInfo& own) {
  const auto history = registry_.datasets.ReadHistory(group_);
  if (!history) return tl::unexpected(history.error());
  auto next = Continue(*history, own, found_.replication_id);
  if (next == *history) return {};
  return registry_.datasets.WriteHistory(group_, next);
}

Status DatasetKeeper::KeepNote(const redis::ServerInfo& own, TimePoint now) {
  // Until a replica has copied the master's data, it serves its own, under the name that Redis made up at its
  // start. And after a loss of its master nothing new comes.
  if (own.role == redis::Role::kReplica && (!own.link_up || own.synchronising)) return {};
  // After a full copy from the master the old files stay in force until the new ones are complete: they must
  // not be called by the new name.
  if (own.append_only && own.rewriting_aof && !converting_) return {};
  // Until the first append-only file of a conversion is complete, the snapshot is what counts.
  const bool incomplete = converting_ && files_.append_only;
  const AofTail tail = own.append_only && !incomplete ? FindAofTail(files_) : AofTail{};
  Note next = note_;
  if (own.replication_id != note_.replication_id) {
    next.previous_id =
        own.previous_replication_id.empty() ? note_.replication_id : own.previous_replication_id;
    next.replication_id = own.replication_id;
  }
  next.offset = own.offset;
  next.aof_file = tail.file;
  next.aof_bytes = tail.bytes;
  const bool another = next.replication_id != note_.replication_id || next.aof_file != note_.aof_file;
  if (next == note_ || (!another && noted_ && now < note_at_)) return {};
  if (auto written = WriteNote(files_, next); !written) return written;
  note_ = std::move(next);
  named_ = true;
  noted_ = true;
  note_at_ = now + kNoteInterval;
  return {};
}

Status DatasetKeeper::KeepReport(TimePoint now) {
  const auto dataset = FindDataset(files_, note_);
  const bool another =
      dataset.empty() != reported_.empty() || dataset.replication_id != reported_.replication_id;
  // Also when nothing has changed: the time of the report says that the node lives.
  if (ever_reported_ && !another && now < report_at_) return {};
  // Under a name that it does not find again, this node would wait for itself at its next start.
  if (!dataset.empty() && !named_) {
    if (auto written = WriteNote(files_, note_); !written) return written;
    named_ = true;
  }
  const auto told = dataset.empty()
                        ? registry_.datasets.Forget(group_, note_.node)
                        : registry_.datasets.Report(
                              group_, {.node = note_.node, .endpoint = endpoint_, .dataset = dataset});
  if (!told) return told;
  reported_ = dataset;
  report_at_ = now + kReportInterval;
  ever_reported_ = true;
  return {};
}

}  // namespace redis_zk::redis_wrapper
