#include "store/pause.h"

#include <fmt/chrono.h>
#include <fmt/core.h>

#include <ctime>

#include "base/json.h"
#include "base/printable.h"

namespace redis_zk::store {

std::string Render(const Pauses& pauses) {
  Json json = Json::Object();
  for (const auto& [group, pause] : pauses) {
    json[group] = {{"since", pause.since}, {"until", pause.until}, {"by", pause.by},
                   {"who", pause.who},     {"from", pause.from},   {"reason", pause.reason}};
  }
  return json.Dump();
}

Result<Pauses> ParsePauses(std::string_view text) {
  const auto json = Json::ParseObject(text);
  if (!json)
    return Fail(ErrorKind::kInvalid, fmt::format("found \"{}\", expected a JSON object", Printable(text)));
  Pauses pauses;
  for (const auto& [group, entry] : json->members()) {
    if (!entry.is_object()) continue;
    pauses[group] = {.since = entry.NumberAt("since"),
                     .until = entry.NumberAt("until"),
                     .by = Printable(entry.TextAt("by")),
                     .who = Printable(entry.TextAt("who")),
                     .from = Printable(entry.TextAt("from")),
                     .reason = Printable(entry.TextAt("reason"))};
  }
  return pauses;
}

bool IsUnderWay(const Pause& pause, std::int64_t unix_now) {
  return unix_now < pause.until && pause.until - pause.since <= kLongestPause.count() &&
         pause.since - unix_now <= kClocksDiffer.count();
}

const Pause* FindPause(const Pauses& pauses, const std::string& group, std::int64_t unix_now) {
  for (const auto& name : {group, std::string(kAllGroups)}) {
    const auto found = pauses.find(name);
    if (found != pauses.end() && IsUnderWay(found->second, unix_now)) return &found->second;
  }
  return nullptr;
}

std::string Requester(std::string_view who, std::string_view from) {
  return who.empty() ? std::string(from) : fmt::format("{} ({})", who, from);
}

std::string Describe(const Pause& pause) {
  const auto seconds = static_cast<std::time_t>(pause.until / 1000);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  std::string text = fmt::format("paused until {:%Y-%m-%d %H:%M:%S} UTC", utc);
  if (!pause.from.empty()) text += " by " + Requester(pause.who, pause.from);
  if (!pause.by.empty()) text += " through " + pause.by;
  if (!pause.reason.empty()) text += ": " + pause.reason;
  return text;
}

}  // namespace redis_zk::store
