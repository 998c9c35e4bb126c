#include "sentinel-wrapper/server_conf.h"

#include <fmt/core.h>

#include <functional>
#include <map>
#include <set>
#include <utility>

#include "base/printable.h"
#include "net/endpoint.h"
#include "redis/conf_syntax.h"
#include "redis/default_user.h"
#include "redis/listening.h"
#include "sentinel-wrapper/sentinel_conf.h"

namespace redis_zk::sentinel_wrapper {

namespace {

using redis::QuoteForConf;

// Directives about one group: "sentinel <directive> <group> ...".
const std::set<std::string, std::less<>> kGroupDirectives{"monitor",
                                                          "down-after-milliseconds",
                                                          "failover-timeout",
                                                          "parallel-syncs",
                                                          "auth-pass",
                                                          "auth-user",
                                                          "notification-script",
                                                          "client-reconfig-script",
                                                          "rename-command",
                                                          "master-reboot-down-after-period",
                                                          "config-epoch",
                                                          "leader-epoch",
                                                          "known-replica",
                                                          "known-sentinel"};
// What Sentinel itself writes down. In a file that was copied from a running Sentinel it belongs to another
// life.
const std::set<std::string, std::less<>> kState{"myid",         "current-epoch", "config-epoch",
                                                "leader-epoch", "known-replica", "known-sentinel"};
// Lines that we write ourselves.
const std::set<std::string, std::less<>> kOurs{"bind", "daemonize", "sentinel announce-ip",
                                               "sentinel announce-port"};
// The same, where there is a SENTINEL_PASSWORD; and where it is the default user's, with kRequiredPassword.
const std::set<std::string, std::less<>> kOurPasswords{"sentinel sentinel-user", "sentinel sentinel-pass"};
constexpr const char* kRequiredPassword = "requirepass";

// Settings that hold for every group which has none of the same kind itself. User and password are of one
// kind, since they belong together.
const std::map<std::string, std::string, std::less<>> kInherited{
    {"down-after-milliseconds", "down-after-milliseconds"},
    {"failover-timeout", "failover-timeout"},
    {"parallel-syncs", "parallel-syncs"},
    {"auth-user", "auth"},
    {"auth-pass", "auth"},
    {"notification-script", "notification-script"},
    {"client-reconfig-script", "client-reconfig-script"},
    {"rename-command", "rename-command"},
    {"master-reboot-down-after-period", "master-reboot-down-after-period"}};

constexpr std::string_view kSentinel = "sentinel ";

// A user's line, and what it is about.
struct Line {
  const redis::ConfLine& line;
  std::string directive;            // of "sentinel ..." lines
  std::string group;                // of group directives
  std::vector<std::string> values;  // of group directives: what stands behind the group
};

std::vector<Line> LinesOf(const redis::Conf& users) {
  std::vector<Line> lines;
  for (const auto& of_user : users.lines) {
    Line line{of_user, "", "", {}};
    if (of_user.name.starts_with(kSentinel)) line.directive = of_user.name.substr(kSentinel.size());
    if (kGroupDirectives.contains(line.directive) && of_user.words.size() > 2) {
      line.group = of_user.words[2];
      line.values.assign(of_user.words.begin() + 3, of_user.words.end());
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

// Of several lines that are left out for one reason, the first is named.
class LeftOut {
 public:
  void Add(const redis::ConfLine& line, const std::string& reason) {
    auto& found = by_reason_[reason];
    if (found.count++ == 0) {
      found.first = fmt::format("{}: {} is not used: {}", line.Place(), Printable(line.name), reason);
      order_.push_back(reason);
    }
  }
  void Tell(std::vector<std::string>* sentences) const {
    for (const auto& reason : order_) {
      const auto& [first, count] = by_reason_.at(reason);
      sentences->push_back(count == 1 ? first : fmt::format("{} ({} more such lines)", first, count - 1));
    }
  }

 private:
  struct Found {
    std::string first;
    int count = 0;
  };
  std::map<std::string, Found> by_reason_;
  std::vector<std::string> order_;
};

// Why a group that is not ours cannot be monitored beside ours; empty: it can.
std::string Conflict(const Line& monitor, const Monitoring& monitoring) {
  if (monitor.values.size() < 2) return "";
  const std::string host = CanonicalHost(monitor.values[0]);
  // Debian's own file has such a line: a Redis of ours may listen there, and for peers it is another server.
  if (IsLoopback(host))
    return fmt::format("{} is at {}, which is another server on every host", Printable(monitor.group), host);
  for (const auto& group : monitoring.groups) {
    const auto port = ParsePort(monitor.values[1]);
    const Endpoint master{host, port.value_or(0)};
    if (group.master == master || Contains(group.replicas, master))
      return fmt::format("{} is at {}, a server of the group {}", Printable(monitor.group),
                         master.ToAddress(), group.name);
  }
  return "";
}

// The user's lines into `conf`, but for those that conflict with ours.
void KeepUsersLines(const std::vector<Line>& lines, const Monitoring& monitoring,
                    const std::vector<std::pair<std::string, std::string>>& listening,
                    const WrapperOptions& options, ServerConf* conf) {
  std::set<std::string> ours{options.common.master_name};
  for (const auto& group : monitoring.groups) ours.insert(group.name);
  std::set<std::string> monitored = ours;
  std::map<std::string, std::string> refused;
  for (const auto& line : lines) {
    if (line.directive != "monitor" || ours.contains(line.group)) continue;
    const std::string conflict = Conflict(line, monitoring);
    if (conflict.empty()) {
      monitored.insert(line.group);
    } else {
      refused.emplace(line.group, conflict);
    }
  }
  std::set<std::string, std::less<>> replaced = kOurs;
  for (const auto& [name, value] : listening) replaced.insert(name);
  if (const auto own = options.common.credentials.sentinel.Get(); !own->password.empty()) {
    replaced.insert(kOurPasswords.begin(), kOurPasswords.end());
    if (own->username.empty()) replaced.insert(kRequiredPassword);
  }
  LeftOut left_out;
  for (const auto& line : lines) {
    const std::string& name = line.line.name;
    if (line.directive == "monitor" && ours.contains(line.group)) {
      left_out.Add(line.line, fmt::format("the master of {} comes from ZooKeeper", line.group));
    } else if (kState.contains(line.directive)) {
      left_out.Add(line.line, "it is state of an earlier Sentinel");
    } else if (const auto found = refused.find(line.group); found != refused.end()) {
      left_out.Add(line.line, found->second);
    } else if (!line.group.empty() && !monitored.contains(line.group)) {
      left_out.Add(line.line, fmt::format("the group {} is not monitored yet", Printable(line.group)));
    } else if (!replaced.contains(name)) {
      conf->text += line.line.text + '\n';
    }
  }
  left_out.Tell(&conf->findings.replaced);
}

// What the user's file does not say of the group itself, in the order in which it has to be said.
std::vector<GroupSetting> InheritedSettings(const std::vector<Line>& lines, const WrapperOptions& options,
                                            const std::string& group,
                                            const std::optional<std::string>& auth_pass) {
  const std::string& first = options.common.master_name;
  std::set<std::string> own;
  for (const auto& line : lines) {
    if (const auto found = kInherited.find(line.directive); found != kInherited.end() && line.group == group)
      own.insert(found->second);
  }
  std::vector<GroupSetting> settings;
  const auto add = [&](const std::string& directive, const std::vector<std::string>& values) {
    // The options win over the first group's lines, but not over another group's own.
    if (group == first || !own.contains(kInherited.at(directive))) settings.push_back({directive, values});
  };
  for (const auto& line : lines) {
    if (group != first && line.group == first && kInherited.contains(line.directive))
      add(line.directive, line.values);
  }
  if (options.down_after_ms != 0) add("down-after-milliseconds", {std::to_string(options.down_after_ms)});
  const auto redis = options.common.credentials.redis.Get();
  if (!redis->password.empty()) {
    if (!redis->username.empty()) add("auth-user", {redis->username});
    add("auth-pass", {auth_pass.value_or(redis->password)});
  }
  return settings;
}

// Whether the user's file says itself who may do what.
bool HasUsers(const redis::Conf& users) {
  for (const char* name :
       {"user", "aclfile", "requirepass", "sentinel sentinel-user", "sentinel sentinel-pass"}) {
    if (users.Find(name) != nullptr) return true;
  }
  return false;
}

// Whether the user says what those may do who do not log in.
bool DefinesDefaultUser(const redis::Conf& users) {
  return users.Find("aclfile") != nullptr || users.Find("requirepass") != nullptr ||
         std::any_of(users.lines.begin(), users.lines.end(), [](const auto& line) {
           return line.name == "user" && line.words.size() > 1 && line.words[1] == "default";
         });
}

// No secret, but another one for each deployment, and the same after ZooKeeper has lost its data.
redis::Credentials OwnUser(const WrapperOptions& options) {
  std::string digits;
  for (const char c : options.common.zk_hosts.chroot + options.common.zk_root)
    digits += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return {.username = "redis-zk", .password = std::move(digits)};
}

void AddLine(const std::vector<std::string>& words, ServerConf* conf) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : " ") + QuoteForConf(word);
  conf->text += text + '\n';
}

// The group, with what a Sentinel would have learnt in an earlier life.
void AddGroup(const Monitoring::Group& group, const Monitoring& monitoring, std::int64_t quorum,
              const std::vector<GroupSetting>& settings, ServerConf* conf) {
  const std::string& name = group.name;
  // Before every other line about the group.
  AddLine({"sentinel", "monitor", name, group.master.host, std::to_string(group.master.port),
           std::to_string(quorum)},
          conf);
  for (const auto& [directive, values] : settings) {
    std::vector<std::string> words{"sentinel", directive, name};
    words.insert(words.end(), values.begin(), values.end());
    AddLine(words, conf);
  }
  AddLine({"sentinel", "config-epoch", name, std::to_string(group.config_epoch)}, conf);
  // It has voted in every epoch up to this one, for all that anybody knows.
  AddLine({"sentinel", "leader-epoch", name, std::to_string(monitoring.epoch)}, conf);
  for (const auto& replica : group.replicas)
    AddLine({"sentinel", "known-replica", name, replica.host, std::to_string(replica.port)}, conf);
  for (const auto& [endpoint, id] : monitoring.peers)
    AddLine({"sentinel", "known-sentinel", name, endpoint.host, std::to_string(endpoint.port), id}, conf);
}

}  // namespace

ServerConf RenderServerConf(const redis::Conf& users, const WrapperOptions& options,
                            const Monitoring& monitoring, bool takes_users) {
  ServerConf conf{.findings = CheckSentinelConf(users, options)};
  const auto lines = LinesOf(users);
  const auto listening = redis::LinesOf({options.server.bind.port, options.common.redis_tls.used()}, users);
  KeepUsersLines(lines, monitoring, listening, options, &conf);
  const auto add = [&conf](const std::vector<std::string>& words) { AddLine(words, &conf); };
  conf.text += kAddedLines;
  const auto& server = options.server;
  add({"bind", server.bind.host});
  for (const auto& [name, value] : listening) add({name, value});
  add({"daemonize", "no"});
  add({"sentinel", "announce-ip", server.announce.host});
  add({"sentinel", "announce-port", std::to_string(server.announce.port)});
  add({"sentinel", "myid", monitoring.sentinel_id});
  add({"sentinel", "current-epoch", std::to_string(monitoring.epoch)});
  for (const auto& group : monitoring.groups) {
    AddGroup(group, monitoring, options.quorum,
             InheritedSettings(lines, options, group.name, group.auth_pass), &conf);
  }
  const auto own = options.common.credentials.sentinel.Get();
  conf.hello = *own;
  if (!own->password.empty()) {
    if (own->username.empty()) {
      add({kRequiredPassword, redis::RequiredPassword(*own, takes_users)});
    } else {
      add({"sentinel", "sentinel-user", own->username});
      if (takes_users && !DefinesDefaultUser(users)) add({"user", "default", "off"});
    }
    add({"sentinel", "sentinel-pass", monitoring.sentinel_pass.value_or(own->password)});
    const auto both = redis::DefaultUserLine(*own);
    conf.own_user = both && takes_users && redis::IsDefaultUserOurs(users, *own);
    if (conf.own_user) add(*both);
  } else if (!HasUsers(users) && takes_users) {
    conf.own_user = true;
    conf.hello = OwnUser(options);
    add({"user", "default", "on", "nopass", "~*", "&*", "+@all", "-publish"});
    add({"user", conf.hello.username, "on", '>' + conf.hello.password, "~*", "&*", "+@all"});
    add({"sentinel", "sentinel-user", conf.hello.username});
    add({"sentinel", "sentinel-pass", conf.hello.password});
  }
  return conf;
}

std::vector<GroupSetting> SettingsOf(const redis::Conf& users, const WrapperOptions& options,
                                     const std::string& group, const std::optional<std::string>& auth_pass) {
  const auto lines = LinesOf(users);
  std::vector<GroupSetting> settings;
  for (const auto& line : lines) {
    if (line.group == group && kInherited.contains(line.directive))
      settings.push_back({line.directive, line.values});
  }
  for (auto& setting : InheritedSettings(lines, options, group, auth_pass))
    settings.push_back(std::move(setting));
  return settings;
}

}  // namespace redis_zk::sentinel_wrapper
