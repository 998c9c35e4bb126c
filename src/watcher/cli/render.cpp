#include "watcher/cli/render.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <nlohmann/json.hpp>

#include "base/printable.h"

namespace redis_zk::watcher::cli {

namespace {

// As in web/json.cpp: the two are compiled together, and instantiate it once.
using Json = nlohmann::ordered_json;

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

Result<Json> Parse(std::string_view text) {
  Json json = Json::parse(text, nullptr, kNoExceptions);
  if (json.is_object()) return json;
  return Fail(ErrorKind::kProtocol,
              fmt::format("found \"{}\", expected a JSON object; is that a watcher?", Printable(text)));
}

std::string TimeAt(const Json& json, const char* key) {
  const auto seconds = static_cast<std::time_t>(NumberAt(json, key) / 1000);
  std::tm local{};
  if (localtime_r(&seconds, &local) == nullptr) return "?";
  return fmt::format("{:%Y-%m-%d %H:%M:%S}", local);
}

Color ColorAt(const Json& json, const char* key) {
  const std::string level = TextAt(json, key);
  return level == "good" ? Color::kGood : level == "bad" ? Color::kBad : Color::kPlain;
}

Row ServerRow(const char* role, const Json& server, Color color = Color::kPlain) {
  return {{role},
          {TextAt(server, "address"), color},
          {TextAt(server, "state"), ColorAt(server, "level")},
          {TextAt(server, "details")}};
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

// ", not writable for 7 s"; a watcher of an earlier version does not say.
std::string DescribeState(const Json& group, const Look& look) {
  const Json& state = At(group, "state");
  const Json& writable = At(state, "writable");
  if (!writable.is_boolean()) return "";
  std::string text = writable.get<bool>() ? "writable" : Painted("not writable", Color::kBad, look);
  if (At(state, "for_ms").is_number_integer()) {
    text += fmt::format(" for {}{}", At(state, "at_least") == true ? "at least " : "",
                        InSeconds(Duration(NumberAt(state, "for_ms"))));
  }
  return ", " + text;
}

std::string RenderGroup(const Json& group, const Look& look, std::size_t* warnings) {
  const Json& record = At(group, "record");
  const std::string name = Painted(TextAt(group, "name"), Color::kStrong, look);
  std::string text =
      fmt::format("{}, epoch {}{}\n", name, NumberAt(record, "epoch"), DescribeState(group, look));
  text += RenderWarnings(At(group, "warnings"), 2, look, warnings);
  std::vector<Row> rows;
  const Json& master = At(group, "master");
  rows.push_back(master.is_object() ? ServerRow("master", master, Color::kStrong)
                                    : Row{{"master"}, {"none"}, {TextAt(group, "summary"), Color::kBad}});
  for (const auto& replica : At(group, "replicas")) rows.push_back(ServerRow("replica", replica));
  for (const auto& member : At(group, "waiting")) rows.push_back(ServerRow("waiting", member));
  for (const auto& sentinel : At(group, "sentinels")) rows.push_back(ServerRow("Sentinel", sentinel));
  text += RenderTable(rows, 2, look);
  const Json& failovers = At(group, "failovers");
  if (!failovers.is_array() || failovers.empty()) return text;
  std::vector<Row> last;
  for (auto failover = failovers.rbegin(); failover != failovers.rend() && last.size() < kFailoversShown;
       ++failover)
    last.push_back({{TimeAt(*failover, "time")}, {TextAt(*failover, "sentence")}});
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

// What is remarkable about the wrappers; a watcher of an earlier version tells nothing of them.
std::string RenderRemarks(const Json& wrappers, const Look& look) {
  std::string text;
  if (!wrappers.is_array()) return text;
  for (const auto& wrapper : wrappers) {
    const Json& remarks = At(wrapper, "remarks");
    if (!remarks.is_array()) continue;
    for (const auto& remark : remarks) {
      if (!remark.is_string()) continue;
      text += RenderSentence({fmt::format("{} {}: {}", TextAt(wrapper, "daemon"), TextAt(wrapper, "address"),
                                          Printable(remark.get_ref<const std::string&>(), kMostOfALine)),
                              Color::kPlain},
                             2, look);
    }
  }
  return text.empty() ? text : "\nremarkable\n" + text;
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
  rendered.text += RenderRemarks(At(*status, "wrappers"), look);
  rendered.text += RenderHistory(At(*status, "history"), look);
  if (const std::string observed = TextAt(*status, "observed"); !observed.empty())
    rendered.text += '\n' + observed + '\n';
  return rendered;
}

Result<std::string> RenderFailover(std::string_view json) {
  return Parse(json).map([](const Json& done) { return TextAt(done, "sentence"); });
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
