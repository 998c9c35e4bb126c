#include "sentinel-wrapper/rescue.h"

#include <fmt/core.h>

#include <utility>

namespace redis_zk::sentinel_wrapper {

namespace {

Finding No(std::string reason) { return {false, std::move(reason)}; }

constexpr const char* kGarbage = "the record's epoch is garbage";

bool CanBeTold(const store::Record& record) { return store::TellableEpoch(record.epoch) == record.epoch; }

}  // namespace

Finding IsBehind(const StuckView& view) {
  const auto& own = view.own;
  if (view.record.state != store::Record::State::kMaster || !store::IsAheadOfSentinels(view.record))
    return No("the record names no master ahead of the Sentinels");
  if (!CanBeTold(view.record)) return No(kGarbage);
  if (view.record.epoch <= own.config_epoch) return No("Sentinel knows a newer configuration");
  if (view.record.master == own.master) return No("the record names the same master");
  if (sentinel::HasChosen(view.replicas)) return No("it has chosen a replica");
  if (!view.recorded_acts) return No("the recorded master does not answer as master");
  return {true, fmt::format("it was recorded before any Sentinel named it, and this one still names {}",
                            own.master.ToAddress())};
}

Finding IsStuck(const StuckView& view) {
  const auto& own = view.own;
  if (!own.master_down) return No("its master is not down");
  if (own.failover_in_progress) return No("it is failing over");
  if (view.record.state != store::Record::State::kMaster) return No("the record names no master");
  if (view.record.master == own.master) return No("the record names the same master");
  if (!CanBeTold(view.record)) return No(kGarbage);
  // A hello of the same epoch does not move it, and alone it has no quorum for what it could promote.
  const bool same_epoch = view.record.epoch > 0 && view.record.epoch == own.config_epoch;
  for (const auto& replica : view.replicas) {
    if (!replica.down && !same_epoch)
      return No(fmt::format("it can promote {}", replica.endpoint.ToAddress()));
  }
  if (!view.recorded_acts) return No("the recorded master does not answer as master");
  return {true, fmt::format(
                    "its master {} is down, {}, and the record names {}, which acts as master",
                    own.master.ToAddress(),
                    same_epoch ? "its configuration has the record's epoch" : "it knows no reachable replica",
                    view.record.master.ToAddress())};
}

}  // namespace redis_zk::sentinel_wrapper
