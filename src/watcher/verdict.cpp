#include "watcher/verdict.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

namespace redis_zk::watcher {

namespace {

Verdict Keep(std::string reason) { return {.reason = std::move(reason)}; }

Verdict Change(const Endpoint& master, std::uint64_t epoch, std::string reason) {
  return {.master = master, .epoch = epoch, .reason = std::move(reason)};
}

bool IsTrue(const store::Record& record, const sentinel::MajorityMaster& majority) {
  return record.state == store::Record::State::kMaster && record.master == majority.master &&
         record.lineage_fits && record.epoch == majority.config_epoch;
}

bool HasOlderEpoch(const sentinel::SentinelReport& one, const sentinel::SentinelReport& other) {
  return one.config_epoch < other.config_epoch;
}

bool AgreesWith(const store::Record& record, const sentinel::SentinelReport& report) {
  return record.state == store::Record::State::kMaster && report.master == record.master &&
         report.config_epoch == record.epoch;
}

// The newest report that needs no majority, if its epoch is at least that and no other report disputes whose
// epoch it is. Who only repeats the record says nothing of what came after it.
const sentinel::SentinelReport* FindProof(const Evidence& evidence, std::uint64_t least_epoch) {
  const sentinel::SentinelReport* newest = nullptr;
  for (const auto& report : evidence.reports) {
    if (!report.identified || !evidence.members.contains(report.master)) continue;
    if (store::IsAheadOfSentinels(evidence.record) && AgreesWith(evidence.record, report)) continue;
    if (newest == nullptr || HasOlderEpoch(*newest, report)) newest = &report;
  }
  if (newest == nullptr || newest->config_epoch < least_epoch) return nullptr;
  const bool disputed =
      std::any_of(evidence.reports.begin(), evidence.reports.end(), [&](const auto& report) {
        if (store::IsAheadOfSentinels(evidence.record) && AgreesWith(evidence.record, report)) return false;
        return report.config_epoch == newest->config_epoch && report.master != newest->master;
      });
  return disputed ? nullptr : newest;
}

}  // namespace

bool IsInDoubt(const Evidence& evidence) {
  const auto& record = evidence.record;
  if (record.state != store::Record::State::kMaster || !record.lineage_fits) return true;
  return std::any_of(evidence.reports.begin(), evidence.reports.end(), [&record](const auto& report) {
    return report.master != record.master || report.config_epoch != record.epoch;
  });
}

std::set<Endpoint> WhomToAsk(const Evidence& evidence) {
  const auto& record = evidence.record;
  const auto majority = sentinel::FindMajority(evidence.reports, evidence.registered);
  if (!majority || IsTrue(record, *majority)) return {};
  std::set<Endpoint> servers{majority->master};
  if (record.state == store::Record::State::kMaster) servers.insert(record.master);
  return servers;
}

Verdict Judge(const Evidence& evidence) {
  const auto& [record, reports, registered, acting_masters, members, about_to_act, strangers] = evidence;
  if (reports.empty()) return Keep("no Sentinel answers");
  const std::uint64_t least_epoch = store::LeastEpoch(record);
  if (const auto* proof = FindProof(evidence, least_epoch)) {
    return Change(
        proof->master, proof->config_epoch,
        fmt::format("Sentinel {} reports epoch {}", proof->sentinel.ToAddress(), proof->config_epoch));
  }

  const auto majority = sentinel::FindMajority(reports, registered);
  if (!majority) return Keep("no majority of the registered Sentinels names the same master");
  const bool same_master = record.state == store::Record::State::kMaster && record.master == majority->master;
  if (IsTrue(record, *majority)) {
    // From now on it is an ordinary one: a Sentinel that names another at the same epoch is late.
    if (record.origin == store::Origin::kUnelected)
      return Change(record.master, record.epoch, "most Sentinels have taken over this master");
    return {.reason = "the record is right: most Sentinels name its master", .agreed = true};
  }
  const std::string named =
      fmt::format("{} of {} Sentinels name {}", majority->votes, registered, majority->master.ToAddress());
  const std::uint64_t newest_epoch =
      std::max_element(reports.begin(), reports.end(), HasOlderEpoch)->config_epoch;
  if (majority->config_epoch < newest_epoch) {
    return Keep(fmt::format("{}, but another Sentinel reports the newer epoch {}", named, newest_epoch));
  }
  if (majority->config_epoch < record.epoch && majority->votes < registered) {
    return Keep(fmt::format("{}, but report only the older epoch {}", named, majority->config_epoch));
  }
  if (!acting_masters.contains(majority->master)) return Keep(named + ", but it does not answer as a master");
  if (same_master) return Change(majority->master, majority->config_epoch, named);
  if (strangers.contains(majority->master))
    return Keep(named + ", which is not registered in this group and holds data of another one");
  const bool acts = acting_masters.contains(record.master);
  // Of a recovery or a cold start they know nothing by themselves, of a promotion they hear within a second,
  // and they are told in a moment. A recovery is recorded before its server is promoted, and the old master
  // may be back just then.
  if (store::IsAheadOfSentinels(record) && majority->config_epoch < record.epoch && (acts || about_to_act)) {
    return Keep(fmt::format(
        "{}, but report only the older epoch {}, and the recorded master, of which they have yet to hear, {}",
        named, majority->config_epoch,
        acts ? "acts as a master" : "is a replica that is about to be promoted"));
  }
  if (!acts) return Change(majority->master, majority->config_epoch, named);
  if (members.contains(record.master) && !members.contains(majority->master)) {
    return Keep(fmt::format(
        "{}, which is not registered in this group; the recorded master is registered and acts as a master",
        named));
  }
  const bool all = majority->votes == registered;
  if (!all && record.lineage_fits && majority->config_epoch < least_epoch) {
    return Keep(named + ", but the recorded master still acts as a master");
  }
  return Change(majority->master, majority->config_epoch, named);
}

}  // namespace redis_zk::watcher
