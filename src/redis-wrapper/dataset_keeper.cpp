#include "redis-wrapper/dataset_keeper.h"

#include <unistd.h>

#include <algorithm>
#include <tuple>
#include <utility>
#include <vector>

#include "redis-wrapper/data_files_check.h"
#include "redis-wrapper/history.h"

namespace redis_zk::redis_wrapper {

namespace {

// A cold start waits for every node that reported shortly before the master's last report; see FindAwaited.
// The offsets grow all the time, and every report is a write to the disk of every ZooKeeper server.
constexpr Duration kReportInterval = 20s;

bool IsSameChapter(const store::History& one, const store::History& other) {
  return one.replication_id == other.replication_id && one.node == other.node &&
         one.ancestors == other.ancestors;
}

}  // namespace

DatasetKeeper::DatasetKeeper(DataFiles files, store::Registry& registry, std::string group, Endpoint endpoint,
                             std::int64_t priority)
    : files_(std::move(files)),
      claim_(files_.dir),
      registry_(registry),
      group_(std::move(group)),
      endpoint_(std::move(endpoint)),
      priority_(priority),
      note_(files_) {}

Status DatasetKeeper::Claim() {
  auto claimed = claim_.Take();
  if (claimed) note_.ReadAnew();
  return claimed;
}

const store::Dataset& DatasetKeeper::Find() {
  plan_ = PlanLoad(files_, note_.note(), FindFiles(files_));
  loads_offset_ =
      plan_.loads == LoadPlan::Loads::kSnapshot && access((files_.dir + '/' + files_.rdb).c_str(), F_OK) == 0;
  found_ = FindDataset(files_, note_.note());
  return found_;
}

Status DatasetKeeper::ReviewLoads() {
  const auto known = registry_.datasets.List(group_);
  if (!known && known.error().kind != ErrorKind::kNotFound) return tl::unexpected(known.error());
  Status told;
  for (auto each : known.value_or(std::vector<store::KnownDataset>{})) {
    if (!each.failed.tried()) continue;
    if (each.node == node()) {
      failed_ = std::exchange(each.failed, {});
      if (failed_.files == IdentifyFiles(files_, plan_.loads)) continue;
      failed_ = {};
    } else if (each.endpoint == endpoint_ && each.failed.files == 0 && each.failed.count == 0) {
      // Of a start that could not read its own name. What is on the disk here is known now.
      each.failed = {};
    } else {
      continue;
    }
    if (const auto reported = registry_.datasets.Report(group_, each); !reported) told = reported;
  }
  return told;
}

std::int64_t DatasetKeeper::BeginLoad() {
  if (found_.empty()) return 0;
  const auto identity = IdentifyFiles(files_, plan_.loads);
  if (failed_.files != identity) failed_ = {.files = identity};
  // The wrapper of that start died with its server.
  if (failed_.begun) ++failed_.ends;
  failed_.begun = true;
  Say(Report(found_));
  return failed_.count;
}

void DatasetKeeper::EndLoad(bool serves, std::optional<redis::LoadCause> failed, int exit_code) {
  if (found_.empty()) return;
  failed_.begun = false;
  if (failed) {
    ++failed_.count;
    // What was said once about these files stays true.
    if (*failed != redis::LoadCause::kUnknown) failed_.cause = *failed;
  }
  if (exit_code != 0) {
    failed_.last_exit = exit_code;
    ++failed_.ends;
  }
  if (serves) failed_ = {};
  Say(Report(found_));
}

void DatasetKeeper::TellUnserved(int exit_code) {
  auto known = registry_.datasets.List(group_).value_or(std::vector<store::KnownDataset>{});
  // Its own name may stand where it cannot be read, or be lost: then those are meant that were here last.
  const auto rank = [&](const auto& each) {
    return std::tuple(each.node == node(), each.endpoint == endpoint_, each.reported_at);
  };
  const auto own = std::max_element(known.begin(), known.end(),
                                    [&](const auto& a, const auto& b) { return rank(a) < rank(b); });
  if (own == known.end() || (own->node != node() && own->endpoint != endpoint_)) return;
  // Whose disk was not looked at: see ReviewLoads.
  if (own->node != node()) own->failed.files = 0;
  own->failed.last_exit = exit_code;
  ++own->failed.ends;
  Say(registry_.datasets.Report(group_, *own));
}

void DatasetKeeper::ExpectCopy(const std::string& replication_id) {
  Say(note_.Expect(replication_id, found_));
}

void DatasetKeeper::DropCopy() const { unlink((files_.dir + '/' + kCopyFile).c_str()); }

void DatasetKeeper::WriteDown(const redis::ServerInfo& own, TimePoint now) {
  Say(note_.Keep(own, converting_, now));
}

void DatasetKeeper::Keep(const redis::ServerInfo& own, bool leads, bool reachable, TimePoint now) {
  // Of a replica, the master's data have replaced what was found.
  if (own.role == redis::Role::kReplica) found_ = {};
  // The history comes first: an id that only a note knows would belong nowhere.
  Status kept = leads && reachable ? KeepHistory(own, now) : Status{};
  if (!kept) return Say(kept);
  kept = note_.Keep(own, converting_, now);
  // Also where the disk takes no note: that this node lives is as true.
  const Status told = reachable ? KeepReport(now) : Status{};
  Say(kept ? told : kept);
}

void DatasetKeeper::ReportDisputed(TimePoint now) { Say(KeepReport(now)); }

void DatasetKeeper::ReportLast() {
  report_at_ = {};
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

Status DatasetKeeper::KeepHistory(const redis::ServerInfo& own, TimePoint now) {
  const auto history = registry_.datasets.ReadHistory(group_);
  if (!history) return tl::unexpected(history.error());
  auto next = Continue(*history, own, found_.replication_id);
  next.node = node();
  if (next == *history || (IsSameChapter(next, *history) && now < report_at_)) return {};
  return registry_.datasets.WriteHistory(group_, next);
}

Status DatasetKeeper::KeepReport(TimePoint now) {
  const auto dataset = FindDataset(files_, note_.note());
  const bool another =
      dataset.empty() != reported_.empty() || dataset.replication_id != reported_.replication_id;
  // Also when nothing has changed: the time of the report says that the node lives.
  if (!another && now < report_at_) return {};
  auto told = dataset.empty() ? registry_.datasets.Forget(group_, node()) : Report(dataset);
  if (!told) return told;
  reported_ = dataset;
  report_at_ = now + kReportInterval;
  return {};
}

Status DatasetKeeper::Report(const store::Dataset& dataset) {
  // Under a name that it does not find again, this node would wait for itself at its next start.
  if (auto named = note_.Name(); !named) return named;
  return registry_.datasets.Report(
      group_,
      {.node = node(), .endpoint = endpoint_, .dataset = dataset, .failed = failed_, .priority = priority_});
}

}  // namespace redis_zk::redis_wrapper
