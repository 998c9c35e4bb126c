#include "sentinel-wrapper/server_conf.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <set>
#include <sstream>

#include "process/server_conf.h"

namespace redis_zk::sentinel_wrapper {

namespace {

using process::QuoteForConf;

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

struct Line {
  std::string text;
  std::string directive;  // of "sentinel ..." lines, in lower case
  std::string group;      // of group directives
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
    Line line{text, "", ""};
    std::istringstream words(text);
    std::string first;
    if (words >> first && LowerCase(first) == "sentinel" && words >> line.directive) {
      line.directive = LowerCase(line.directive);
      if (kGroupDirectives.contains(line.directive)) words >> line.group;
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

// The user's lines into `conf`, but for those that conflict with ours.
void KeepUsersLines(std::string_view user_conf, const std::string& group, ServerConf* conf) {
  const auto lines = ParseLines(user_conf);
  std::set<std::string> monitored{group};
  for (const auto& line : lines) {
    if (line.directive == "monitor") monitored.insert(line.group);
  }
  for (const auto& line : lines) {
    if (line.directive == "monitor" && line.group == group) {
      conf->left_out.push_back(
          fmt::format("\"{}\": ZooKeeper says who the master of {} is", line.text, group));
    } else if (kState.contains(line.directive)) {
      conf->left_out.push_back(
          fmt::format("\"sentinel {}\": it is the state of an earlier Sentinel", line.directive));
    } else if (!line.group.empty() && !monitored.contains(line.group)) {
      conf->left_out.push_back(
          fmt::format("\"sentinel {}\": nothing monitors the group {}", line.directive, line.group));
    } else {
      conf->text += line.text + '\n';
    }
  }
}

void AddLine(std::initializer_list<std::string> words, ServerConf* conf) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : " ") + QuoteForConf(word);
  conf->text += text + '\n';
}

// What a Sentinel would have learnt in an earlier life.
void AddState(const std::string& group, const Monitoring& monitoring, ServerConf* conf) {
  AddLine({"sentinel", "config-epoch", group, std::to_string(monitoring.config_epoch)}, conf);
  // It has voted in every epoch up to this one, for all that anybody knows.
  AddLine({"sentinel", "leader-epoch", group, std::to_string(monitoring.epoch)}, conf);
  for (const auto& replica : monitoring.replicas)
    AddLine({"sentinel", "known-replica", group, replica.host, std::to_string(replica.port)}, conf);
  for (const auto& peer : monitoring.peers) {
    AddLine({"sentinel", "known-sentinel", group, peer.endpoint.host, std::to_string(peer.endpoint.port),
             peer.id},
            conf);
  }
}

}  // namespace

ServerConf RenderServerConf(std::string_view user_conf, const WrapperOptions& options,
                            const Monitoring& monitoring) {
  ServerConf conf;
  const std::string& group = options.common.master_name;
  KeepUsersLines(user_conf, group, &conf);
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
  // Before every other line about the group.
  add({"sentinel", "monitor", group, monitoring.master.host, std::to_string(monitoring.master.port),
       std::to_string(options.quorum)});
  if (options.down_after_ms != 0) {
    add({"sentinel", "down-after-milliseconds", group, std::to_string(options.down_after_ms)});
  }
  AddState(group, monitoring, &conf);
  const auto& redis = options.common.redis;
  if (!redis.password.empty()) {
    if (!redis.username.empty()) add({"sentinel", "auth-user", group, redis.username});
    add({"sentinel", "auth-pass", group, redis.password});
  }
  const auto& own = options.common.sentinel;
  if (!own.password.empty()) {
    add({"requirepass", own.password});
    add({"sentinel", "sentinel-pass", own.password});
  }
  return conf;
}

}  // namespace redis_zk::sentinel_wrapper
