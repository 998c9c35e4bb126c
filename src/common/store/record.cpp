#include "store/record.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "base/json.h"
#include "base/printable.h"
#include "store/server_object.h"

namespace redis_zk::store {

namespace {

// Origins, as they are written.
constexpr const char* kPromoted = "promoted";
constexpr const char* kUnelected = "unelected";

Result<std::uint64_t> EpochAt(const Json& json) {
  const auto epoch = json.At("epoch").number();
  if (!epoch || *epoch < 0 || static_cast<std::uint64_t>(*epoch) > kMostReadEpoch)
    return Fail(ErrorKind::kInvalid, fmt::format("a whole number \"epoch\" of at most {}", kMostReadEpoch));
  return static_cast<std::uint64_t>(*epoch);
}

Json ToJson(const Dataset& dataset) {
  Json json{{"replication_id", dataset.replication_id},
            {"previous_id", dataset.previous_id},
            {"offset", dataset.offset},
            {"bytes", dataset.bytes}};
  if (!dataset.copy_of.empty()) json["copy_of"] = dataset.copy_of;
  return json;
}

// What is missing or of another type counts as unknown: a wrapper of another version wrote it.
std::optional<Dataset> DatasetAt(const Json& json, const char* key) {
  const Json& found = json.At(key);
  if (!found.is_object()) return std::nullopt;
  return Dataset{.replication_id = found.TextAt("replication_id"),
                 .previous_id = found.TextAt("previous_id"),
                 .copy_of = found.TextAt("copy_of"),
                 .offset = found.NumberAt("offset"),
                 .bytes = static_cast<std::uint64_t>(found.NaturalAt("bytes"))};
}

// The wrappers of other versions say nothing of it.
std::int64_t PriorityAt(const Json& json) {
  const auto priority = json.At("priority").number();
  return priority && *priority >= 0 ? *priority : kDefaultPriority;
}

constexpr const char* kDamaged = "damaged";
constexpr const char* kNewerFormat = "newer-format";

Json ToJson(const FailedLoads& failed) {
  Json json{{"count", failed.count}, {"last_exit", failed.last_exit}, {"files", failed.files}};
  if (failed.ends > 0) json["ends"] = failed.ends;
  if (failed.begun) json["begun"] = true;
  if (failed.cause == redis::LoadCause::kDamaged) json["cause"] = kDamaged;
  if (failed.cause == redis::LoadCause::kNewerFormat) json["cause"] = kNewerFormat;
  return json;
}

FailedLoads FailedLoadsAt(const Json& json) {
  const Json& found = json.At("failed_loads");
  const std::string cause = found.TextAt("cause");
  return {.count = found.NaturalAt("count"),
          .cause = cause == kDamaged       ? redis::LoadCause::kDamaged
                   : cause == kNewerFormat ? redis::LoadCause::kNewerFormat
                                           : redis::LoadCause::kUnknown,
          .last_exit = static_cast<int>(std::clamp<std::int64_t>(found.NumberAt("last_exit"), 0, 255)),
          .ends = found.NaturalAt("ends"),
          .begun = found.BoolAt("begun"),
          .files = found.NumberAt("files")};
}

}  // namespace

std::string Render(const Lineage& lineage) {
  Json json{{"epoch", lineage.epoch}, {"master", lineage.master}, {"reason", lineage.reason}};
  if (lineage.origin == Origin::kPromoted) json["origin"] = kPromoted;
  if (lineage.origin == Origin::kUnelected) json["origin"] = kUnelected;
  return json.Dump();
}

Result<Lineage> ParseLineage(std::string_view text) {
  const auto object = Json::ParseObject(text);
  if (!object) return tl::unexpected(object.error());
  const Json& json = *object;
  const auto epoch = EpochAt(json);
  if (!epoch) return tl::unexpected(epoch.error());
  const std::string origin = json.TextAt("origin");
  return Lineage{*epoch, json.TextAt("master"), json.TextAt("reason"),
                 origin == kPromoted    ? Origin::kPromoted
                 : origin == kUnelected ? Origin::kUnelected
                                        : Origin::kNamed};
}

Record Replaced(const Record& replaced, const NextRecord& next) {
  return {.state = Record::State::kMaster,
          .master = next.master,
          .version = replaced.version + 1,
          .epoch = next.epoch,
          .lineage_fits = true,
          .origin = next.origin,
          .reason = next.reason};
}

Record ParseMasterRecord(std::string_view text) {
  Record record;
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) return record;
  if (const auto master = ParseRecord(text)) {
    record.state = Record::State::kMaster;
    record.master = *master;
  } else {
    record.state = Record::State::kUnreadable;
    record.found = Printable(text);
  }
  return record;
}

std::string Render(const Member& member) {
  Json json{{"endpoint", member.endpoint.ToRecord()},
            {"node", member.node},
            {"dataset", ToJson(member.dataset)},
            {"serving", member.serving}};
  if (member.incomplete) json["incomplete"] = true;
  if (member.hanging) json["hanging"] = ToJson(*member.hanging);
  if (member.priority != kDefaultPriority) json["priority"] = member.priority;
  if (!member.version.empty()) json["version"] = member.version;
  return json.Dump();
}

Result<Member> ParseMember(std::string_view text) {
  auto object = ParseServerObject(text);
  if (!object) return tl::unexpected(object.error());
  auto& [endpoint, json] = *object;
  return Member{.endpoint = std::move(endpoint),
                .node = json.TextAt("node"),
                .dataset = DatasetAt(json, "dataset").value_or(Dataset{}),
                .serving = json.BoolAt("serving"),
                .incomplete = json.BoolAt("incomplete"),
                .hanging = DatasetAt(json, "hanging"),
                .priority = PriorityAt(json),
                .version = VersionAt(json)};
}

std::string Render(const KnownDataset& known) {
  Json json{{"endpoint", known.endpoint.ToRecord()}, {"dataset", ToJson(known.dataset)}};
  if (known.failed.tried()) json["failed_loads"] = ToJson(known.failed);
  if (known.priority != kDefaultPriority) json["priority"] = known.priority;
  return json.Dump();
}

Result<KnownDataset> ParseKnownDataset(std::string_view text) {
  auto object = ParseServerObject(text);
  if (!object) return tl::unexpected(object.error());
  auto& [endpoint, json] = *object;
  return KnownDataset{.endpoint = std::move(endpoint),
                      .dataset = DatasetAt(json, "dataset").value_or(Dataset{}),
                      .failed = FailedLoadsAt(json),
                      .priority = PriorityAt(json)};
}

std::string Render(const History& history) {
  Json ancestors = Json::Array();
  for (const auto& [replication_id, until] : history.ancestors)
    ancestors.Append({{"replication_id", replication_id}, {"until", until}});
  Json json{{"replication_id", history.replication_id},
            {"offset", history.offset},
            {"ancestors", std::move(ancestors)}};
  if (!history.node.empty()) json["node"] = history.node;
  return json.Dump();
}

Result<History> ParseHistory(std::string_view text) {
  const auto object = Json::ParseObject(text);
  if (!object) return tl::unexpected(object.error());
  const Json& json = *object;
  History history{.replication_id = json.TextAt("replication_id"),
                  .offset = json.NumberAt("offset"),
                  .node = json.TextAt("node")};
  for (const auto& chapter : json.At("ancestors").elements()) {
    if (chapter.TextAt("replication_id").empty()) continue;
    history.ancestors.push_back({chapter.TextAt("replication_id"), chapter.NumberAt("until")});
  }
  return history;
}

std::string Render(const Identity& identity) {
  Json json{{"endpoint", identity.endpoint.ToRecord()}, {"epoch", identity.epoch}};
  if (!identity.version.empty()) json["version"] = identity.version;
  return json.Dump();
}

Result<Identity> ParseIdentity(std::string_view text) {
  auto object = ParseServerObject(text);
  if (!object) return tl::unexpected(object.error());
  auto& [endpoint, json] = *object;
  // One that is left out would be nobody's for ever: it is written again with the next election.
  return Identity{
      .endpoint = std::move(endpoint), .epoch = EpochAt(json).value_or(0), .version = VersionAt(json)};
}

std::uint64_t FleetEpoch(const std::vector<Identity>& identities, std::uint64_t known_epoch) {
  std::uint64_t epoch = known_epoch;
  for (const auto& identity : identities) epoch = std::max(epoch, TellableEpoch(identity.epoch));
  return epoch;
}

}  // namespace redis_zk::store
