#include "store/pause.h"

#include <fmt/chrono.h>
#include <fmt/core.h>

#include <ctime>
#include <nlohmann/json.hpp>

#include "base/printable.h"

namespace redis_zk::store {

namespace {

using Json = nlohmann::json;

std::int64_t TimeIn(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_number_integer() ? found->get<std::int64_t>() : 0;
}

std::string TextIn(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? Printable(found->get_ref<const std::string&>())
                                                   : std::string();
}

}  // namespace

std::string Render(const Pauses& pauses) {
  Json json = Json::object();
  for (const auto& [group, pause] : pauses) {
    json[group] = {{"since", pause.since}, {"until", pause.until}, {"by", pause.by},
                   {"who", pause.who},     {"from", pause.from},   {"reason", pause.reason}};
  }
  return json.dump(/*indent=*/-1, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace);
}

Result<Pauses> ParsePauses(std::string_view text) {
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object())
    return Fail(ErrorKind::kInvalid, fmt::format("found \"{}\", expected a JSON object", Printable(text)));
  Pauses pauses;
  for (const auto& [group, entry] : json.items()) {
    if (!entry.is_object()) continue;
    pauses[group] = {.since = TimeIn(entry, "since"),
                     .until = TimeIn(entry, "until"),
                     .by = TextIn(entry, "by"),
                     .who = TextIn(entry, "who"),
                     .from = TextIn(entry, "from"),
                     .reason = TextIn(entry, "reason")};
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
