#include "redis-wrapper/server_conf.h"

#include <fmt/core.h>

#include "redis/conf_syntax.h"
#include "redis/default_user.h"
#include "redis/listening.h"

namespace redis_zk::redis_wrapper {

using redis::QuoteForConf;

namespace {

void AddLine(std::string_view name, const std::string& value, std::string* conf) {
  *conf += fmt::format("{} {}\n", name, QuoteForConf(value));
}

// Roles change: every node asks for the password and knows how to give it. A named user's rules are the
// user's.
void AddPasswords(const redis::Credentials& credentials, const redis::Conf& users,
                  const PasswordsToUse& passwords, std::string* conf) {
  if (credentials.password.empty()) return;
  if (credentials.username.empty()) {
    AddLine("requirepass", redis::RequiredPassword(credentials, passwords.takes_users), conf);
    // The user's own would be sent with our password. Redis 5 has no masteruser.
    if (users.Find("masteruser") != nullptr) AddLine("masteruser", "", conf);
  } else {
    AddLine("masteruser", credentials.username, conf);
  }
  AddLine("masterauth", passwords.masterauth.value_or(credentials.password), conf);
  const auto both = redis::DefaultUserLine(credentials);
  if (!both || !passwords.takes_users || !redis::IsDefaultUserOurs(users, credentials)) return;
  std::string line;
  for (const auto& word : *both) line += (line.empty() ? "" : " ") + QuoteForConf(word);
  *conf += line + '\n';
}

}  // namespace

std::string RenderServerConf(const WrapperOptions& options, const redis::Conf& users,
                             const std::optional<Endpoint>& master, const PasswordsToUse& passwords) {
  const auto& server = options.server;
  std::string conf =
      "# Written anew by redis-wrapper at every start. Your settings belong into the included file.\n";
  const auto add = [&conf](std::string_view name, const std::string& value) { AddLine(name, value, &conf); };
  add("include", options.redis_conf);
  add("bind", server.bind.host);
  for (const auto& [name, value] : redis::LinesOf({server.bind.port, options.common.redis_tls.used()}, users))
    add(name, value);
  // In the background the server would look as if it had ended.
  add("daemonize", "no");
  add("replica-announce-ip", server.announce.host);
  add("replica-announce-port", std::to_string(server.announce.port));
  AddPasswords(*options.common.credentials.redis.Get(), users, passwords, &conf);
  // Until it holds a complete copy, it must not be promoted; see promotable.h.
  if (master) add("replica-priority", "0");
  conf += master ? fmt::format("replicaof {} {}\n", QuoteForConf(master->host), master->port)
                 : "replicaof no one\n";
  return conf;
}

}  // namespace redis_zk::redis_wrapper
