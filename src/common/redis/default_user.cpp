#include "redis/default_user.h"

#include <algorithm>

namespace redis_zk::redis {

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

Status SetPasswords(KeptServer& server, const Credentials& credentials) {
  Command set{"ACL", "SETUSER", "default", "resetpass", '>' + credentials.password};
  if (!credentials.old_password.empty()) set.push_back('>' + credentials.old_password);
  auto answers = server.Ask({set});
  if (answers && answers->front().is_error())
    answers =
        server.Ask({{"CONFIG", "SET", "requirepass", RequiredPassword(credentials, /*takes_users=*/false)}});
  if (!answers) return tl::unexpected(answers.error());
  if (answers->front().is_error())
    return Fail(ErrorKind::kRefused, "it refuses ACL SETUSER and CONFIG SET requirepass");
  return {};
}

}  // namespace redis_zk::redis
