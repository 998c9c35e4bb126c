#include "sentinel-wrapper/server_conf.h"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <set>
#include <sstream>
#include <utility>

#include "redis/conf_syntax.h"

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
                                                          "known-slave",
                                                          "known-sentinel"};
// What Sentinel itself writes down. In a file that was copied from a running Sentinel it belongs to another
// life.
const std::set<std::string, std::less<>> kState{"myid",          "current-epoch", "config-epoch",
                                                "leader-epoch",  "known-replica", "known-slave",
                                                "known-sentinel"};

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

struct Line {
  std::string text;
  std::string directive;  // of "sentinel ..." lines, in lower case
  std::string group;      // of group directives
  std::string values;     // of group directives: what stands behind the group, as it was written
};

std::string LowerCase(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

std::vector<Line> ParseLines(std::string_view conf) {
  std::vector<Line> lines;
  std::istringstream stream{std::string(conf)};
  for (std::string text; std::getline(stream, text);) {
    if (text.ends_with('\r')) text.pop_back();
    Line line{text, "", "", ""};
    std::istringstream words(text);
    std::string first;
    if (words >> first && LowerCase(first) == "sentinel" && words >> line.directive) {
      line.directive = LowerCase(line.directive);
      if (kGroupDirectives.contains(line.directive) && words >> line.group)
        std::getline(words >> std::ws, line.values);
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

// The user's lines into `conf`, but for those that conflict with ours.
void KeepUsersLines(const std::vector<Line>& lines, const std::set<std::string>& groups, ServerConf* conf) {
  std::set<std::string> monitored = groups;
  for (const auto& line : lines) {
    if (line.directive == "monitor") monitored.insert(line.group);
  }
  for (const auto& line : lines) {
    if (line.directive == "monitor" && groups.contains(line.group)) {
      conf->left_out.push_back(
          fmt::format("\"{}\": the master of {} comes from ZooKeeper", line.text, line.group));
    } else if (kState.contains(line.directive)) {
      conf->left_out.push_back(
          fmt::format("\"sentinel {}\": it is state of an earlier Sentinel", line.directive));
    } else if (!line.group.empty() && !monitored.contains(line.group)) {
      conf->left_out.push_back(
          fmt::format("\"sentinel {}\": the group {} is not monitored yet", line.directive, line.group));
    } else {
      conf->text += line.text + '\n';
    }
  }
}

// "sentinel <directive> <group> <values>", the values as they stand in a file.
struct Setting {
  std::string directive;
  std::string values;
};

// What the user's file does not say of the group itself, in the order in which it has to be said.
std::vector<Setting> InheritedSettings(const std::vector<Line>& lines, const WrapperOptions& options,
                                       const std::string& group) {
  const std::string& first = options.common.master_name;
  std::set<std::string> own;
  for (const auto& line : lines) {
    if (const auto found = kInherited.find(line.directive); found != kInherited.end() && line.group == group)
      own.insert(found->second);
  }
  std::vector<Setting> settings;
  const auto add = [&](const std::string& directive, const std::string& values) {
    // The options win over the first group's lines, but not over another group's own.
    if (group == first || !own.contains(kInherited.at(directive))) settings.push_back({directive, values});
  };
  for (const auto& line : lines) {
    if (group != first && line.group == first && kInherited.contains(line.directive))
      add(line.directive, line.values);
  }
  if (options.down_after_ms != 0) add("down-after-milliseconds", std::to_string(options.down_after_ms));
  const auto& redis = options.common.credentials.redis;
  if (!redis.password.empty()) {
    if (!redis.username.empty()) add("auth-user", QuoteForConf(redis.username));
    add("auth-pass", QuoteForConf(redis.password));
  }
  return settings;
}

enum class Users {
  kNone,
  kOwn,      // the user's file says itself who may do what
  kUnknown,  // another file may
};

// As Redis reads the lines, whose words may stand in quotes.
Users UsersIn(const std::vector<Line>& lines) {
  Users users = Users::kNone;
  for (const auto& line : lines) {
    auto words = redis::SplitConfLine(line.text);
    if (!words || words->empty()) continue;
    const std::string first = LowerCase(std::move(words->front()));
    const std::string second = words->size() > 1 ? LowerCase((*words)[1]) : "";
    if (first == "user" || first == "aclfile" || first == "requirepass" ||
        (first == "sentinel" && (second == "sentinel-user" || second == "sentinel-pass")))
      return Users::kOwn;
    if (first == "include") users = Users::kUnknown;
  }
  return users;
}

// No secret, but another one for each deployment, and the same after ZooKeeper has lost its data.
redis::Credentials OwnUser(const WrapperOptions& options) {
  std::string digits;
  for (const char c : options.common.zk_hosts.chroot + options.common.zk_root)
    digits += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return {.username = "redis-zk", .password = std::move(digits)};
}

void AddLine(std::initializer_list<std::string> words, ServerConf* conf) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : " ") + QuoteForConf(word);
  conf->text += text + '\n';
}

// The group, with what a Sentinel would have learnt in an earlier life.
void AddGroup(const Monitoring::Group& group, const Monitoring& monitoring, std::int64_t quorum,
              const std::vector<Setting>& settings, ServerConf* conf) {
  const std::string& name = group.name;
  // Before every other line about the group.
  AddLine({"sentinel", "monitor", name, group.master.host, std::to_string(group.master.port),
           std::to_string(quorum)},
          conf);
  for (const auto& [directive, values] : settings)
    conf->text += fmt::format("sentinel {} {} {}\n", directive, QuoteForConf(name), values);
  AddLine({"sentinel", "config-epoch", name, std::to_string(group.config_epoch)}, conf);
  // It has voted in every epoch up to this one, for all that anybody knows.
  AddLine({"sentinel", "leader-epoch", name, std::to_string(monitoring.epoch)}, conf);
  for (const auto& replica : group.replicas)
    AddLine({"sentinel", "known-replica", name, replica.host, std::to_string(replica.port)}, conf);
  for (const auto& [endpoint, id] : monitoring.peers)
    AddLine({"sentinel", "known-sentinel", name, endpoint.host, std::to_string(endpoint.port), id}, conf);
}

}  // namespace

ServerConf RenderServerConf(std::string_view user_conf, const WrapperOptions& options,
                            const Monitoring& monitoring, bool takes_users) {
  ServerConf conf;
  const auto lines = ParseLines(user_conf);
  std::set<std::string> groups{options.common.master_name};
  for (const auto& group : monitoring.groups) groups.insert(group.name);
  KeepUsersLines(lines, groups, &conf);
  const auto add = [&conf](std::initializer_list<std::string> words) { AddLine(words, &conf); };
  conf.text += "# Added by sentinel-wrapper; this file is written anew at every start.\n";
  const auto& server = options.server;
  add({"bind", server.bind.host});
  add({"port", std::to_string(server.bind.port)});
  add({"daemonize", "no"});
  add({"sentinel", "announce-ip", server.announce.host});
  add({"sentinel", "announce-port", std::to_string(server.announce.port)});
  add({"sentinel", "myid", monitoring.sentinel_id});
  add({"sentinel", "current-epoch", std::to_string(monitoring.epoch)});
  for (const auto& group : monitoring.groups) {
    AddGroup(group, monitoring, options.quorum, InheritedSettings(lines, options, group.name), &conf);
  }
  const auto& own = options.common.credentials.sentinel;
  conf.hello = own;
  if (!own.password.empty()) {
    add({"requirepass", own.password});
    add({"sentinel", "sentinel-pass", own.password});
  } else if (const Users users = UsersIn(lines); users == Users::kNone && takes_users) {
    conf.own_user = true;
    conf.hello = OwnUser(options);
    add({"user", "default", "on", "nopass", "~*", "&*", "+@all", "-publish"});
    add({"user", conf.hello.username, "on", '>' + conf.hello.password, "~*", "&*", "+@all"});
    add({"sentinel", "sentinel-user", conf.hello.username});
    add({"sentinel", "sentinel-pass", conf.hello.password});
  } else if (users == Users::kUnknown) {
    conf.hides_users = true;
  }
  return conf;
}

std::vector<GroupSetting> SettingsOf(std::string_view user_conf, const WrapperOptions& options,
                                     const std::string& group) {
  const auto lines = ParseLines(user_conf);
  std::vector<Setting> settings;
  for (const auto& line : lines) {
    if (line.group == group && kInherited.contains(line.directive))
      settings.push_back({line.directive, line.values});
  }
  for (auto& setting : InheritedSettings(lines, options, group)) settings.push_back(std::move(setting));
  std::vector<GroupSetting> all;
  for (const auto& [directive, values] : settings) {
    // What Redis could not read in the file it cannot be told, either.
    if (auto words = redis::SplitConfLine(values)) all.push_back({directive, std::move(*words)});
  }
  return all;
}

}  // namespace redis_zk::sentinel_wrapper
