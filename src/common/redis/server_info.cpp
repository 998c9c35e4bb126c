#include "redis/server_info.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

namespace redis_zk::redis {

namespace {

// Names and values, found by name; of two of one name the first. A server's INFO has some two hundred, and a
// watcher reads one of each server of its fleet every other second.
class Fields {
 public:
  using Field = std::pair<std::string_view, std::string_view>;

  explicit Fields(std::vector<Field> fields) : sorted_(std::move(fields)) {
    std::stable_sort(sorted_.begin(), sorted_.end(),
                     [](const Field& one, const Field& other) { return one.first < other.first; });
  }

  const std::string_view* Find(std::string_view name) const {
    const auto found =
        std::lower_bound(sorted_.begin(), sorted_.end(), name,
                         [](const Field& field, std::string_view wanted) { return field.first < wanted; });
    return found != sorted_.end() && found->first == name ? &found->second : nullptr;
  }
  auto begin() const { return sorted_.begin(); }
  auto end() const { return sorted_.end(); }

 private:
  std::vector<Field> sorted_;
};

Fields Split(std::string_view info) {
  std::vector<Fields::Field> fields;
  fields.reserve(static_cast<std::size_t>(std::count(info.begin(), info.end(), '\n')));
  while (!info.empty()) {
    const auto end = info.find('\n');
    std::string_view line = info.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (const auto colon = line.find(':'); colon != std::string_view::npos) {
      fields.emplace_back(line.substr(0, colon), line.substr(colon + 1));
    }
    if (end == std::string_view::npos) break;
    info.remove_prefix(end + 1);
  }
  return Fields(std::move(fields));
}

std::string_view TextAt(const Fields& fields, std::string_view key) {
  const auto* found = fields.Find(key);
  return found == nullptr ? std::string_view() : *found;
}

std::int64_t NumberAt(const Fields& fields, std::string_view key) {
  const std::string_view text = TextAt(fields, key);
  std::int64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

// The keyspace section: "db0:keys=12,expires=0,avg_ttl=0".
std::uint64_t CountKeys(const Fields& fields) {
  constexpr std::string_view kKeys = "keys=";
  std::uint64_t sum = 0;
  for (const auto& [name, value] : fields) {
    if (!name.starts_with("db") || !value.starts_with(kKeys)) continue;
    std::uint64_t keys = 0;
    std::from_chars(value.data() + kKeys.size(), value.data() + value.size(), keys);
    sum += keys;
  }
  return sum;
}

// "slave0:ip=10.0.0.2,port=6379,state=online,offset=1234,lag=0"; the names inside may come in any order.
std::optional<ReplicaOf> ParseReplica(std::string_view value) {
  std::vector<Fields::Field> parts;
  while (!value.empty()) {
    const auto comma = value.find(',');
    const std::string_view part = value.substr(0, comma);
    if (const auto equals = part.find('='); equals != std::string_view::npos)
      parts.emplace_back(part.substr(0, equals), part.substr(equals + 1));
    if (comma == std::string_view::npos) break;
    value.remove_prefix(comma + 1);
  }
  const Fields fields(std::move(parts));
  const auto endpoint = ParseRecord(fmt::format("{} {}", TextAt(fields, "ip"), TextAt(fields, "port")));
  if (!endpoint) return std::nullopt;
  return ReplicaOf{*endpoint, TextAt(fields, "state") == "online", NumberAt(fields, "offset")};
}

std::vector<ReplicaOf> ParseReplicas(const Fields& fields) {
  std::vector<ReplicaOf> replicas;
  for (std::size_t i = 0;; ++i) {
    const auto* found = fields.Find(fmt::format("slave{}", i));
    if (found == nullptr) return replicas;
    if (const auto replica = ParseReplica(*found)) replicas.push_back(*replica);
  }
}

}  // namespace

Result<ServerInfo> ParseServerInfo(std::string_view text) {
  const Fields fields = Split(text);
  ServerInfo info;
  const std::string_view role = TextAt(fields, "role");
  if (role == "slave") {
    info.role = Role::kReplica;
  } else if (role != "master") {
    return Fail(ErrorKind::kProtocol, "INFO has no role of master or slave");
  }
  info.process_id = NumberAt(fields, "process_id");
  info.run_id = TextAt(fields, "run_id");
  info.loading = NumberAt(fields, "loading") != 0;
  info.rewriting_aof =
      NumberAt(fields, "aof_rewrite_in_progress") != 0 || NumberAt(fields, "aof_rewrite_scheduled") != 0;
  info.aof_rewrite_failed = TextAt(fields, "aof_last_bgrewrite_status") == "err";
  info.keys = CountKeys(fields);
  info.used_memory = static_cast<std::uint64_t>(NumberAt(fields, "used_memory"));
  info.max_memory = static_cast<std::uint64_t>(NumberAt(fields, "maxmemory"));
  info.append_only = NumberAt(fields, "aof_enabled") != 0;
  info.unsaved_changes = NumberAt(fields, "rdb_changes_since_last_save");
  info.saving = NumberAt(fields, "rdb_bgsave_in_progress") != 0;
  info.save_failed = TextAt(fields, "rdb_last_bgsave_status") == "err";
  info.last_save = NumberAt(fields, "rdb_last_save_time");
  info.connected_replicas = static_cast<std::uint64_t>(NumberAt(fields, "connected_slaves"));
  info.replication_id = TextAt(fields, "master_replid");
  // Redis writes forty zeros for none.
  const std::string_view previous = TextAt(fields, "master_replid2");
  if (previous.find_first_not_of('0') != std::string_view::npos) {
    info.previous_replication_id = previous;
    // The first offset that is no longer the previous one's.
    info.previous_until = NumberAt(fields, "second_repl_offset") - 1;
  }
  info.data_offset = NumberAt(fields, "master_repl_offset");
  if (info.role == Role::kMaster) {
    info.replicas = ParseReplicas(fields);
    // Told only where min-replicas-to-write is set.
    if (fields.Find("min_slaves_good_slaves") != nullptr)
      info.good_replicas = static_cast<std::uint64_t>(NumberAt(fields, "min_slaves_good_slaves"));
    info.offset = info.data_offset;
  } else {
    info.offset = NumberAt(fields, "slave_repl_offset");
    if (fields.Find("slave_priority") != nullptr) info.priority = NumberAt(fields, "slave_priority");
    info.master = {CanonicalHost(TextAt(fields, "master_host")),
                   static_cast<std::uint16_t>(NumberAt(fields, "master_port"))};
    info.link_up = TextAt(fields, "master_link_status") == "up";
    // -1 before the first link.
    const std::int64_t seconds = NumberAt(fields, "master_link_down_since_seconds");
    info.link_down_for = std::chrono::seconds(std::max<std::int64_t>(seconds, 0));
    // -1 without a link.
    const std::int64_t silent = NumberAt(fields, "master_last_io_seconds_ago");
    info.link_silent_for = std::chrono::seconds(std::max<std::int64_t>(silent, 0));
    info.synchronising = NumberAt(fields, "master_sync_in_progress") != 0;
  }
  return info;
}

std::int64_t NumberIn(std::string_view info, std::string_view name) { return NumberAt(Split(info), name); }

std::string TextIn(std::string_view info, std::string_view name) {
  return std::string(TextAt(Split(info), name));
}

}  // namespace redis_zk::redis
