#include "store/records.h"

#include <fmt/core.h>

#include <cstddef>
#include <utility>

#include "base/printable.h"

namespace redis_zk::store {

using zookeeper::kAnyVersion;
using zookeeper::Node;
using zookeeper::Transaction;
using zookeeper::Watch;

namespace {

Result<Record> ToRecord(const Node& node, const Result<Node>& lineage_node) {
  Record record = ParseMasterRecord(node.data);
  record.version = node.stat.version;
  if (!lineage_node) {
    if (lineage_node.error().kind == ErrorKind::kNotFound) return record;
    return tl::unexpected(lineage_node.error());
  }
  if (const auto lineage = ParseLineage(lineage_node->data)) {
    record.epoch = lineage->epoch;
    // Not as text: who wrote it may have spelled it in another way.
    record.lineage_fits =
        record.state == Record::State::kMaster && ParseRecord(lineage->master) == record.master;
    if (!record.lineage_fits) return record;
    record.origin = lineage->origin;
    record.reason = Printable(lineage->reason);
  }
  return record;
}

}  // namespace

Result<Record> Records::Read(const std::string& group, Watch watch) {
  const auto node = session_.Get(paths_.Master(group), watch);
  if (!node) return tl::unexpected(node.error());
  return ToRecord(*node, session_.Get(paths_.Lineage(group), Watch::kNo));
}

Result<std::map<std::string, Record>> Records::ReadAll(const std::vector<std::string>& groups, Watch watch) {
  std::vector<std::string> master_paths;
  std::vector<std::string> lineage_paths;
  for (const auto& group : groups) {
    master_paths.push_back(paths_.Master(group));
    lineage_paths.push_back(paths_.Lineage(group));
  }
  const auto nodes = session_.GetAll(master_paths, watch);
  const auto lineages = session_.GetAll(lineage_paths, Watch::kNo);
  std::map<std::string, Record> records;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    if (!nodes[i] && nodes[i].error().kind == ErrorKind::kNotFound) continue;
    if (!nodes[i]) return tl::unexpected(nodes[i].error());
    auto record = ToRecord(*nodes[i], lineages[i]);
    if (!record) return tl::unexpected(record.error());
    records.emplace(groups[i], std::move(*record));
  }
  return records;
}

Status Records::Write(const std::string& group, const Record& replaced, const NextRecord& next,
                      const std::string& lock_node) {
  const std::string text = next.master.ToRecord();
  Transaction transaction;
  if (!lock_node.empty()) transaction.Add(Transaction::CheckOp{lock_node, kAnyVersion});
  transaction.Add(Transaction::SetOp{paths_.Master(group), text, replaced.version});
  if (group == kDefaultGroup) transaction.Add(Transaction::SetOp{paths_.Masters(group), text, kAnyVersion});
  transaction.Add(Transaction::SetOp{
      paths_.Lineage(group), Render(Lineage{next.epoch, text, next.reason, next.origin}), kAnyVersion});
  auto written = session_.Commit(transaction);
  if (!written && written.error().kind == ErrorKind::kNotFound) {
    // Something of the group is missing; the lock, if that was it, stays missing.
    if (auto made = groups_.Ensure(group); !made) return made;
    written = session_.Commit(transaction);
  }
  if (!written)
    return Fail(fmt::format("cannot record {} as master of {}", next.master.ToAddress(), group),
                written.error());
  return {};
}

}  // namespace redis_zk::store
