#include "base/json.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

namespace redis_zk {

namespace {

using Library = nlohmann::json;

// The deepest of ours, the answer to /status, has seven. Brackets alone must not use up the stack.
constexpr std::size_t kMostLevels = 64;

Json Take(Library& from, std::size_t levels) {
  switch (from.type()) {
    case Library::value_t::boolean:
      return from.get<bool>();
    case Library::value_t::number_integer:
      return from.get<std::int64_t>();
    case Library::value_t::number_unsigned:
      return from.get<std::uint64_t>();
    case Library::value_t::string:
      return std::move(from.get_ref<std::string&>());
    case Library::value_t::array: {
      if (levels == 0) return {};
      std::vector<Json> elements;
      elements.reserve(from.size());
      for (auto& element : from) elements.push_back(Take(element, levels - 1));
      return Json(std::move(elements));
    }
    case Library::value_t::object: {
      if (levels == 0) return {};
      std::vector<Json::Member> members;
      members.reserve(from.size());
      for (auto& [key, value] : from.get_ref<Library::object_t&>())
        members.push_back({key, Take(value, levels - 1)});
      return Json(std::move(members));
    }
    default:
      return {};
  }
}

std::string Quoted(const std::string& text) {
  return Library(text).dump(/*indent=*/-1, ' ', /*ensure_ascii=*/false, Library::error_handler_t::replace);
}

}  // namespace

Json::Json() noexcept = default;
Json::Json(std::nullptr_t) noexcept {}
Json::Json(bool truth) : value_(truth) {}
Json::Json(std::int64_t number) : value_(number) {}
Json::Json(std::uint64_t number) : value_(number) {}
Json::Json(const char* text) : Json(std::string(text)) {}
Json::Json(std::string_view text) : Json(std::string(text)) {}
Json::Json(std::string text) : value_(std::move(text)) {}
Json::Json(const std::vector<std::string>& texts) : value_(std::vector<Json>(texts.begin(), texts.end())) {}
Json::Json(std::vector<Json> elements) : value_(std::move(elements)) {}
Json::Json(std::vector<Member> members) : value_(std::move(members)) {}

Json::Json(std::initializer_list<Field> fields) {
  auto& members = value_.emplace<std::vector<Member>>();
  members.reserve(fields.size());
  for (const auto& [key, value] : fields) members.push_back({std::string(key), std::move(value)});
}

Json::Json(const Json& other) = default;
Json::Json(Json&& other) noexcept = default;
Json::~Json() = default;

Json& Json::operator=(Json other) noexcept {
  value_.swap(other.value_);
  return *this;
}

Json Json::Array() { return Json(std::vector<Json>()); }

Json Json::Object() { return Json(std::vector<Member>()); }

Json& Json::operator[](std::string_view key) {
  if (std::holds_alternative<std::monostate>(value_)) *this = Object();
  auto& members = std::get<std::vector<Member>>(value_);
  const auto found =
      std::find_if(members.begin(), members.end(), [key](const Member& member) { return member.key == key; });
  if (found != members.end()) return found->value;
  return members.emplace_back(Member{std::string(key), {}}).value;
}

void Json::Append(Json element) { std::get<std::vector<Json>>(value_).push_back(std::move(element)); }

Result<Json> Json::ParseObject(std::string_view text) {
  Library read = Library::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!read.is_object()) return Fail(ErrorKind::kInvalid, "a JSON object");
  return Take(read, kMostLevels);
}

std::string Json::Dump() const {
  std::string text;
  DumpTo(&text);
  return text;
}

void Json::DumpTo(std::string* line) const {
  const char* separator = "";
  if (is_object()) {
    *line += '{';
    for (const auto& [key, value] : members()) {
      *line += std::exchange(separator, ",") + Quoted(key) + ':';
      value.DumpTo(line);
    }
    *line += '}';
  } else if (is_array()) {
    *line += '[';
    for (const auto& element : elements()) {
      *line += std::exchange(separator, ",");
      element.DumpTo(line);
    }
    *line += ']';
  } else if (text() != nullptr) {
    *line += Quoted(*text());
  } else if (const auto* natural = std::get_if<std::uint64_t>(&value_)) {
    *line += std::to_string(*natural);
  } else if (number()) {
    *line += std::to_string(*number());
  } else {
    *line += !truth() ? "null" : *truth() ? "true" : "false";
  }
}

bool Json::is_object() const { return std::holds_alternative<std::vector<Member>>(value_); }

bool Json::is_array() const { return std::holds_alternative<std::vector<Json>>(value_); }

const std::vector<Json>& Json::elements() const {
  static const std::vector<Json> none;
  const auto* elements = std::get_if<std::vector<Json>>(&value_);
  return elements != nullptr ? *elements : none;
}

const std::vector<Json::Member>& Json::members() const {
  static const std::vector<Member> none;
  const auto* members = std::get_if<std::vector<Member>>(&value_);
  return members != nullptr ? *members : none;
}

const std::string* Json::text() const { return std::get_if<std::string>(&value_); }

std::optional<bool> Json::truth() const {
  const auto* truth = std::get_if<bool>(&value_);
  return truth != nullptr ? std::optional(*truth) : std::nullopt;
}

std::optional<std::int64_t> Json::number() const {
  if (const auto* number = std::get_if<std::int64_t>(&value_)) return *number;
  if (const auto* number = std::get_if<std::uint64_t>(&value_)) return static_cast<std::int64_t>(*number);
  return std::nullopt;
}

const Json& Json::At(std::string_view key) const {
  static const Json null;
  const auto found = std::find_if(members().begin(), members().end(),
                                  [key](const Member& member) { return member.key == key; });
  return found != members().end() ? found->value : null;
}

std::string Json::TextAt(std::string_view key) const {
  const auto* text = At(key).text();
  return text != nullptr ? *text : std::string();
}

std::int64_t Json::NumberAt(std::string_view key) const { return At(key).number().value_or(0); }

std::int64_t Json::NaturalAt(std::string_view key) const { return std::max<std::int64_t>(NumberAt(key), 0); }

bool Json::BoolAt(std::string_view key) const { return At(key).truth().value_or(false); }

}  // namespace redis_zk
