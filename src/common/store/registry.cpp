#include "store/registry.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "base/printable.h"

namespace redis_zk::store {

using zookeeper::kAnyVersion;
using zookeeper::Lifetime;
using zookeeper::Node;
using zookeeper::Transaction;
using zookeeper::Watch;

namespace {

constexpr const char* kTaken = "/taken";
constexpr int kAppendTries = 5;

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
    record.cold_start = record.lineage_fits && lineage->cold_start;
    if (record.lineage_fits) record.reason = Printable(lineage->reason);
  }
  return record;
}

Result<Member> ToMember(const std::string& uuid, const Node& node) {
  auto member = ParseMember(node.data);
  if (member) member->uuid = uuid;
  return member;
}

}  // namespace

Registry::Registry(zookeeper::Session& session, std::string root)
    : session_(session), root_(std::move(root)) {}

std::string Registry::MasterPath(const std::string& group) const {
  return group == kDefaultGroup ? root_ + "/master" : root_ + "/masters/" + group;
}

Status Registry::EnsureGroup(const std::string& group) {
  for (const auto& path :
       {root_ + "/master", root_ + "/masters/" + group, root_ + "/sentinels", MembersPath(group),
        LineagePath(group), root_ + "/history/" + group, root_ + "/datasets/" + group, root_ + "/identities",
        CleanUpPath(), RescuePath()}) {
    if (auto made = session_.EnsurePath(path); !made) return made;
  }
  return {};
}

Result<Record> Registry::ReadRecord(const std::string& group, Watch watch) {
  const auto node = session_.Get(MasterPath(group), watch);
  if (!node) return tl::unexpected(node.error());
  return ToRecord(*node, session_.Get(LineagePath(group), Watch::kNo));
}

Result<std::map<std::string, Record>> Registry::ReadRecords(const std::vector<std::string>& groups,
                                                            Watch watch) {
  std::vector<std::string> master_paths;
  std::vector<std::string> lineage_paths;
  for (const auto& group : groups) {
    master_paths.push_back(MasterPath(group));
    lineage_paths.push_back(LineagePath(group));
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

Status Registry::WriteRecord(const std::string& group, const Record& replaced, const NextRecord& next,
                             const std::string& lock_node) {
  const std::string text = next.master.ToRecord();
  Transaction transaction;
  if (!lock_node.empty()) transaction.Add(Transaction::CheckOp{lock_node, kAnyVersion});
  transaction.Add(Transaction::SetOp{MasterPath(group), text, replaced.version});
  if (group == kDefaultGroup)
    transaction.Add(Transaction::SetOp{root_ + "/masters/" + group, text, kAnyVersion});
  transaction.Add(Transaction::SetOp{
      LineagePath(group), Render(Lineage{next.epoch, text, next.reason, next.cold_start}), kAnyVersion});
  auto written = session_.Commit(transaction);
  if (!written && written.error().kind == ErrorKind::kNotFound) {
    // Something of the group is missing; the lock, if that was it, stays missing.
    if (auto made = EnsureGroup(group); !made) return made;
    written = session_.Commit(transaction);
  }
  if (!written)
    return Fail(fmt::format("cannot record {} as master of {}", next.master.ToAddress(), group),
                written.error());
  return {};
}

Status Registry::RemoveGroup(const std::string& group, const Record& found) {
  Transaction transaction;
  transaction.Add(Transaction::DeleteOp{root_ + "/masters/" + group, found.version});
  std::vector<std::string> paths{root_ + "/members/" + group, LineagePath(group),
                                 root_ + "/history/" + group};
  const std::string datasets = root_ + "/datasets/" + group;
  const auto nodes = session_.Children(datasets, Watch::kNo);
  if (nodes) {
    for (const auto& node : *nodes) paths.push_back(datasets + '/' + node);
  } else if (nodes.error().kind != ErrorKind::kNotFound) {
    return tl::unexpected(nodes.error());
  }
  paths.push_back(datasets);
  for (const auto& path : paths) {
    const auto exists = session_.Exists(path, Watch::kNo);
    if (!exists) return tl::unexpected(exists.error());
    if (exists->has_value()) transaction.Add(Transaction::DeleteOp{path, kAnyVersion});
  }
  return session_.Commit(transaction);
}

Result<std::vector<std::string>> Registry::ListGroups(Watch watch) {
  auto groups = session_.Children(root_ + "/masters", watch);
  if (!groups) return groups;
  std::sort(groups->begin(), groups->end());
  std::erase(*groups, kDefaultGroup);
  groups->insert(groups->begin(), kDefaultGroup);
  return groups;
}

template <class Entry, class Parse>
Result<std::vector<Entry>> Registry::ListEntries(const std::string& parent, Watch watch, const Parse& parse) {
  auto names = session_.Children(parent, watch);
  if (!names) return tl::unexpected(names.error());
  std::sort(names->begin(), names->end());
  std::vector<std::string> paths;
  for (const auto& name : *names) paths.push_back(parent + '/' + name);
  return ReadEntries<Entry>(paths, [&](const std::string& path, const Node& node) {
    return parse(path.substr(parent.size() + 1), node);
  });
}

template <class Entry, class Parse>
Result<std::vector<Entry>> Registry::ReadEntries(const std::vector<std::string>& paths, const Parse& parse) {
  const auto nodes = session_.GetAll(paths, Watch::kNo);
  std::vector<Entry> entries;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    const auto& node = nodes[i];
    if (!node) {
      if (node.error().kind == ErrorKind::kNotFound) continue;  // gone since it was listed
      return tl::unexpected(node.error());
    }
    if (Result<Entry> entry = parse(paths[i], *node)) {
      entries.push_back(std::move(*entry));
    } else {
      WarnOnce(paths[i], fmt::format("{}: found \"{}\", expected {}; left out", paths[i],
                                     Printable(node->data), entry.error().message));
    }
  }
  return entries;
}

Result<std::vector<Sentinel>> Registry::ListSentinels(Watch watch) {
  return ListEntries<Sentinel>(root_ + "/sentinels", watch,
                               [](const std::string& uuid, const Node& node) -> Result<Sentinel> {
                                 return ParseRecord(node.data).map([&](Endpoint&& endpoint) {
                                   return Sentinel{uuid, std::move(endpoint), node.stat.ephemeral_owner != 0};
                                 });
                               });
}

Result<std::vector<Member>> Registry::ListMembers(const std::string& group, Watch watch) {
  return ListEntries<Member>(MembersPath(group), watch, ToMember);
}

Result<std::map<std::string, std::vector<Member>>> Registry::ListMembers(
    const std::vector<std::string>& groups) {
  std::vector<std::string> parents;
  for (const auto& group : groups) parents.push_back(MembersPath(group));
  const auto names = session_.ChildrenOfAll(parents, Watch::kNo);
  std::vector<std::string> paths;
  std::map<std::string, std::string> group_of;  // by path
  for (std::size_t i = 0; i < groups.size(); ++i) {
    // A group whose record somebody else made.
    if (!names[i] && names[i].error().kind == ErrorKind::kNotFound) continue;
    if (!names[i]) return tl::unexpected(names[i].error());
    for (const auto& name : *names[i]) {
      paths.push_back(parents[i] + '/' + name);
      group_of[paths.back()] = groups[i];
    }
  }
  using Placed = std::pair<std::string, Member>;
  const auto members =
      ReadEntries<Placed>(paths, [&](const std::string& path, const Node& node) -> Result<Placed> {
        auto member = ToMember(path.substr(path.rfind('/') + 1), node);
        if (!member) return tl::unexpected(member.error());
        return Placed{group_of.at(path), std::move(*member)};
      });
  if (!members) return tl::unexpected(members.error());
  std::map<std::string, std::vector<Member>> by_group;
  for (const auto& [group, member] : *members) by_group[group].push_back(member);
  return by_group;
}

Result<History> Registry::ReadHistory(const std::string& group) {
  const std::string path = root_ + "/history/" + group;
  const auto node = session_.Get(path, Watch::kNo);
  if (!node) {
    if (node.error().kind == ErrorKind::kNotFound) return History{};
    return tl::unexpected(node.error());
  }
  if (node->data.empty()) return History{};
  auto history = ParseHistory(node->data);
  if (!history) {
    WarnOnce(path, fmt::format("{}: found \"{}\", expected {}; counts as empty", path, Printable(node->data),
                               history.error().message));
    return History{};
  }
  history->reported_at = node->stat.modified_at;
  return history;
}

Status Registry::WriteHistory(const std::string& group, const History& history) {
  return Put(root_ + "/history/" + group, Render(history));
}

Result<std::vector<KnownDataset>> Registry::ListDatasets(const std::string& group) {
  return ListEntries<KnownDataset>(root_ + "/datasets/" + group, Watch::kNo,
                                   [](const std::string& name, const Node& node) {
                                     auto known = ParseKnownDataset(node.data);
                                     if (known) {
                                       known->node = name;
                                       known->reported_at = node.stat.modified_at;
                                     }
                                     return known;
                                   });
}

Status Registry::ReportDataset(const std::string& group, const KnownDataset& known) {
  return Put(root_ + "/datasets/" + group + '/' + known.node, Render(known));
}

Status Registry::ForgetDataset(const std::string& group, const std::string& node) {
  auto deleted = session_.Delete(root_ + "/datasets/" + group + '/' + node, kAnyVersion);
  if (!deleted && deleted.error().kind != ErrorKind::kNotFound) return deleted;
  return {};
}

Result<std::vector<Identity>> Registry::ListIdentities() {
  auto identities =
      ListEntries<Identity>(root_ + "/identities", Watch::kNo, [](const std::string& uuid, const Node& node) {
        auto identity = ParseIdentity(node.data);
        if (identity) identity->uuid = uuid;
        return identity;
      });
  if (!identities) return identities;
  for (auto& identity : *identities) {
    const auto taken = session_.Exists(IdentityPath(identity.uuid) + kTaken, Watch::kNo);
    if (!taken) return tl::unexpected(taken.error());
    identity.taken = taken->has_value();
  }
  return identities;
}

Status Registry::TakeIdentity(const Identity& identity) {
  const std::string taken = IdentityPath(identity.uuid) + kTaken;
  // With its data at once: one without could neither be taken nor removed.
  if (auto made = session_.EnsurePath(root_ + "/identities"); !made) return made;
  const auto made = session_.Create(IdentityPath(identity.uuid), Render(identity), Lifetime::kPersistent);
  if (!made && made.error().kind != ErrorKind::kAlreadyExists) return tl::unexpected(made.error());
  const auto created = session_.Create(taken, identity.endpoint.ToRecord(), Lifetime::kEphemeral);
  if (!created) {
    if (created.error().kind != ErrorKind::kAlreadyExists) return tl::unexpected(created.error());
    // Ours already, if the answer to an earlier try was lost.
    const auto node = session_.Get(taken, Watch::kNo);
    if (!node) return tl::unexpected(node.error());
    if (node->stat.ephemeral_owner != session_.id()) return tl::unexpected(created.error());
  }
  return UpdateIdentity(identity);
}

Status Registry::UpdateIdentity(const Identity& identity) {
  return session_.Set(IdentityPath(identity.uuid), Render(identity), kAnyVersion);
}

Status Registry::RemoveIdentity(const std::string& uuid) {
  auto deleted = session_.Delete(IdentityPath(uuid), kAnyVersion);
  if (!deleted && deleted.error().kind != ErrorKind::kNotFound) return deleted;
  return {};
}

Result<std::int64_t> Registry::AskTime() {
  if (auto written = session_.Set(CleanUpPath(), "", kAnyVersion); !written)
    return tl::unexpected(written.error());
  return session_.Get(CleanUpPath(), Watch::kNo).map([](const Node& node) { return node.stat.modified_at; });
}

Result<EventLog> Registry::ReadEventLog(Watch watch) {
  auto node = session_.Get(EventLogPath(), watch);
  if (!node && node.error().kind == ErrorKind::kNotFound) {
    if (auto made = session_.EnsurePath(EventLogPath()); !made) return tl::unexpected(made.error());
    node = session_.Get(EventLogPath(), watch);
  }
  if (!node) return tl::unexpected(node.error());
  auto event_log = ParseEventLog(node->data);
  if (event_log) return event_log;
  WarnOnce(EventLogPath(), fmt::format("{}: found \"{}\", expected {}; counts as empty", EventLogPath(),
                                       Printable(node->data), event_log.error().message));
  return EventLog{};
}

Status Registry::AppendToEventLog(const std::vector<PastEvent>& news) {
  Status written;
  for (int tries = 0; tries < kAppendTries; ++tries) {
    const auto node = session_.Get(EventLogPath(), Watch::kNo);
    if (!node && node.error().kind == ErrorKind::kNotFound) {
      if (auto made = session_.EnsurePath(EventLogPath()); !made) return made;
      continue;
    }
    if (!node) return tl::unexpected(node.error());
    const auto event_log = ParseEventLog(node->data).value_or(EventLog{});
    written = session_.Set(EventLogPath(), Render(Appended(event_log, news)), node->stat.version);
    if (written || written.error().kind != ErrorKind::kConflict) break;
  }
  return written;
}

Result<std::optional<CleanUpPause>> Registry::ReadCleanUpPause(Watch watch) {
  const auto exists = session_.Exists(CleanUpPausePath(), watch);
  if (!exists) return tl::unexpected(exists.error());
  if (!exists->has_value()) return std::nullopt;
  const auto node = session_.Get(CleanUpPausePath(), Watch::kNo);
  if (node) return ParseCleanUpPause(node->data);
  if (node.error().kind == ErrorKind::kNotFound) return std::nullopt;
  return tl::unexpected(node.error());
}

Result<bool> Registry::PauseCleanUp(const CleanUpPause& pause) {
  if (auto made = session_.EnsurePath(root_); !made) return tl::unexpected(made.error());
  const auto created = session_.Create(CleanUpPausePath(), Render(pause), Lifetime::kPersistent);
  if (created) return true;
  if (created.error().kind == ErrorKind::kAlreadyExists) return false;
  return tl::unexpected(created.error());
}

Result<bool> Registry::ResumeCleanUp() {
  const auto deleted = session_.Delete(CleanUpPausePath(), kAnyVersion);
  if (deleted) return true;
  if (deleted.error().kind == ErrorKind::kNotFound) return false;
  return tl::unexpected(deleted.error());
}

Status Registry::TakeAdmin(const std::string& group, const std::string& who) {
  const std::string path = root_ + "/admin/" + group;
  if (auto made = session_.EnsurePath(root_ + "/admin"); !made) return made;
  const auto created = session_.Create(path, who, Lifetime::kEphemeral);
  if (created) return {};
  if (created.error().kind != ErrorKind::kAlreadyExists) return tl::unexpected(created.error());
  const auto node = session_.Get(path, Watch::kNo);
  if (!node) return tl::unexpected(node.error());
  return Fail(ErrorKind::kAlreadyExists, Printable(node->data));
}

Status Registry::RegisterSentinel(const Sentinel& sentinel) {
  return PutEphemeral(root_ + "/sentinels/" + sentinel.uuid, sentinel.endpoint.ToRecord());
}

Status Registry::UnregisterSentinel(const std::string& uuid) {
  const std::string path = root_ + "/sentinels/" + uuid;
  const auto found = session_.Exists(path, Watch::kNo);
  if (!found) return tl::unexpected(found.error());
  // Nothing, or that of a successor on the same identity.
  if (!*found || (*found)->ephemeral_owner != session_.id()) return {};
  auto deleted = session_.Delete(path, kAnyVersion);
  if (!deleted && deleted.error().kind != ErrorKind::kNotFound) return deleted;
  return {};
}

Status Registry::RegisterMember(const std::string& group, const Member& member) {
  return PutEphemeral(MembersPath(group) + '/' + member.uuid, Render(member));
}

void Registry::WarnOnce(const std::string& path, const std::string& line) {
  if (std::exchange(warned_[path], line) != line) log::Warn({.event = "znode-unreadable"}, "{}", line);
}

Status Registry::Put(const std::string& path, const std::string& data) {
  auto set = session_.Set(path, data, kAnyVersion);
  if (set || set.error().kind != ErrorKind::kNotFound) return set;
  if (auto made = session_.EnsurePath(path); !made) return made;
  return session_.Set(path, data, kAnyVersion);
}

Status Registry::PutEphemeral(const std::string& path, const std::string& data) {
  const auto created = session_.Create(path, data, Lifetime::kEphemeral);
  if (created) return {};
  if (created.error().kind != ErrorKind::kAlreadyExists) return tl::unexpected(created.error());
  const auto node = session_.Get(path, Watch::kNo);
  if (!node) return tl::unexpected(node.error());
  if (node->stat.ephemeral_owner == session_.id()) {
    return node->data == data ? Status{} : session_.Set(path, data, node->stat.version);
  }
  Transaction replace;
  replace.Add(Transaction::DeleteOp{path, node->stat.version});
  replace.Add(Transaction::CreateOp{path, data, Lifetime::kEphemeral});
  const auto replaced = session_.Commit(replace);
  if (!replaced) return Fail("cannot register " + path, replaced.error());
  return {};
}

}  // namespace redis_zk::store
