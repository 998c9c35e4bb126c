#include "failover/appointment.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstdint>

#include "base/log.h"
#include "sentinel/client.h"

namespace redis_zk::failover {

namespace {

struct Appointment {
  Endpoint sentinel;        // leads the failover
  std::uint64_t epoch = 0;  // of the configuration that comes of it
};

// Nothing: no Sentinel of ours says so, or it knows by now.
std::optional<Appointment> FindAppointment(redis::Servers& sentinels,
                                           const std::vector<sentinel::Peer>& registered,
                                           const std::string& group, const Endpoint& promoted) {
  for (const auto& answers : sentinel::AskAboutGroups(sentinels, registered, {group})) {
    const auto& answer = answers.front();
    if (!answer || !answer->report.identified || !answer->report.failover_in_progress) continue;
    if (answer->report.master == promoted) continue;
    const auto& replicas = answer->replicas;
    const bool chosen = std::any_of(replicas.begin(), replicas.end(), [&promoted](const auto& replica) {
      return replica.promoted && replica.endpoint == promoted;
    });
    if (!chosen) continue;
    const auto vote = sentinel::AskVotes(sentinels, {answer->report.sentinel}, answer->report.master).front();
    // One that has voted for another since then no longer says in which epoch it was elected.
    if (vote && vote->leader == answer->report.id)
      return Appointment{.sentinel = answer->report.sentinel, .epoch = vote->epoch};
  }
  return std::nullopt;
}

}  // namespace

std::optional<store::Record> RecordAppointed(redis::Servers& sentinels,
                                             const std::vector<sentinel::Peer>& registered,
                                             const std::string& group, const Endpoint& promoted,
                                             const store::Record& replaced, store::Registry& registry,
                                             const std::string& by) {
  const auto appointment = FindAppointment(sentinels, registered, group, promoted);
  if (!appointment || appointment->epoch <= replaced.epoch) return std::nullopt;
  const store::NextRecord next{
      .master = promoted,
      .epoch = appointment->epoch,
      .reason = fmt::format("Sentinel {} has promoted it", appointment->sentinel.ToAddress()),
      .origin = store::Origin::kPromoted};
  const std::string master = promoted.ToAddress();
  if (const auto written = registry.records.Write(group, replaced, next, /*lock_node=*/""); !written) {
    log::Debug({.event = "promotion-not-recorded", .group = group, .peer = master, .epoch = next.epoch},
               "cannot record {} as the master: {}; left to the watcher", master, written.error().message);
    return std::nullopt;
  }
  log::Info({.event = "promotion-recorded", .group = group, .peer = master, .epoch = next.epoch},
            "recorded {} as the master: {}", master, next.reason);
  auto record = store::Replaced(replaced, next);
  registry.event_log.Add(store::MasterChanged(group, replaced, record, by));
  return record;
}

}  // namespace redis_zk::failover
