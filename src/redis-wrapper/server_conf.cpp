#include "redis-wrapper/server_conf.h"

#include <fmt/core.h>

#include "redis/conf_syntax.h"
#include "redis/listening.h"

namespace redis_zk::redis_wrapper {

using redis::QuoteForConf;

std::string RenderServerConf(const WrapperOptions& options, const redis::Conf& users,
                             const std::optional<Endpoint>& master) {
  const auto& server = options.server;
  std::string conf =
      "# Written anew by redis-wrapper at every start. Your settings belong into the included file.\n";
  const auto add = [&conf](std::string_view name, const std::string& value) {
    conf += fmt::format("{} {}\n", name, QuoteForConf(value));
  };
  add("include", options.redis_conf);
  add("bind", server.bind.host);
  for (const auto& [name, value] : redis::LinesOf({server.bind.port, options.common.redis_tls.used()}, users))
    add(name, value);
  // In the background the server would look as if it had ended.
  add("daemonize", "no");
  add("replica-announce-ip", server.announce.host);
  add("replica-announce-port", std::to_string(server.announce.port));
  const auto& credentials = options.common.credentials.redis;
  if (!credentials.password.empty()) {
    // Roles change: every node asks for the password and knows how to give it. A named user's rules are the
    // user's.
    if (credentials.username.empty()) {
      add("requirepass", credentials.password);
      // The user's own would be sent with our password. Redis 5 has no masteruser.
      if (users.Find("masteruser") != nullptr) add("masteruser", "");
    } else {
      add("masteruser", credentials.username);
    }
    add("masterauth", credentials.password);
  }
  // Until it holds a complete copy, it must not be promoted; see promotable.h.
  if (master) add("replica-priority", "0");
  conf += master ? fmt::format("replicaof {} {}\n", QuoteForConf(master->host), master->port)
                 : "replicaof no one\n";
  return conf;
}

}  // namespace redis_zk::redis_wrapper
