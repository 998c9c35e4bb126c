#include "store/event_log.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "base/json.h"
#include "base/printable.h"
#include "base/unix_time.h"

namespace redis_zk::store {

namespace {

constexpr int kVersion = 1;
constexpr std::size_t kLongestText = 400;

std::string PrintableAt(const Json& json, const char* key) {
  return Printable(json.TextAt(key), kLongestText);
}

Json ToJson(const PastEvent& event) {
  Json json{{"time", event.time},         {"group", event.group}, {"kind", event.kind},
            {"sentence", event.sentence}, {"by", event.by},       {"from", event.from}};
  if (!event.who.empty()) json["who"] = event.who;
  return json;
}

// As it will be read again.
PastEvent Bounded(PastEvent event) {
  for (auto* text : {&event.group, &event.kind, &event.sentence, &event.by, &event.who, &event.from})
    *text = Printable(*text, kLongestText);
  return event;
}

}  // namespace

std::string DescribeMasterChange(const std::string& group, const Record& replaced, const Record& record,
                                 std::string_view detail) {
  std::string sentence = fmt::format("{}: the master is {}", group, record.master.ToAddress());
  if (replaced.state == Record::State::kMaster) sentence += ", before " + replaced.master.ToAddress();
  sentence += detail;
  if (!record.reason.empty()) sentence += ": " + record.reason;
  return sentence;
}

PastEvent MasterChanged(const std::string& group, const Record& replaced, const Record& record,
                        const std::string& by) {
  return {.time = UnixTime(),
          .group = group,
          .kind = kMasterChanged,
          .sentence = DescribeMasterChange(group, replaced, record),
          .by = by};
}

std::string Render(const EventLog& event_log) {
  Json events = Json::Array();
  for (const auto& event : event_log) events.Append(ToJson(event));
  return Json{{"version", kVersion}, {"events", std::move(events)}}.Dump();
}

Result<EventLog> ParseEventLog(std::string_view text) {
  if (text.empty()) return EventLog{};
  const auto json = Json::ParseObject(text);
  const auto expected = Fail(ErrorKind::kInvalid, "{\"version\":1,\"events\":[...]}");
  if (!json || json->NumberAt("version") != kVersion || !json->At("events").is_array()) return expected;
  EventLog event_log;
  for (const auto& entry : json->At("events").elements()) {
    if (!entry.At("time").number() || PrintableAt(entry, "kind").empty())
      return Fail(ErrorKind::kInvalid, "events with a \"time\" and a \"kind\"");
    event_log.push_back({.time = entry.NumberAt("time"),
                         .group = PrintableAt(entry, "group"),
                         .kind = PrintableAt(entry, "kind"),
                         .sentence = PrintableAt(entry, "sentence"),
                         .by = PrintableAt(entry, "by"),
                         .who = PrintableAt(entry, "who"),
                         .from = PrintableAt(entry, "from")});
  }
  return event_log;
}

EventLog Appended(EventLog event_log, const std::vector<PastEvent>& news) {
  for (const auto& event : news) {
    PastEvent bounded = Bounded(event);
    if (std::find(event_log.begin(), event_log.end(), bounded) == event_log.end())
      event_log.push_back(std::move(bounded));
  }
  // From the end: what fits stays.
  std::size_t bytes = Render(EventLog{}).size();
  auto kept = event_log.end();
  while (kept != event_log.begin() && static_cast<std::size_t>(event_log.end() - kept) < kMostPastEvents) {
    bytes += ToJson(*std::prev(kept)).Dump().size() + 1;
    if (bytes > kMostEventLogBytes) break;
    --kept;
  }
  event_log.erase(event_log.begin(), kept);
  return event_log;
}

}  // namespace redis_zk::store
