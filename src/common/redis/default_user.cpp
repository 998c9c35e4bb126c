#include "redis/default_user.h"

#include <algorithm>
#include <string_view>

namespace redis_zk::redis {

namespace {

// Before 6.0, and where ACL is renamed. Any other error is none for ever.
constexpr std::string_view kUnknownCommand = "ERR unknown command";

}  // namespace

bool IsDefaultUserOurs(const Conf& users, const Credentials& credentials) {
  if (credentials.password.empty() || !credentials.username.empty()) return false;
  return std::none_of(users.lines.begin(), users.lines.end(), [](const ConfLine& line) {
    const bool is_default = line.name == "user" && line.words.size() > 1 && line.words[1] == "default";
    return is_default || line.name == "aclfile";
  });
}

const std::string& RequiredPassword(const Credentials& credentials, bool takes_users) {
  const auto& [username, password, old_password] = credentials;
  return takes_users || old_password.empty() ? password : old_password;
}

std::optional<std::vector<std::string>> DefaultUserLine(const Credentials& credentials) {
  const auto& [username, password, old_password] = credentials;
  if (password.empty() || old_password.empty()) return std::nullopt;
  return std::vector<std::string>{"user", "default", "on",   '>' + password, '>' + old_password,
                                  "~*",   "&*",      "+@all"};
}

Result<Accepted> SetPasswords(KeptServer& server, const Credentials& credentials) {
  Command set{"ACL", "SETUSER", "default", "resetpass", '>' + credentials.password};
  if (!credentials.old_password.empty()) set.push_back('>' + credentials.old_password);
  const auto set_user = server.Ask({set});
  if (!set_user) return tl::unexpected(set_user.error());
  if (!set_user->front().is_error()) return Accepted::kAll;
  if (!set_user->front().text.starts_with(kUnknownCommand))
    return Fail(ErrorKind::kRefused, "it refuses ACL SETUSER");
  const auto set_one =
      server.Ask({{"CONFIG", "SET", "requirepass", RequiredPassword(credentials, /*takes_users=*/false)}});
  if (!set_one) return tl::unexpected(set_one.error());
  if (set_one->front().is_error())
    return Fail(ErrorKind::kRefused, "it has no ACL SETUSER, and refuses CONFIG SET requirepass");
  return Accepted::kOne;
}

}  // namespace redis_zk::redis
