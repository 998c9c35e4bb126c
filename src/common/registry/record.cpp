#include "registry/record.h"

#include <nlohmann/json.hpp>

namespace redis_zk::registry {

namespace {

using Json = nlohmann::json;

constexpr bool kNoExceptions = false;

// The JSON object in `text`; discarded when it is none.
Json ParseObject(std::string_view text) {
  Json json = Json::parse(text, nullptr, kNoExceptions);
  return json.is_object() ? json : Json(Json::value_t::discarded);
}

std::string TextAt(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

}  // namespace

std::string Render(const Lineage& lineage) {
  return Json{{"epoch", lineage.epoch}, {"master", lineage.master}, {"reason", lineage.reason}}.dump(
      -1, ' ', false, Json::error_handler_t::replace);
}

Result<Lineage> ParseLineage(std::string_view text) {
  const Json json = ParseObject(text);
  if (json.is_discarded()) return Fail(ErrorKind::kInvalid, "a JSON object");
  const auto epoch = json.find("epoch");
  if (epoch == json.end() || !epoch->is_number_unsigned())
    return Fail(ErrorKind::kInvalid, "a whole number \"epoch\"");
  return Lineage{epoch->get<std::uint64_t>(), TextAt(json, "master"), TextAt(json, "reason")};
}

Record ParseMasterRecord(std::string_view text) {
  Record record;
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) return record;
  if (const auto master = ParseRecord(text)) {
    record.state = Record::State::kMaster;
    record.master = *master;
  } else {
    record.state = Record::State::kUnreadable;
    record.found = text;
  }
  return record;
}

std::string RenderMember(const Endpoint& endpoint) { return Json{{"endpoint", endpoint.ToRecord()}}.dump(); }

Result<Endpoint> ParseMember(std::string_view text) {
  const Json json = ParseObject(text);
  if (json.is_discarded()) return Fail(ErrorKind::kInvalid, "a JSON object");
  const auto endpoint = ParseRecord(TextAt(json, "endpoint"));
  if (!endpoint) return Fail(ErrorKind::kInvalid, "an \"endpoint\" of \"host port\"");
  return endpoint;
}

}  // namespace redis_zk::registry
