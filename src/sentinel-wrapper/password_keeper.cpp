#include "sentinel-wrapper/password_keeper.h"

#include <algorithm>
#include <utility>

#include "sentinel-wrapper/server_conf.h"
#include "store/sentinel_id.h"

namespace redis_zk::sentinel_wrapper {

namespace {

using zookeeper::Watch;

constexpr Duration kTellEvery = 1s;
// How long the groups may be looked after before the loop turns.
constexpr Duration kTellFor = 1s;

}  // namespace

PasswordKeeper::PasswordKeeper(daemon::WrapperLoop& loop, const WrapperOptions& options,
                               const redis::Network& network, GroupReader& reader)
    : loop_(loop),
      options_(options),
      network_(network),
      reader_(reader),
      users_conf_(options),
      own_sentinel_(network.sentinels.Keep(options.server.bind)),
      accepted_(loop.passwords(), options.common.credentials.sentinel, *own_sentinel_, "redis-sentinel") {}

std::optional<std::string> PasswordKeeper::ForGroup(const Endpoint& master,
                                                    const std::vector<store::Member>& members) const {
  std::vector<Endpoint> servers{master};
  for (const auto& member : members) {
    if (member.serving && member.endpoint != master) servers.push_back(member.endpoint);
  }
  return network_.redis.FindPassword(servers);
}

std::optional<std::string> PasswordKeeper::ForPeers(const std::vector<store::Sentinel>& registered) const {
  std::vector<Endpoint> peers;
  for (const auto& peer : store::PeersIn(registered)) {
    if (peer.endpoint != options_.server.announce) peers.push_back(peer.endpoint);
  }
  return network_.sentinels.FindPassword(peers);
}

void PasswordKeeper::Choose(Monitoring* monitoring, const GroupReader::Members& members,
                            const std::vector<store::Sentinel>& registered) const {
  monitoring->passwords = loop_.passwords().generation();
  monitoring->sentinel_pass = ForPeers(registered);
  for (auto& group : monitoring->groups) group.auth_pass = ForGroup(group.master, members.at(group.name));
}

void PasswordKeeper::Reset(const Monitoring& monitoring) {
  accepted_.NoteLaunch(monitoring.passwords);
  told_ = monitoring.passwords;
  of_peers_ = monitoring.sentinel_pass;
  of_groups_.clear();
  for (const auto& group : monitoring.groups) {
    if (group.auth_pass) of_groups_.emplace(group.name, *group.auth_pass);
  }
}

bool PasswordKeeper::AreChanging() const {
  const auto& [redis, sentinel] = options_.common.credentials;
  return told_ != loop_.passwords().generation() || !redis.Get()->old_password.empty() ||
         !sentinel.Get()->old_password.empty();
}

void PasswordKeeper::Look(const Reports& monitored) {
  if (!AreChanging() || Clock::now() < look_at_) return;
  look_at_ = Clock::now() + kTellEvery;
  accepted_.Check(users_conf_.Read());
  if (!loop_.session().connected()) return;
  std::erase_if(of_groups_, [&monitored](const auto& entry) { return !monitored.contains(entry.first); });
  const int generation = loop_.passwords().generation();
  auto done = TellPeers();
  if (const auto groups = TellGroups(monitored); done) done = groups;
  if (!done) {
    log_problem_(log::Severity::kWarn, {.event = "passwords-not-told"},
                 "redis-sentinel does not use the changed passwords everywhere yet, retrying: " +
                     done.error().message);
    return;
  }
  log_problem_.Reset();
  told_ = generation;
}

Status PasswordKeeper::TellGroups(const Reports& monitored) {
  std::vector<std::string> names;
  for (const auto& [name, report] : monitored) {
    if (reader_.listed().contains(name)) names.push_back(name);
  }
  // Where the last turn ended, for its time may not have been enough for all.
  std::rotate(names.begin(), std::upper_bound(names.begin(), names.end(), last_told_), names.end());
  const TimePoint deadline = Clock::now() + kTellFor;
  for (const auto& name : names) {
    if (Clock::now() >= deadline) return Fail(ErrorKind::kTimeout, "not all groups were looked at yet");
    last_told_ = name;
    const auto members = reader_.ListMembers({name});
    if (!members) return tl::unexpected(members.error());
    if (auto told = TellGroup(name, ForGroup(monitored.at(name).master, members->at(name))); !told)
      return told;
  }
  return {};
}

Status PasswordKeeper::TellGroup(const std::string& group, const std::optional<std::string>& auth_pass) {
  std::optional<std::string> value;
  for (const auto& [directive, values] : SettingsOf(users_conf_.Read(), options_, group, auth_pass)) {
    if (directive == "auth-pass" && !values.empty()) value = values.front();
  }
  const auto told = of_groups_.find(group);
  if (!value || (told != of_groups_.end() && told->second == *value)) return {};
  const auto answers = own_sentinel_->Ask({{"SENTINEL", "SET", group, "auth-pass", *value}});
  if (!answers) return tl::unexpected(answers.error());
  // Its answer is not shown: it may repeat a password.
  if (answers->front().is_error()) return Fail(ErrorKind::kRefused, "it refuses SENTINEL SET auth-pass");
  of_groups_.insert_or_assign(group, *value);
  log::Info({.event = "auth-pass-changed", .group = group}, "redis-sentinel gives the {} password to {}",
            *value == options_.common.credentials.redis.Get()->old_password ? "old" : "new", group);
  return {};
}

Status PasswordKeeper::TellPeers() {
  const auto registered = loop_.registry().sentinels.List(Watch::kNo);
  if (!registered) return tl::unexpected(registered.error());
  const auto value = ForPeers(*registered);
  if (!value || value == of_peers_) return {};
  const auto answers = own_sentinel_->Ask({{"SENTINEL", "CONFIG", "SET", "sentinel-pass", *value}});
  if (!answers) return tl::unexpected(answers.error());
  if (answers->front().is_error())
    return Fail(ErrorKind::kRefused,
                "it refuses SENTINEL CONFIG SET sentinel-pass, as before 6.2; restart this sentinel-wrapper");
  of_peers_ = value;
  log::Info({.event = "sentinel-pass-changed"}, "redis-sentinel gives the {} password to the other Sentinels",
            *value == options_.common.credentials.sentinel.Get()->old_password ? "old" : "new");
  return {};
}

}  // namespace redis_zk::sentinel_wrapper
