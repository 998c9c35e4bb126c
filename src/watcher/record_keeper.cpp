#include "watcher/record_keeper.h"

#include <fmt/core.h>

#include <algorithm>
#include <string_view>
#include <utility>
#include <variant>

#include "sentinel/client.h"
#include "store/ownership.h"
#include "store/sentinel_id.h"

namespace redis_zk::watcher {

using store::NextRecord;
using store::Record;

namespace {

// Events can be missed: of a record that another client changed, of a Sentinel that was cut off.
constexpr Duration kDoubtAllEvery = 5s;
// How many groups are compared before the loop turns; up to twice as many servers are asked at once.
constexpr std::size_t kGroupsAtOnce = 50;

// Why a record stays as it is.
struct Kept {
  std::string_view event;
  log::Severity severity;
  std::string reason;
  std::string verdict{};
};

void NoteMembers(const std::map<std::string, std::vector<store::Member>>& members, const std::string& group,
                 Evidence* evidence) {
  const auto found = members.find(group);
  if (found == members.end()) return;
  for (const auto& member : found->second) {
    evidence->members.insert(member.endpoint);
    if (member.endpoint == evidence->record.master) evidence->about_to_act = member.serving;
  }
}

std::string NameOf(const Record& record) {
  return record.state == Record::State::kMaster ? record.master.ToAddress() : "none";
}

std::variant<NextRecord, Kept> Decide(const Evidence& evidence, const std::string& hindrance) {
  const Verdict verdict = Judge(evidence);
  if (verdict.agreed)
    return Kept{.event = "record-confirmed", .severity = log::Severity::kInfo, .reason = verdict.reason};
  if (!verdict.master)
    return Kept{.event = "record-unconfirmed",
                .severity = log::Severity::kWarn,
                .reason = "keeping the record: " + verdict.reason,
                .verdict = verdict.reason};
  if (!hindrance.empty())
    return Kept{.event = "record-write-skipped",
                .severity = log::Severity::kInfo,
                .reason = fmt::format("{}: skipped recording {} as the master (before: {}), epoch {}: {}",
                                      hindrance, verdict.master->ToAddress(), NameOf(evidence.record),
                                      verdict.epoch, verdict.reason)};
  return NextRecord{.master = *verdict.master, .epoch = verdict.epoch, .reason = verdict.reason};
}

}  // namespace

RecordKeeper::RecordKeeper(UpdateMasterMode mode, const redis::Network& network, store::Registry& registry,
                           const daemon::Pauses& pauses)
    : mode_(mode), network_(network), registry_(registry), pauses_(pauses) {}

std::string RecordKeeper::FindHindrance(const std::string& group) const {
  if (mode_ == UpdateMasterMode::kObserve) return "UPDATE_MASTER=observe";
  const auto* pause = pauses_.Find(group);
  return pause == nullptr ? "" : Describe(*pause);
}

std::vector<RecordKeeper::Change> RecordKeeper::CheckHinted(const RegistryView& view,
                                                            const std::optional<Endpoint>& followed) {
  std::vector<std::string> groups;
  for (const auto& group : std::exchange(hinted_, {})) {
    if (view.groups.contains(group)) groups.push_back(group);
  }
  if (!followed || groups.empty()) return {};
  const auto peers = store::PeersIn(view.sentinels);
  const auto peer = std::find_if(peers.begin(), peers.end(),
                                 [&followed](const auto& each) { return each.endpoint == *followed; });
  if (peer == peers.end()) {
    // Its registration is gone: the others know.
    doubted_.insert(groups.begin(), groups.end());
    return {};
  }
  auto reports = sentinel::AskSentinels(network_.sentinels, {*peer}, groups).front();
  // The members as they are now: the promoted one may have joined a moment ago.
  const auto members = registry_.members.ListAll(groups);
  std::vector<Change> changes;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    std::optional<NextRecord> next;
    if (reports[i] && members) {
      Evidence evidence{.record = view.groups.at(groups[i]),
                        .reports = {std::move(*reports[i])},
                        .registered = view.registered()};
      NoteMembers(*members, groups[i], &evidence);
      auto decided = Decide(evidence, FindHindrance(groups[i]));
      if (auto* change = std::get_if<NextRecord>(&decided)) next = std::move(*change);
    }
    if (next) {
      changes.push_back(
          {.group = groups[i], .replaced = view.groups.at(groups[i]), .next = std::move(*next)});
    } else {
      doubted_.insert(groups[i]);
    }
  }
  return changes;
}

std::vector<RecordKeeper::Change> RecordKeeper::CheckDoubted(const RegistryView& view) {
  const std::vector<std::string> groups = TakeDoubted(view);
  if (groups.empty()) return {};
  auto evidence = AskAllSentinels(view, groups);
  if (!AskMembers(groups, &evidence)) return {};
  if (!AskServers(groups, &evidence)) return {};
  std::vector<Change> changes;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    auto decided = Decide(evidence[i], FindHindrance(groups[i]));
    unconfirmed_.erase(groups[i]);
    if (auto* next = std::get_if<NextRecord>(&decided)) {
      changes.push_back(
          {.group = groups[i], .replaced = evidence[i].record, .next = std::move(*next), .all_asked = true});
    } else if (Exists(view, groups[i])) {
      const auto& kept = std::get<Kept>(decided);
      if (kept.severity == log::Severity::kWarn) unconfirmed_[groups[i]] = kept.verdict;
      log_verdict_[groups[i]](kept.severity, {.event = kept.event, .group = groups[i]}, kept.reason);
    }
  }
  return changes;
}

std::vector<std::string> RecordKeeper::TakeDoubted(const RegistryView& view) {
  if (Clock::now() >= doubt_all_at_) {
    doubt_all_at_ = Clock::now() + kDoubtAllEvery;
    for (const auto& [group, record] : view.groups) doubted_.insert(group);
  }
  std::erase_if(unconfirmed_, [&view](const auto& entry) { return !view.groups.contains(entry.first); });
  std::erase_if(log_verdict_, [&view](const auto& entry) { return !view.groups.contains(entry.first); });
  std::vector<std::string> groups;
  while (!doubted_.empty() && groups.size() < kGroupsAtOnce) {
    auto next = doubted_.extract(doubted_.begin());
    if (view.groups.contains(next.value())) groups.push_back(std::move(next.value()));
  }
  return groups;
}

std::vector<Evidence> RecordKeeper::AskAllSentinels(const RegistryView& view,
                                                    const std::vector<std::string>& groups) const {
  auto answers = sentinel::AskSentinels(network_.sentinels, store::PeersIn(view.sentinels), groups);
  std::vector<Evidence> evidence;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    auto& of_group =
        evidence.emplace_back(Evidence{.record = view.groups.at(groups[i]), .registered = view.registered()});
    for (auto& of_sentinel : answers) {
      if (of_sentinel[i]) of_group.reports.push_back(std::move(*of_sentinel[i]));
    }
  }
  return evidence;
}

bool RecordKeeper::AskMembers(const std::vector<std::string>& groups, std::vector<Evidence>* evidence) {
  std::vector<std::string> doubted;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    if (IsInDoubt((*evidence)[i])) doubted.push_back(groups[i]);
  }
  const auto members = registry_.members.ListAll(doubted);
  if (!members) {
    NoteUnread(members.error());
    return false;
  }
  log_members_failure_.Reset();
  for (std::size_t i = 0; i < groups.size(); ++i) NoteMembers(*members, groups[i], &(*evidence)[i]);
  return true;
}

bool RecordKeeper::AskServers(const std::vector<std::string>& groups, std::vector<Evidence>* evidence) {
  std::set<Endpoint> known;
  std::set<Endpoint> unknown;
  for (const auto& of_group : *evidence) {
    for (const auto& server : WhomToAsk(of_group)) {
      const bool is_known = of_group.members.contains(server) || server == of_group.record.master;
      (is_known ? known : unknown).insert(server);
    }
  }
  std::map<Endpoint, redis::ServerInfo> infos;
  const auto ask = [&infos](redis::Servers& servers, const std::set<Endpoint>& asked) {
    const std::vector<Endpoint> each(asked.begin(), asked.end());
    auto answers = servers.AskInfos(each);
    for (std::size_t i = 0; i < each.size(); ++i) {
      if (answers[i]) infos.emplace(each[i], std::move(*answers[i]));
    }
  };
  ask(network_.redis, known);
  // Another deployment's Sentinels may have talked ours into that one: it is told no password.
  std::erase_if(unknown, [&known](const auto& server) { return known.contains(server); });
  ask(network_.redis.WithoutCredentials(), unknown);
  for (std::size_t i = 0; i < groups.size(); ++i) {
    auto& of_group = (*evidence)[i];
    for (const auto& server : WhomToAsk(of_group)) {
      const auto info = infos.find(server);
      if (info == infos.end() || info->second.role != redis::Role::kMaster) continue;
      of_group.acting_masters.insert(server);
      if (of_group.members.contains(server) || server == of_group.record.master) continue;
      const auto ours = BelongsTo(groups[i], info->second);
      if (!ours) {
        NoteUnread(ours.error());
        return false;
      }
      if (!*ours) of_group.strangers.insert(server);
    }
    const auto recorded = infos.find(of_group.record.master);
    of_group.about_to_act = of_group.about_to_act && recorded != infos.end() &&
                            recorded->second.role == redis::Role::kReplica && !recorded->second.link_up;
  }
  return true;
}

Result<bool> RecordKeeper::BelongsTo(const std::string& group, const redis::ServerInfo& info) {
  auto history = registry_.datasets.ReadHistory(group);
  if (!history) return tl::unexpected(history.error());
  auto datasets = registry_.datasets.List(group);
  if (!datasets) return tl::unexpected(datasets.error());
  return store::BelongsToGroup(info,
                               {.history = std::move(*history), .datasets = std::move(*datasets), .own = {}});
}

void RecordKeeper::NoteUnread(const Error& error) {
  // Compared again with the next round.
  const bool denied = error.kind == ErrorKind::kDenied;
  log_members_failure_(denied ? log::Severity::kWarn : log::Severity::kDebug,
                       {.event = "members-read-failed"},
                       fmt::format("reading the members failed: {}; retrying", error.message));
}

std::optional<Record> RecordKeeper::Write(const Change& change) {
  const auto& [group, replaced, next, all_asked] = change;
  const auto written = registry_.records.Write(group, replaced, next, /*lock_node=*/"");
  const std::string master = next.master.ToAddress();
  if (!written && !all_asked) {
    doubted_.insert(group);
    return std::nullopt;
  }
  if (!written) {
    log_verdict_[group](
        log::Severity::kWarn, {.event = "record-write-failed", .group = group},
        fmt::format("cannot record {} as the master: {}; retrying", master, written.error().message));
    return std::nullopt;
  }
  const bool same = replaced.state == Record::State::kMaster && replaced.master == next.master;
  log_verdict_[group](
      log::Severity::kInfo, {.event = "master-recorded", .group = group, .peer = master, .epoch = next.epoch},
      same
          ? fmt::format("confirmed {} as the master: {}", master, next.reason)
          : fmt::format("recorded {} as the master (before: {}): {}", master, NameOf(replaced), next.reason));
  return store::Replaced(replaced, next);
}

}  // namespace redis_zk::watcher
