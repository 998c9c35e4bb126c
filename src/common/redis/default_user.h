// The passwords of the default user of Redis and Sentinel, which take several at a time since 6.0 and 6.2:
// the new one, and while passwords are changed the old one.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "redis/conf_file.h"
#include "redis/credentials.h"
#include "redis/servers.h"

namespace redis_zk::redis {

// Whether the default user is what we make it: the user's own configuration does not say its rules, in a line
// or in an ACL file, and the credentials name no other user.
bool IsDefaultUserOurs(const Conf& users, const Credentials& credentials);

// What `requirepass` is set to. Where the server takes one password alone, it stays the old one until that
// is taken out of the file.
const std::string& RequiredPassword(const Credentials& credentials, bool takes_users);
// The words of the line that accepts both passwords; nothing: there is one. 6.2 and newer.
std::optional<std::vector<std::string>> DefaultUserLine(const Credentials& credentials);

// What a server accepts now: these passwords, or the one of RequiredPassword, since it has no ACL.
enum class Accepted { kAll, kOne };
// Has a running server accept these passwords and no other; clients that are logged in stay. The error shows
// nothing of what the server says, which may repeat one.
Result<Accepted> SetPasswords(KeptServer& server, const Credentials& credentials);

}  // namespace redis_zk::redis
