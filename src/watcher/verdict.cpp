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

bool IsTrue(const registry::Record& record, const redis::MajorityMaster& majority) {
  return record.state == registry::Record::State::kMaster && record.master == majority.master &&
         record.lineage_fits && record.epoch == majority.config_epoch;
}

}  // namespace

std::set<Endpoint> WhomToAsk(const Evidence& evidence) {
  const auto& record = evidence.record;
  const auto majority = redis::FindMajority(evidence.reports, evidence.registered);
  if (!majority || IsTrue(record, *majority)) return {};
  std::set<Endpoint> servers{majority->master};
  if (record.state == registry::Record::State::kMaster) servers.insert(record.master);
  return servers;
}

Verdict Judge(const Evidence& evidence) {
  const auto& [record, reports, registered, acting_masters] = evidence;
  if (reports.empty()) return Keep("no Sentinel answers");
  const auto& newest = *std::max_element(reports.begin(), reports.end(), [](const auto& a, const auto& b) {
    return a.config_epoch < b.config_epoch;
  });
  const bool disputed = std::any_of(reports.begin(), reports.end(), [&newest](const auto& report) {
    return report.config_epoch == newest.config_epoch && report.master != newest.master;
  });
  // A record that somebody wrote without an epoch gives way to the newest epoch that was ever recorded, too.
  // Epoch 0 is no failover's, so it proves nothing.
  const std::uint64_t least_epoch =
      record.lineage_fits ? record.epoch + 1 : std::max<std::uint64_t>(record.epoch, 1);
  if (newest.config_epoch >= least_epoch && !disputed) {
    return Change(
        newest.master, newest.config_epoch,
        fmt::format("Sentinel {} has seen epoch {}", newest.sentinel.ToAddress(), newest.config_epoch));
  }

  const auto majority = redis::FindMajority(reports, registered);
  if (!majority) return Keep("no majority of the registered Sentinels names the same master");
  const bool same_master =
      record.state == registry::Record::State::kMaster && record.master == majority->master;
  if (IsTrue(record, *majority)) return {.reason = "the record is true", .agreed = true};
  const std::string named =
      fmt::format("{} of {} Sentinels name {}", majority->votes, registered, majority->master.ToAddress());
  if (majority->config_epoch < newest.config_epoch) {
    return Keep(fmt::format("{}, but are about to learn epoch {}", named, newest.config_epoch));
  }
  if (majority->config_epoch < record.epoch && majority->votes < registered) {
    return Keep(fmt::format("{}, but know only epoch {}", named, majority->config_epoch));
  }
  if (!acting_masters.contains(majority->master)) return Keep(named + ", but it does not answer as master");
  const bool all = majority->votes == registered;
  if (!same_master && !all && record.lineage_fits && acting_masters.contains(record.master)) {
    return Keep(named + ", but the recorded master acts as one");
  }
  return Change(majority->master, majority->config_epoch, named);
}

}  // namespace redis_zk::watcher
