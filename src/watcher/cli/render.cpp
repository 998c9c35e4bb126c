#include "watcher/cli/render.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <ctime>

#include "base/json.h"
#include "base/printable.h"

namespace redis_zk::watcher::cli {

namespace {

constexpr std::size_t kMostPrinted = 2000;
constexpr std::size_t kLeastGroupWidth = 8;
constexpr std::size_t kFailoversShown = 3;
constexpr std::size_t kHistoryShown = 5;

std::string LineAt(const Json& json, const char* key) { return Printable(json.TextAt(key), kMostPrinted); }

Result<Json> Parse(std::string_view text) {
  auto json = Json::ParseObject(text);
  if (json) return json;
  return Fail(ErrorKind::kProtocol,
              fmt::format("found \"{}\", expected a JSON object; is that a watcher?", Printable(text)));
}

std::string TimeAt(const Json& json, const char* key) {
  const auto seconds = static_cast<std::time_t>(json.NumberAt(key) / 1000);
  std::tm local{};
  if (localtime_r(&seconds, &local) == nullptr) return "?";
  return fmt::format("{:%Y-%m-%d %H:%M:%S}", local);
}

Color ColorAt(const Json& json, const char* key) {
  const std::string level = LineAt(json, key);
  return level == "good" ? Color::kGood : level == "bad" ? Color::kBad : Color::kPlain;
}

Row ServerRow(const char* role, const Json& server, Color color = Color::kPlain) {
  return {{role},
          {LineAt(server, "address"), color},
          {LineAt(server, "state"), ColorAt(server, "level")},
          {LineAt(server, "details")}};
}

std::string RenderWarnings(const Json& warnings, std::size_t indent, const Look& look, std::size_t* count) {
  std::string text;
  for (const auto& warning : warnings.elements()) {
    if (warning.text() == nullptr) continue;
    ++*count;
    text += RenderSentence({"! " + Printable(*warning.text(), kMostPrinted), Color::kBad}, indent, look);
  }
  return text;
}

// ", not writable for 7 s"; a watcher of an earlier version does not say.
std::string DescribeState(const Json& group, const Look& look) {
  const Json& state = group.At("state");
  const auto writable = state.At("writable").truth();
  if (!writable) return "";
  std::string text = *writable ? "writable" : Painted("not writable", Color::kBad, look);
  if (state.At("for_ms").number()) {
    text += fmt::format(" for {}{}", state.BoolAt("at_least") ? "at least " : "",
                        InSeconds(Duration(state.NumberAt("for_ms"))));
  }
  return ", " + text;
}

std::string RenderGroup(const Json& group, const Look& look, std::size_t* warnings) {
  const Json& record = group.At("record");
  const std::string name = Painted(LineAt(group, "name"), Color::kStrong, look);
  std::string text =
      fmt::format("{}, epoch {}{}\n", name, record.NumberAt("epoch"), DescribeState(group, look));
  text += RenderWarnings(group.At("warnings"), 2, look, warnings);
  std::vector<Row> rows;
  const Json& master = group.At("master");
  rows.push_back(master.is_object() ? ServerRow("master", master, Color::kStrong)
                                    : Row{{"master"}, {"none"}, {LineAt(group, "summary"), Color::kBad}});
  for (const auto& replica : group.At("replicas").elements()) rows.push_back(ServerRow("replica", replica));
  for (const auto& member : group.At("waiting").elements()) rows.push_back(ServerRow("waiting", member));
  for (const auto& sentinel : group.At("sentinels").elements())
    rows.push_back(ServerRow("Sentinel", sentinel));
  text += RenderTable(rows, 2, look);
  const auto& failovers = group.At("failovers").elements();
  if (failovers.empty()) return text;
  std::vector<Row> last;
  for (auto failover = failovers.rbegin(); failover != failovers.rend() && last.size() < kFailoversShown;
       ++failover)
    last.push_back({{TimeAt(*failover, "time")}, {LineAt(*failover, "sentence")}});
  return text +
         fmt::format("  changes of the master, {}newest first\n",
                     failovers.size() > last.size() ? fmt::format("{} in all, ", failovers.size()) : "") +
         RenderTable(last, 4, look);
}

std::string EventLine(const Json& event) {
  const std::string group = LineAt(event, "group");
  std::string sentence = LineAt(event, "sentence");
  // The group has a column of its own.
  if (!group.empty() && sentence.starts_with(group + ": ")) sentence.erase(0, group.size() + 2);
  return fmt::format("{}  {:<{}}  {}", TimeAt(event, "time"), group.empty() ? "-" : group, kLeastGroupWidth,
                     sentence);
}

std::string RenderHistory(const std::vector<Json>& history, const Look& look) {
  if (history.empty()) return "";
  std::string text = "\nevent log in ZooKeeper, newest first\n";
  std::size_t shown = 0;
  for (auto entry = history.rbegin(); entry != history.rend() && shown < kHistoryShown; ++entry, ++shown)
    text += RenderSentence({EventLine(*entry), Color::kPlain}, 2, look);
  return text;
}

// What is remarkable about the wrappers; a watcher of an earlier version tells nothing of them.
std::string RenderRemarks(const std::vector<Json>& wrappers, const Look& look) {
  std::string text;
  for (const auto& wrapper : wrappers) {
    const std::string whose = LineAt(wrapper, "daemon") + ' ' + LineAt(wrapper, "address") + ": ";
    for (const auto& remark : wrapper.At("remarks").elements()) {
      if (remark.text() == nullptr) continue;
      text += RenderSentence({whose + Printable(*remark.text(), kMostPrinted), Color::kPlain}, 2, look);
    }
  }
  return text.empty() ? text : "\nremarkable\n" + text;
}

}  // namespace

Result<Rendered> RenderStatusTable(std::string_view json, const Look& look) {
  const auto status = Parse(json);
  if (!status) return tl::unexpected(status.error());
  Rendered rendered;
  rendered.text = RenderWarnings(status->At("warnings"), 0, look, &rendered.warnings);
  for (const auto& group : status->At("groups").elements()) {
    if (!rendered.text.empty()) rendered.text += '\n';
    rendered.text += RenderGroup(group, look, &rendered.warnings);
  }
  rendered.text += RenderRemarks(status->At("wrappers").elements(), look);
  rendered.text += RenderHistory(status->At("history").elements(), look);
  if (const std::string observed = LineAt(*status, "observed"); !observed.empty())
    rendered.text += '\n' + observed + '\n';
  return rendered;
}

Result<std::string> RenderFailover(std::string_view json) {
  return Parse(json).map([](const Json& done) { return LineAt(done, "sentence"); });
}

std::string PrintableLines(std::string_view text) {
  std::string lines;
  while (!text.empty()) {
    const auto end = text.find('\n');
    lines += Printable(text.substr(0, end), kMostPrinted) + '\n';
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
