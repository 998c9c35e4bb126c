#include "redis-wrapper/lookup.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/log.h"
#include "registry/sentinel_id.h"

namespace redis_zk::redis_wrapper {

namespace {

using registry::Record;
using zookeeper::Watch;

}  // namespace

Lookup::Lookup(const WrapperOptions& options, registry::Registry& registry)
    : options_(options), registry_(registry) {}

Result<View> Lookup::Look(const registry::Member& self, bool locked) {
  View view{
      .self = self.endpoint, .own = self.dataset, .force_master = options_.force_master, .locked = locked};
  const auto record = registry_.ReadRecord(options_.common.master_name, Watch::kYes);
  if (!record) return tl::unexpected(record.error());
  view.record = *record;
  view.highest_epoch = record->epoch;

  // An ordinary start of a replica needs to know no more than that the recorded master is one.
  if (record->state == Record::State::kMaster && record->master != self.endpoint) {
    const auto info = redis::AskServerInfo(record->master, options_.common.redis, kProbeTimeout);
    if (info) {
      view.living.emplace(record->master, *info);
      if (info->role == redis::Role::kMaster) return view;
    } else {
      Report(info.error());
    }
  }
  if (auto asked = AskTheSentinels(view); !asked) return tl::unexpected(asked.error());
  if (auto asked = AskTheMembers(self, view); !asked) return tl::unexpected(asked.error());
  return view;
}

Status Lookup::AskTheSentinels(View& view) {
  const auto registered = registry_.ListSentinels(Watch::kYes);
  if (!registered) return tl::unexpected(registered.error());
  sentinels_ = registry::PeersIn(*registered);
  std::vector<redis::SentinelReport> reports;
  for (auto& report : redis::AskSentinels(sentinels_, options_.common.sentinel, options_.common.master_name,
                                          kProbeTimeout)) {
    if (report) {
      reports.push_back(std::move(*report));
    } else {
      Report(report.error());
    }
  }
  view.sentinels_answering = reports.size();
  view.sentinels_say = redis::FindMajority(reports, sentinels_.size());
  for (const auto& report : reports) {
    view.highest_epoch = std::max(view.highest_epoch, report.config_epoch);
    const bool sees_it = !report.master_down && report.master_connected;
    if (sees_it && report.master != view.self && !view.living.contains(report.master))
      ++view.sentinels_seeing_master;
  }
  return {};
}

Status Lookup::AskTheMembers(const registry::Member& self, View& view) {
  const std::string& group = options_.common.master_name;
  const auto members = registry_.ListMembers(group, Watch::kYes);
  if (!members) return tl::unexpected(members.error());
  const auto known = registry_.ListDatasets(group);
  if (!known && known.error().kind != ErrorKind::kNotFound) return tl::unexpected(known.error());
  auto history = registry_.ReadHistory(group);
  if (!history) return tl::unexpected(history.error());
  view.history = std::move(*history);
  // What Sentinels that are gone may have voted in.
  if (const auto seats = registry_.ListSeats()) {
    for (const auto& seat : *seats) view.highest_epoch = std::max(view.highest_epoch, seat.epoch);
  }

  std::set<Endpoint> asked_for;
  std::set<Endpoint> serving;
  std::vector<registry::Member> present{self};
  for (const auto& member : *members) {
    // Our own predecessor on this address, which ZooKeeper has not given up yet.
    if (member.endpoint == view.self) continue;
    if (member.serving) {
      serving.insert(member.endpoint);
      view.found_by_living[member.endpoint] = member.dataset;
    } else {
      view.starting.push_back(member);
    }
    asked_for.insert(member.endpoint);
    present.push_back(member);
  }
  others_.assign(serving.begin(), serving.end());
  if (view.sentinels_say) asked_for.insert(view.sentinels_say->master);
  asked_for.erase(view.self);
  const std::vector<Endpoint> asked(asked_for.begin(), asked_for.end());
  const auto infos = redis::AskServerInfos(asked, options_.common.redis, kProbeTimeout);
  for (std::size_t i = 0; i < asked.size(); ++i) {
    if (infos[i]) {
      view.living.insert_or_assign(asked[i], *infos[i]);
      // It has begun to serve since it was read, or its wrapper is one that does not say so.
      std::erase_if(view.starting, [&](const auto& member) { return member.endpoint == asked[i]; });
    } else {
      Report(infos[i].error());
      if (serving.contains(asked[i])) view.silent.push_back(asked[i]);
    }
  }
  view.awaited = FindAwaited(known.value_or(std::vector<registry::KnownDataset>{}), present, view.history);
  return {};
}

Status Lookup::Refresh(const Endpoint& self) {
  const auto registered = registry_.ListSentinels(Watch::kYes);
  if (!registered) return tl::unexpected(registered.error());
  const auto members = registry_.ListMembers(options_.common.master_name, Watch::kYes);
  if (!members) return tl::unexpected(members.error());
  sentinels_ = registry::PeersIn(*registered);
  others_.clear();
  for (const auto& member : *members) {
    if (member.serving && member.endpoint != self) others_.push_back(member.endpoint);
  }
  return {};
}

void Lookup::Report(const Error& error) {
  if (error.kind != ErrorKind::kRefused) {
    log::Debug("{}", error.message);
  } else if (reported_.insert(error.message).second) {
    log::Warn("{}", error.message);
  }
}

}  // namespace redis_zk::redis_wrapper
