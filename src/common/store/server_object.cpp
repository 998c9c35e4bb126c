#include "store/server_object.h"

#include <cstddef>
#include <utility>

#include "base/printable.h"

namespace redis_zk::store {

namespace {

constexpr std::size_t kMostOfVersion = 40;

}  // namespace

Result<ServerObject> ParseServerObject(std::string_view text) {
  auto json = Json::ParseObject(text);
  if (!json) return tl::unexpected(json.error());
  auto endpoint = ParseRecord(json->TextAt("endpoint"));
  if (!endpoint) return Fail(ErrorKind::kInvalid, "an \"endpoint\" of \"host port\"");
  return ServerObject{std::move(*endpoint), std::move(*json)};
}

std::string VersionAt(const Json& json) { return Printable(json.TextAt("version"), kMostOfVersion); }

}  // namespace redis_zk::store
