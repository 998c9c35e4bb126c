#include "sentinel-wrapper/sentinel_conf.h"

#include <fmt/core.h>

#include <utility>
#include <vector>

#include "net/endpoint.h"
#include "redis/listening.h"

namespace redis_zk::sentinel_wrapper {

namespace {

using redis::ConfLine;
using redis::ConfRule;
using redis::Fate;
using redis::NeededCommand;

std::vector<ConfRule> RulesOf(const WrapperOptions& options) {
  const auto& server = options.server;
  std::vector<ConfRule> rules;
  const auto unless = [&rules](std::string_view name, const std::string& ours, const std::string& why) {
    rules.push_back({name, Fate::kReplaced, [ours, why](const ConfLine& line) {
                       const bool same = line.words.size() < 4 && CanonicalHost(line.Value()) == ours;
                       return same ? "" : why;
                     }});
  };
  unless("bind", server.bind.host,
         fmt::format("the Sentinel listens on {} alone (NET_IFACE, BIND_IP)", server.bind.host));
  redis::AddRulesOf({server.bind.port, options.common.redis_tls.used()}, "the Sentinel", &rules);
  unless("sentinel announce-ip", server.announce.host,
         fmt::format("others are told {} (ANNOUNCE_IP)", server.announce.host));
  unless("sentinel announce-port", std::to_string(server.announce.port),
         fmt::format("others are told port {} (ANNOUNCE_PORT)", server.announce.port));
  const auto own = options.common.credentials.sentinel.Get();
  if (own->password.empty()) return rules;
  const auto replaced = [&rules](std::string_view name, const std::string& ours, const char* why) {
    rules.push_back({name, Fate::kReplaced,
                     [ours, why](const ConfLine& line) { return line.Value() == ours ? "" : why; }});
  };
  constexpr const char* kOther = "SENTINEL_PASSWORD is another one";
  if (own->username.empty()) replaced("requirepass", own->password, kOther);
  replaced("sentinel sentinel-pass", own->password, kOther);
  replaced("sentinel sentinel-user", own->username,
           own->username.empty() ? "Sentinels use SENTINEL_PASSWORD, which belongs to the default user"
                                 : "Sentinels use SENTINEL_USERNAME");
  return rules;
}

std::vector<NeededCommand> CommandsOf(const WrapperOptions& options) {
  std::vector<NeededCommand> commands{
      {"INFO", Fate::kCannotWork, "sentinel-wrapper could not see the Sentinel"},
      {"PING", Fate::kCannotWork, "its peers would report the Sentinel as down"},
      {"SENTINEL", Fate::kCannotWork, "neither its peers, the daemons nor clients could ask the Sentinel"},
      {"PUBLISH", Fate::kHinders, "the Sentinel cannot be told of its peers"},
      {"PSUBSCRIBE", Fate::kHinders, "watchers and clients cannot follow the Sentinel's events"},
      {"SUBSCRIBE", Fate::kHinders, "watchers and clients cannot follow the Sentinel's events"}};
  if (!options.common.credentials.sentinel.Get()->password.empty())
    commands.push_back({"AUTH", Fate::kCannotWork, "no client could send SENTINEL_PASSWORD"});
  return commands;
}

}  // namespace

redis::ConfFindings CheckSentinelConf(const redis::Conf& users, const WrapperOptions& options) {
  return redis::CheckConf(users, RulesOf(options), CommandsOf(options));
}

UsersConf::UsersConf(const WrapperOptions& options)
    : options_(options), last_(redis::ReadConf(options.sentinel_conf, options.server.work_dir)) {}

const redis::Conf& UsersConf::Read() {
  auto now = redis::ReadConf(options_.sentinel_conf, options_.server.work_dir);
  if (now) {
    last_ = std::move(*now);
    log_problem_.Reset();
  } else {
    log_problem_(
        log::Severity::kWarn, {.event = "conf-unreadable"},
        "cannot read the user's configuration, going on with what it said before: " + now.error().message);
  }
  return last_ ? *last_ : none_;
}

}  // namespace redis_zk::sentinel_wrapper
