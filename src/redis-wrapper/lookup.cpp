#include "redis-wrapper/lookup.h"

#include <fmt/core.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include "base/log.h"
#include "sentinel/client.h"
#include "store/sentinel_id.h"

namespace redis_zk::redis_wrapper {

namespace {

using store::Record;
using zookeeper::Watch;

bool IsRegistered(const Endpoint& endpoint, const std::vector<store::Member>& members) {
  return std::any_of(members.begin(), members.end(),
                     [&endpoint](const auto& member) { return member.endpoint == endpoint; });
}

}  // namespace

Lookup::Lookup(const WrapperOptions& options, const redis::Network& network, store::Registry& registry)
    : options_(options), network_(network), registry_(registry) {}

Result<View> Lookup::Look(const store::Member& self, bool locked) {
  View view{.self = self.endpoint,
            .own = self.dataset,
            .node = self.node,
            .priority = self.priority,
            .force_master = options_.force_master,
            .locked = locked};
  const auto record = registry_.records.Read(options_.common.master_name, Watch::kYes);
  if (!record) return tl::unexpected(record.error());
  view.record = *record;
  view.highest_epoch = record->epoch;
  refusing_.clear();

  const std::string& group = options_.common.master_name;
  const auto members = registry_.members.List(group, Watch::kYes);
  if (!members) return tl::unexpected(members.error());
  auto marks = ReadMarks(self.dataset);
  if (!marks) return tl::unexpected(marks.error());
  view.history = marks->history;

  // An ordinary start of a replica needs to know no more than that the recorded master is one.
  if (record->state == Record::State::kMaster && record->master != self.endpoint) {
    const auto info = network_.redis.AskInfo(record->master);
    NoteNamed(record->master, "is recorded as the master of " + group, info,
              IsRegistered(record->master, *members), *marks, view);
    const auto found = view.living.find(record->master);
    if (found != view.living.end() && found->second.role == redis::Role::kMaster) return view;
  }
  const auto reports = AskTheSentinels(view);
  if (!reports) return tl::unexpected(reports.error());
  if (auto asked = AskTheMembers(self.node, *members, *marks, view); !asked)
    return tl::unexpected(asked.error());
  for (const auto& report : *reports) {
    const bool sees_it = !report.master_down && report.master_connected;
    // With the right password it answers: it is this node that has another one.
    if (sees_it) refusing_.erase(report.master);
    if (sees_it && report.master != view.self && !view.living.contains(report.master) &&
        !view.strangers.contains(report.master))
      ++view.sentinels_seeing_master;
  }
  for (const auto& [master, refusal] : refusing_) {
    view.strangers[master] = "that server refuses our credentials";
    ReportStranger(master, refusal.who, "that server refuses our credentials: " + refusal.error);
  }
  std::vector<store::Member> present{self};
  std::copy_if(members->begin(), members->end(), std::back_inserter(present),
               [&self](const auto& member) { return member.endpoint != self.endpoint; });
  view.awaited = FindAwaited(marks->datasets, present, view.history);
  view.promotable_absent = FindPromotableAbsent(marks->datasets, present);
  for (const auto& known : marks->datasets) {
    if (known.failed.tried()) view.starts.emplace(known.node, known.failed);
    if (IsGivenUp(known.failed)) view.failing.emplace(known.node, known);
  }
  return view;
}

Result<std::vector<sentinel::SentinelReport>> Lookup::AskTheSentinels(View& view) {
  const auto registered = registry_.sentinels.List(Watch::kYes);
  if (!registered) return tl::unexpected(registered.error());
  sentinels_ = store::PeersIn(*registered);
  std::vector<sentinel::SentinelReport> reports;
  for (auto& report : sentinel::AskSentinels(network_.sentinels, sentinels_, options_.common.master_name)) {
    if (report) {
      reports.push_back(std::move(*report));
    } else {
      Report(report.error());
    }
  }
  view.sentinels_answering = reports.size();
  view.sentinels_say = sentinel::FindMajority(reports, sentinels_.size());
  for (const auto& report : reports) view.highest_epoch = std::max(view.highest_epoch, report.config_epoch);
  return reports;
}

Result<store::GroupMarks> Lookup::ReadMarks(const store::Dataset& own) {
  const std::string& group = options_.common.master_name;
  auto known = registry_.datasets.List(group);
  if (!known && known.error().kind != ErrorKind::kNotFound) return tl::unexpected(known.error());
  auto history = registry_.datasets.ReadHistory(group);
  if (!history) return tl::unexpected(history.error());
  last_marks_ = {.history = std::move(*history),
                 .datasets = std::move(known).value_or(std::vector<store::KnownDataset>{}),
                 .own = own};
  return *last_marks_;
}

bool Lookup::IsElsewhere(const Endpoint& endpoint) {
  auto groups = registry_.groups.List(Watch::kNo);
  if (!groups) return false;
  std::erase(*groups, options_.common.master_name);
  const auto members = registry_.members.ListAll(*groups);
  if (!members) return false;
  return std::any_of(members->begin(), members->end(),
                     [&endpoint](const auto& group) { return IsRegistered(endpoint, group.second); });
}

void Lookup::NoteNamed(const Endpoint& master, const std::string& who,
                       const Result<redis::ServerInfo>& answer, bool registered,
                       const store::GroupMarks& marks, View& view) {
  // Our server would look up a host name by itself, whatever answers us there.
  const std::string named = registered ? "is registered in " + options_.common.master_name : who;
  const bool may_follow = MayFollow(master, named);
  const auto info =
      answer && !may_follow ? Result<redis::ServerInfo>(tl::unexpected(MayTell(master).error())) : answer;
  if (!info) {
    Report(info.error());
    if (info.error().kind != ErrorKind::kRefused) return;
    // Of a member that refuses us, and of an original's server, the password is another one; of other servers
    // nothing says that they are ours. What lives outside the trusted networks got there by no reuse of an
    // address: somebody has registered it.
    if (registered || info.error().cause == Cause::kTrustedNetworks) {
      view.refusing.emplace(master, info.error());
    } else if (!marks.history.replication_id.empty()) {
      refusing_.try_emplace(master, Refusal{who, info.error().message});
    }
    return;
  }
  // A replica that is registered may not have copied anything yet.
  if (store::BelongsToGroup(*info, marks) || (registered && info->role == redis::Role::kReplica)) {
    view.living.insert_or_assign(master, *info);
    return;
  }
  // Its wrapper is about to write the new name of its data down, or is dead, and the registration will go.
  if (registered) {
    view.strangers[master] =
        fmt::format("its data (replication id {}) are not known to the group yet", info->replication_id);
    return;
  }
  view.strangers[master] = store::DescribeStranger(*info);
  ReportStranger(master, who, store::DescribeStranger(*info));
}

Status Lookup::AskTheMembers(const std::string& own_node, const std::vector<store::Member>& members,
                             const store::GroupMarks& marks, View& view) {
  if (const auto identities = registry_.identities.List())
    view.highest_epoch = store::FleetEpoch(*identities, view.highest_epoch);

  std::set<Endpoint> asked_for;
  std::set<Endpoint> serving;
  for (const auto& member : members) {
    // Our own predecessor, on this address or with these data, which ZooKeeper has not given up yet.
    if (member.endpoint == view.self || (member.hanging && member.node == own_node)) continue;
    if (member.serving) {
      serving.insert(member.endpoint);
      view.found_by_living[member.endpoint] = member.dataset;
    } else if (member.hanging) {
      view.hanging[member.endpoint] = *member.hanging;
    } else {
      view.starting.push_back(member);
    }
    asked_for.insert(member.endpoint);
  }
  others_.assign(serving.begin(), serving.end());
  if (view.sentinels_say) asked_for.insert(view.sentinels_say->master);
  asked_for.erase(view.self);
  const std::vector<Endpoint> asked(asked_for.begin(), asked_for.end());
  const auto infos = network_.redis.AskInfos(asked);
  for (std::size_t i = 0; i < asked.size(); ++i) {
    NoteNamed(asked[i], "is named by the Sentinels as the master of " + options_.common.master_name, infos[i],
              IsRegistered(asked[i], members), marks, view);
    if (view.living.contains(asked[i])) {
      // It has begun to serve since it was read, or its wrapper is one that does not say so.
      std::erase_if(view.starting, [&](const auto& member) { return member.endpoint == asked[i]; });
      view.hanging.erase(asked[i]);
    } else if (serving.contains(asked[i])) {
      view.silent.push_back(asked[i]);
    }
  }
  return {};
}

Status Lookup::Refresh(const Endpoint& self) {
  const auto registered = registry_.sentinels.List(Watch::kYes);
  if (!registered) return tl::unexpected(registered.error());
  const auto members = registry_.members.List(options_.common.master_name, Watch::kYes);
  if (!members) return tl::unexpected(members.error());
  sentinels_ = store::PeersIn(*registered);
  others_.clear();
  for (const auto& member : *members) {
    if (member.serving && member.endpoint != self) others_.push_back(member.endpoint);
  }
  return {};
}

void Lookup::ReportStranger(const Endpoint& master, const std::string& who, const std::string& why) {
  ReportOnce(master, fmt::format("not following {}: it {}, but {}; correct the record, or give that server "
                                 "this group's data or password",
                                 master.ToAddress(), who, why));
}

bool Lookup::MayFollow(const Endpoint& master, const std::string& who) {
  const auto told = MayTell(master);
  if (told) return true;
  ReportOnce(master,
             fmt::format("not following {}: it {}, but {}; add its network to TRUSTED_NETWORKS if that "
                         "server is yours, else correct the record",
                         master.ToAddress(), who, told.error().message));
  return false;
}

void Lookup::ReportOnce(const Endpoint& master, const std::string& line) {
  if (reported_.insert(line).second)
    log::Error({.event = "foreign-master", .peer = master.ToAddress()}, "{}", line);
}

void Lookup::Report(const Error& error) {
  if (error.kind != ErrorKind::kRefused || error.cause == Cause::kTrustedNetworks) {
    log::Debug({.event = "peer-unreachable"}, "{}", error.message);
  } else if (reported_.insert(error.message).second) {
    log::Warn({.event = "peer-refused"}, "{}", error.message);
  }
}

}  // namespace redis_zk::redis_wrapper
