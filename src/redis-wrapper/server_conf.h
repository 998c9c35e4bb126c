// The configuration that redis-server is launched with: the user's file, then what only the wrapper can know.
#pragma once

#include <optional>
#include <string>

#include "net/endpoint.h"
#include "redis-wrapper/options.h"
#include "redis/conf_file.h"

namespace redis_zk::redis_wrapper {

// Of two passwords.
struct PasswordsToUse {
  std::optional<std::string> masterauth{};  // the one that the master accepts; nothing: the new one
  bool takes_users = true;                  // the server accepts both; false before 6.2
};

// `users`: the user's file. `master`: which to replicate; nothing: be the master.
std::string RenderServerConf(const WrapperOptions& options, const redis::Conf& users,
                             const std::optional<Endpoint>& master, const PasswordsToUse& passwords = {});

}  // namespace redis_zk::redis_wrapper
