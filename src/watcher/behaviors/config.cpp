#include "watcher/behaviors/config.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <set>

#include "watcher/behaviors/kinds.h"

namespace redis_zk::watcher {

namespace {

constexpr std::int64_t kLongestQueue = 10'000;

bool IsName(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '_';
  });
}

// Empty: all kinds.
std::set<std::string> TakeEventKinds(SectionReader& reader) {
  std::set<std::string> kinds;
  for (const auto& kind : reader.TakeList("on")) {
    if (kind != "*" &&
        std::find(event_kind::kAll.begin(), event_kind::kAll.end(), kind) == event_kind::kAll.end())
      reader.Fail("on", '"' + Printable(kind) + '"',
                  fmt::format("\"*\" or kinds of events: {}", fmt::join(event_kind::kAll, ", ")));
    if (!kinds.insert(kind).second) reader.Fail("on", '"' + Printable(kind) + "\" twice", "it once");
  }
  if (kinds.contains("*") && kinds.size() > 1) reader.Fail("on", "\"*\" and others", "\"*\" alone");
  if (kinds.contains("*")) kinds.clear();
  return kinds;
}

BehaviorSettings ReadSection(const ConfigSection& section, SectionReader& reader) {
  BehaviorSettings settings{.section = section};
  if (!IsName(section.name)) reader.Fail("", "this name", "one of letters, digits, '-' and '_'");
  settings.on = TakeEventKinds(reader);
  settings.queue =
      static_cast<std::size_t>(reader.Take<std::int64_t>("queue", WholeNumber(1, kLongestQueue), "100"));
  const auto* kind = reader.Take<const BehaviorKind*>("do", FindBehaviorKind);
  // Which keys it has is not known.
  if (kind == nullptr) return settings;
  settings.kind = kind->name;
  settings.make = kind->read(reader);
  reader.RefuseTheRest();
  return settings;
}

}  // namespace

std::optional<ConfigSection::Entry> SectionReader::TakeEntry(const std::string& key) {
  const auto is_it = [&key](const auto& entry) { return entry.key == key; };
  const auto found = std::find_if(section_.entries.begin(), section_.entries.end(), is_it);
  if (found == section_.entries.end()) return std::nullopt;
  auto entry = std::move(*found);
  section_.entries.erase(found);
  return entry;
}

std::optional<std::string> SectionReader::TakeOne(const std::string& key,
                                                  const std::optional<std::string>& fallback) {
  auto entry = TakeEntry(key);
  if (!entry && !fallback) Fail(key, "nothing", "a value: it has no default");
  if (!entry) return fallback;
  if (entry->values.size() == 1) return std::move(entry->values.front());
  Fail(key, fmt::format("{} values", entry->values.size()), "one");
  return std::nullopt;
}

std::vector<std::string> SectionReader::TakeList(const std::string& key) {
  auto entry = TakeEntry(key);
  if (!entry || entry->values.empty()) {
    Fail(key, "nothing", "a list like [\"...\", \"...\"]");
    return {};
  }
  return std::move(entry->values);
}

void SectionReader::Fail(const std::string& key, const std::string& found, const std::string& expected) {
  errors_.push_back(fmt::format("[behavior.{}]{}{}: found {}, expected {}", Printable(section_.name),
                                key.empty() ? "" : " ", key, found, expected));
}

void SectionReader::RefuseTheRest() {
  for (const auto& entry : section_.entries)
    Fail("", '"' + Printable(entry.key) + '"', "only the keys that this kind of behavior takes");
}

tl::expected<std::vector<BehaviorSettings>, std::vector<std::string>> ReadBehaviors(
    const std::vector<ConfigSection>& sections) {
  std::vector<BehaviorSettings> behaviors;
  std::vector<std::string> errors;
  for (const auto& section : sections) {
    SectionReader reader(section);
    behaviors.push_back(ReadSection(section, reader));
    errors.insert(errors.end(), reader.errors().begin(), reader.errors().end());
  }
  if (!errors.empty()) return tl::unexpected(std::move(errors));
  return behaviors;
}

}  // namespace redis_zk::watcher
