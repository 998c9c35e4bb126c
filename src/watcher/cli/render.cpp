#include "watcher/cli/render.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <nlohmann/json.hpp>

#include "base/printable.h"

namespace redis_zk::watcher::cli {

namespace {

using Json = nlohmann::json;

constexpr bool kNoExceptions = false;
constexpr std::size_t kMostOfALine = 2000;
constexpr std::size_t kLeastGroupWidth = 8;
constexpr std::size_t kFailoversShown = 3;
constexpr std::size_t kHistoryShown = 5;
const Json kNone;

// Readers that take whatever stands there: what is missing or of another type reads as nothing.
const Json& At(const Json& json, const char* key) {
  if (!json.is_object()) return kNone;
  const auto found = json.find(key);
  return found == json.end() ? kNone : *found;
}

std::string TextAt(const Json& json, const char* key) {
  const Json& value = At(json, key);
  return value.is_string() ? Printable(value.get_ref<const std::string&>(), kMostOfALine) : std::string();
}

std::int64_t NumberAt(const Json& json, const char* key) {
  const Json& value = At(json, key);
  return value.is_number_integer() ? value.get<std::int64_t>() : 0;
}

std::size_t CountAt(const Json& json, const char* key) {
  return static_cast<std::size_t>(std::max<std::int64_t>(NumberAt(json, key), 0));
}

bool BoolAt(const Json& json, const char* key) {
  const Json& value = At(json, key);
  return value.is_boolean() && value.get<bool>();
}

Result<Json> Parse(std::string_view text) {
  Json json = Json::parse(text, nullptr, kNoExceptions);
  if (json.is_object()) return json;
  return Fail(ErrorKind::kProtocol,
              fmt::format("found \"{}\", expected a JSON object; is that a watcher?", Printable(text)));
}

Duration MillisecondsAt(const Json& json, const char* key) { return Duration(NumberAt(json, key)); }

std::string AddressOf(const Json& endpoint) {
  const std::string host = TextAt(endpoint, "host");
  const bool is_ipv6 = host.find(':') != std::string::npos;
  return fmt::format("{}{}{}:{}", is_ipv6 ? "[" : "", host, is_ipv6 ? "]" : "", NumberAt(endpoint, "port"));
}

// "host port", "host:port", or an object.
std::string AnyAddressAt(const Json& json, const char* key) {
  if (At(json, key).is_object()) return AddressOf(At(json, key));
  std::string text = TextAt(json, key);
  if (const auto blank = text.find(' '); blank != std::string::npos) text[blank] = ':';
  return text;
}

std::string TimeAt(const Json& json, const char* key) {
  const auto seconds = static_cast<std::time_t>(NumberAt(json, key) / 1000);
  std::tm local{};
  if (localtime_r(&seconds, &local) == nullptr) return "?";
  return fmt::format("{:%Y-%m-%d %H:%M:%S}", local);
}

std::string SizeOf(const Json& server) {
  std::string size = fmt::format("{}, {}", Counted(CountAt(server, "keys"), "key"),
                                 InBytes(NumberAt(server, "used_memory")));
  if (const auto most = NumberAt(server, "max_memory"); most > 0) size += " of " + InBytes(most);
  return size;
}

// Its address stands beside it.
std::string ErrorOf(const Json& server) {
  std::string error = TextAt(server, "error");
  const std::string address = AddressOf(server) + ": ";
  if (error.starts_with(address)) error.erase(0, address.size());
  return error;
}

Cell MasterState(const Json& master) {
  if (!BoolAt(master, "answers"))
    return {"silent for " + InSeconds(MillisecondsAt(master, "silent_ms")), Color::kBad};
  if (BoolAt(master, "loading")) return {"loads its data", Color::kBad};
  if (TextAt(master, "role") != "master") return {"is a replica", Color::kBad};
  return {"answers", Color::kGood};
}

Cell ReplicaState(const Json& replica) {
  if (!BoolAt(replica, "answers"))
    return {"silent for " + InSeconds(MillisecondsAt(replica, "silent_ms")), Color::kBad};
  if (BoolAt(replica, "loading")) return {"loads its data", Color::kBad};
  if (BoolAt(replica, "synchronising")) return {"copies the data", Color::kBad};
  if (TextAt(replica, "role") == "master") return {"acts as master", Color::kBad};
  if (!BoolAt(replica, "link_up"))
    return {"no link for " + InSeconds(MillisecondsAt(replica, "link_down_ms")), Color::kBad};
  if (!At(replica, "lag_bytes").is_number()) return {"linked", Color::kPlain};
  const auto lag = NumberAt(replica, "lag_bytes");
  return {lag == 0 ? "in step" : InBytes(lag) + " behind", Color::kGood};
}

Cell SentinelState(const Json& group, const Json& sentinel) {
  const Json& believes = At(sentinel, "believes");
  if (!believes.is_object()) return {TextAt(sentinel, "error"), Color::kBad};
  if (BoolAt(believes, "failover_in_progress")) return {"fails over", Color::kBad};
  const Json& recorded = At(At(group, "record"), "master");
  if (!recorded.is_object() || AddressOf(recorded) != AddressOf(At(believes, "master")))
    return {"says " + AddressOf(At(believes, "master")), Color::kBad};
  if (BoolAt(believes, "master_down")) return {"says it is down", Color::kBad};
  return {"agrees", Color::kGood};
}

std::string WhatSentinelCounts(const Json& group, const Json& sentinel) {
  const Json& believes = At(sentinel, "believes");
  if (!believes.is_object()) return "";
  const auto epoch = NumberAt(believes, "epoch");
  return fmt::format("{}quorum {}, {}, {}",
                     epoch == NumberAt(At(group, "record"), "epoch") ? "" : fmt::format("epoch {}, ", epoch),
                     NumberAt(believes, "quorum"), Counted(CountAt(believes, "replicas"), "replica"),
                     Counted(CountAt(believes, "other_sentinels"), "peer"));
}

Row FailoverRow(const Json& failover) {
  std::string text = fmt::format("{} to {}", TextAt(failover, "from"), TextAt(failover, "to"));
  if (At(failover, "outage_ms").is_number())
    text += ", after an outage of " + InSeconds(MillisecondsAt(failover, "outage_ms"));
  if (const auto reason = TextAt(failover, "reason"); !reason.empty()) text += ": " + reason;
  return {{TimeAt(failover, "time")}, {text}};
}

std::string RenderWarnings(const Json& warnings, std::size_t indent, const Look& look, std::size_t* count) {
  std::string text;
  if (!warnings.is_array()) return text;
  for (const auto& warning : warnings) {
    if (!warning.is_string()) continue;
    ++*count;
    text += RenderSentence(
        {"! " + Printable(warning.get_ref<const std::string&>(), kMostOfALine), Color::kBad}, indent, look);
  }
  return text;
}

std::string RenderGroup(const Json& group, const Look& look, std::size_t* warnings) {
  const Json& record = At(group, "record");
  const std::string name =
      look.colored ? fmt::format("\x1b[1m{}\x1b[0m", TextAt(group, "name")) : TextAt(group, "name");
  std::string text = fmt::format("{}, epoch {}\n", name, NumberAt(record, "epoch"));
  text += RenderWarnings(At(group, "warnings"), 2, look, warnings);
  std::vector<Row> rows;
  const Json& master = At(group, "master");
  if (master.is_object()) {
    rows.push_back({{"master"},
                    {AddressOf(master), Color::kStrong},
                    MasterState(master),
                    {BoolAt(master, "answers") ? SizeOf(master) : ErrorOf(master)}});
  } else if (At(record, "master").is_object()) {
    rows.push_back({{"master"}, {AddressOf(At(record, "master")), Color::kStrong}, {"not asked yet"}});
  } else {
    rows.push_back({{"master"}, {"none"}, {"none is recorded", Color::kBad}});
  }
  for (const auto& replica : At(group, "replicas")) {
    rows.push_back({{"replica"},
                    {AddressOf(replica)},
                    ReplicaState(replica),
                    {BoolAt(replica, "answers") ? SizeOf(replica) : ErrorOf(replica)}});
  }
  for (const auto& member : At(group, "waiting")) {
    const auto bytes = NumberAt(member, "data_bytes");
    rows.push_back({{"waiting"},
                    {AddressOf(member)},
                    {"for " + InSeconds(MillisecondsAt(member, "waiting_ms"))},
                    {bytes == 0 ? "no data on its disk" : InBytes(bytes) + " on its disk"}});
  }
  for (const auto& sentinel : At(group, "sentinels")) {
    rows.push_back({{"Sentinel"},
                    {AddressOf(sentinel)},
                    SentinelState(group, sentinel),
                    {WhatSentinelCounts(group, sentinel)}});
  }
  text += RenderTable(rows, 2, look);
  const Json& failovers = At(group, "failovers");
  if (!failovers.is_array() || failovers.empty()) return text;
  std::vector<Row> last;
  for (auto failover = failovers.rbegin(); failover != failovers.rend() && last.size() < kFailoversShown;
       ++failover)
    last.push_back(FailoverRow(*failover));
  return text +
         fmt::format("  changes of the master, {}newest first\n",
                     failovers.size() > last.size() ? fmt::format("{} in all, ", failovers.size()) : "") +
         RenderTable(last, 4, look);
}

std::string EventLine(const Json& event) {
  const std::string group = TextAt(event, "group");
  std::string sentence = TextAt(event, "sentence");
  // The group has a column of its own.
  if (!group.empty() && sentence.starts_with(group + ": ")) sentence.erase(0, group.size() + 2);
  return fmt::format("{}  {:<{}}  {}", TimeAt(event, "time"), group.empty() ? "-" : group, kLeastGroupWidth,
                     sentence);
}

std::string RenderHistory(const Json& history, const Look& look) {
  if (!history.is_array() || history.empty()) return "";
  std::string text = "\nevent log in ZooKeeper, newest first\n";
  std::size_t shown = 0;
  for (auto entry = history.rbegin(); entry != history.rend() && shown < kHistoryShown; ++entry, ++shown)
    text += RenderSentence({EventLine(*entry), Color::kPlain}, 2, look);
  return text;
}

}  // namespace

Result<Rendered> RenderStatusTable(std::string_view json, const Look& look) {
  const auto status = Parse(json);
  if (!status) return tl::unexpected(status.error());
  Rendered rendered;
  rendered.text = RenderWarnings(At(*status, "warnings"), 0, look, &rendered.warnings);
  for (const auto& group : At(*status, "groups")) {
    if (!rendered.text.empty()) rendered.text += '\n';
    rendered.text += RenderGroup(group, look, &rendered.warnings);
  }
  rendered.text += RenderHistory(At(*status, "history"), look);
  return rendered;
}

Result<std::string> RenderFailover(std::string_view json) {
  const auto done = Parse(json);
  if (!done) return tl::unexpected(done.error());
  std::string text = fmt::format("{} is the master, before {}; it took {}", AnyAddressAt(*done, "to"),
                                 AnyAddressAt(*done, "from"), InSeconds(MillisecondsAt(*done, "took_ms")));
  if (At(*done, "paused_ms").is_number())
    text += fmt::format(", writes were paused for {}", InSeconds(MillisecondsAt(*done, "paused_ms")));
  return text + fmt::format(", epoch {}", NumberAt(*done, "epoch"));
}

std::string PrintableLines(std::string_view text) {
  std::string lines;
  while (!text.empty()) {
    const auto end = text.find('\n');
    lines += Printable(text.substr(0, end), kMostOfALine) + '\n';
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return lines;
}

std::vector<ToldEvent> EventParser::Take(std::string_view piece) {
  constexpr std::string_view kId = "id: ";
  constexpr std::string_view kData = "data: ";
  std::vector<ToldEvent> events;
  rest_ += piece;
  std::size_t begin = 0;
  for (auto end = rest_.find('\n'); end != std::string::npos; end = rest_.find('\n', begin)) {
    const auto line = std::string_view(rest_).substr(begin, end - begin);
    begin = end + 1;
    if (line.starts_with(kId)) event_.id = line.substr(kId.size());
    if (line.starts_with(kData)) event_.data = line.substr(kData.size());
    if (line.empty()) {
      if (!event_.data.empty()) events.push_back(std::move(event_));
      event_ = {};
    }
  }
  rest_.erase(0, begin);
  return events;
}

Result<std::string> RenderEventLine(std::string_view json) {
  const auto event = Parse(json);
  if (!event) return tl::unexpected(event.error());
  return EventLine(*event);
}

}  // namespace redis_zk::watcher::cli
