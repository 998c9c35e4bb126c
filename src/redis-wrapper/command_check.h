// Which commands the running server does not know or denies to our user: a module, an ACL file or a build may
// take away what no line of the configuration names. Functions of values.
#pragma once

#include <string>
#include <vector>

#include "redis/conf_check.h"
#include "redis/conf_file.h"
#include "redis/servers.h"

namespace redis_zk::redis_wrapper {

// What to ask the server, all at once. `username` may be empty: the default user.
std::vector<redis::Command> AskAboutCommands(const std::vector<redis::NeededCommand>& needed,
                                             const std::string& username);

// What the answers say, apart from what the user's lines say by themselves. A server that does not answer one
// of the questions (before Redis 7, or with a user that may not ask) leaves it open.
redis::ConfFindings JudgeCommands(const std::vector<redis::NeededCommand>& needed, const redis::Conf& users,
                                  const redis::Replies& answers);

}  // namespace redis_zk::redis_wrapper
