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
// Without an old password there is no choice, and nobody to be asked.
constexpr const char* kNoZooKeeper = "ZooKeeper is away, which lists who has to accept the new one";

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
  return network_.redis.FindPassword(ServersOf(master, members));
}

Result<std::optional<std::string>> PasswordKeeper::FindForGroup(const std::string& group,
                                                                const Endpoint& master) {
  if (options_.common.credentials.redis.Get()->old_password.empty()) return ForGroup(master, {});
  if (!loop_.session().connected()) return Fail(ErrorKind::kUnavailable, kNoZooKeeper);
  const auto members = reader_.ListMembers({group});
  if (!members) return tl::unexpected(members.error());
  return ForGroup(master, members->at(group));
}

Result<std::optional<std::string>> PasswordKeeper::FindForPeers() {
  if (options_.common.credentials.sentinel.Get()->old_password.empty()) return ForPeers({});
  if (!loop_.session().connected()) return Fail(ErrorKind::kUnavailable, kNoZooKeeper);
  const auto registered = loop_.registry().sentinels.List(Watch::kNo);
  if (!registered) return tl::unexpected(registered.error());
  return ForPeers(*registered);
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

void PasswordKeeper::Reset(const Monitoring& monitoring, bool takes_users) {
  // Logged in from now on: later the files may no longer have the password that it was launched with.
  if (!monitoring.groups.empty()) (void)own_sentinel_->Ask({{"PING"}});
  accepted_.NoteLaunch(takes_users ? monitoring.passwords : daemon::ServerPasswords::kNotAll);
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
  // One that is monitored anew has been told something else.
  std::erase_if(of_groups_, [&monitored](const auto& entry) { return !monitored.contains(entry.first); });
  if (!AreChanging() || Clock::now() < look_at_) return;
  const bool accepts = accepted_.Check(users_conf_.Read());
  const int generation = loop_.passwords().generation();
  if (Tell(monitored) && accepts) told_ = generation;
  // From the end: whoever is silent takes the whole time of a question, each time.
  look_at_ = Clock::now() + kTellEvery;
}

void PasswordKeeper::LookRefused() {
  if (!AreChanging() || Clock::now() < look_at_) return;
  (void)accepted_.Check(users_conf_.Read());
  look_at_ = Clock::now() + kTellEvery;
}

bool PasswordKeeper::Tell(const Reports& monitored) {
  auto done = TellPeers();
  if (const auto groups = TellGroups(monitored); done) done = groups;
  if (!done) {
    log_problem_(log::Severity::kWarn, {.event = "passwords-not-told"},
                 "redis-sentinel does not use the changed passwords everywhere yet, retrying: " +
                     done.error().message);
    return false;
  }
  log_problem_.Reset();
  return true;
}

Status PasswordKeeper::TellGroups(const Reports& monitored) {
  std::vector<std::string> names;
  const bool asks_members = !options_.common.credentials.redis.Get()->old_password.empty();
  for (const auto& [name, report] : monitored) {
    if (!asks_members || reader_.listed().contains(name)) names.push_back(name);
  }
  // Where the last turn ended, for its time may not have been enough for all.
  std::rotate(names.begin(), std::upper_bound(names.begin(), names.end(), last_told_), names.end());
  const TimePoint deadline = Clock::now() + kTellFor;
  for (const auto& name : names) {
    if (Clock::now() >= deadline) return Fail(ErrorKind::kTimeout, "not all groups were looked at yet");
    last_told_ = name;
    const auto auth_pass = FindForGroup(name, monitored.at(name).master);
    if (!auth_pass) return tl::unexpected(auth_pass.error());
    if (auto told = TellGroup(name, *auth_pass); !told) return told;
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
  const auto found = FindForPeers();
  if (!found) return tl::unexpected(found.error());
  const auto& value = *found;
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
