#include "redis-wrapper/wrapper.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <set>
#include <utility>

#include "base/exit_code.h"
#include "base/random_id.h"
#include "process/server_conf.h"
#include "redis-wrapper/follow.h"
#include "redis-wrapper/server_conf.h"

namespace redis_zk::redis_wrapper {

namespace {

using Action = Decision::Action;
using Answer = daemon::WrapperLoop::Answer;
using zookeeper::Watch;

// How long a Redis or Sentinel may take to answer before it counts as silent.
constexpr Duration kProbeTimeout = 500ms;
// How often an undecided start looks again although ZooKeeper said nothing: a Redis that comes up says
// nothing.
constexpr Duration kLookAgain = 500ms;
// How often a running server's replication is checked.
constexpr Duration kReplicationCheck = 2s;
// A failover takes a second or two; asking faster only earns INPROG.
constexpr Duration kFailoverPatience = 3s;

}  // namespace

Wrapper::Wrapper(const WrapperOptions& options, const BlockedSignals& signals)
    : options_(options),
      loop_(options.common, options.server, signals),
      self_{.uuid = NewUuid(), .endpoint = options.server.announce},
      lock_(loop_.session(), loop_.registry().MasterPath(options.common.master_name),
            "redis-wrapper " + options.server.announce.ToAddress()) {}

int Wrapper::Run() {
  if (const auto code = loop_.Connect()) return *code;
  while (true) {
    const auto decision = Settle();
    if (!decision) return decision.error();
    const auto serving = Enter(*decision);
    if (!serving) return serving.error();
    if (*serving) return Supervise();
  }
}

Status Wrapper::RegisterMember() {
  const std::string& group = options_.common.master_name;
  if (registered_session_ == loop_.session().id()) return {};
  const std::int64_t session = loop_.session().id();
  auto registered = loop_.registry().RegisterMember(group, self_);
  if (!registered && registered.error().kind == ErrorKind::kNotFound) {
    if (auto made = loop_.registry().EnsureGroup(group); !made) return made;
    registered = loop_.registry().RegisterMember(group, self_);
  }
  if (registered) registered_session_ = session;
  return registered;
}

Result<View> Wrapper::Look(bool locked) {
  const std::string& group = options_.common.master_name;
  const Endpoint& self = options_.server.announce;
  View view;
  view.self = self;
  view.locked = locked;
  const auto record = loop_.registry().ReadRecord(group, Watch::kYes);
  if (!record) return tl::unexpected(record.error());
  view.record = record_ = *record;

  // An ordinary start of a replica needs to know no more than that the recorded master is one.
  const bool other_recorded = record->state == registry::Record::State::kMaster && record->master != self;
  if (other_recorded) {
    const auto info = redis::AskServerInfo(record->master, options_.common.redis, kProbeTimeout);
    if (info) {
      view.living.emplace(record->master, *info);
      if (info->role == redis::Role::kMaster) return view;
    } else {
      spdlog::debug("the recorded master: {}", info.error().message);
    }
  }

  const auto sentinels = loop_.registry().ListSentinels(Watch::kYes);
  if (!sentinels) return tl::unexpected(sentinels.error());
  sentinels_.clear();
  for (const auto& sentinel : *sentinels) sentinels_.push_back(sentinel.endpoint);
  std::vector<redis::SentinelReport> reports;
  for (auto& report : redis::AskSentinels(sentinels_, options_.common.sentinel, group, kProbeTimeout)) {
    if (report) reports.push_back(std::move(*report));
  }
  view.sentinels_answering = reports.size();
  view.sentinels_say = redis::FindMajority(reports, sentinels_.size());

  const auto members = loop_.registry().ListMembers(group, Watch::kYes);
  if (!members) return tl::unexpected(members.error());
  std::set<Endpoint> others;
  for (const auto& member : *members) others.insert(member.endpoint);
  if (view.sentinels_say) others.insert(view.sentinels_say->master);
  others.erase(self);
  const std::vector<Endpoint> asked(others.begin(), others.end());
  const auto infos = redis::AskServerInfos(asked, options_.common.redis, kProbeTimeout);
  for (std::size_t i = 0; i < asked.size(); ++i) {
    if (infos[i]) view.living.insert_or_assign(asked[i], *infos[i]);
  }
  return view;
}

Result<std::optional<Decision>> Wrapper::DecideUnderLock() {
  const auto held = lock_.Acquire();
  if (!held) return tl::unexpected(held.error());
  if (!*held) return std::nullopt;
  const auto view = Look(true);
  if (!view) return tl::unexpected(view.error());
  return Decide(*view);
}

Result<std::optional<Decision>> Wrapper::TrySettle() {
  if (auto registered = RegisterMember(); !registered) return tl::unexpected(registered.error());
  const auto view = Look(false);
  if (!view) return tl::unexpected(view.error());
  Decision decision = Decide(*view);
  if (decision.needs_lock) {
    auto locked = DecideUnderLock();
    if (!locked) return locked;
    if (!locked->has_value()) {
      waiting_for_ = "another node of the group holds the lock; waiting for it to decide";
      return std::nullopt;
    }
    decision = std::move(**locked);
  }
  if (decision.action != Action::kWait) return decision;
  waiting_for_ = decision.reason;
  if (auto released = lock_.Release(); !released) return tl::unexpected(released.error());
  if (decision.ask_failover) RequestFailover("a living replica should take over");
  return std::nullopt;
}

OrExit<Decision> Wrapper::Settle() {
  const Duration patience = options_.server.master_wait_timeout;
  const TimePoint deadline = patience == Duration::zero() ? TimePoint::max() : Clock::now() + patience;
  while (true) {
    loop_.TakeZooKeeperNews();
    const auto settled = TrySettle();
    if (settled && settled->has_value()) return **settled;
    if (!settled) waiting_for_ = settled.error().message;
    log_waiting_(waiting_for_);
    const TimePoint look_again = std::min(deadline, Clock::now() + kLookAgain);
    while (!loop_.stop_requested() && !loop_.TakeZooKeeperNews() && Clock::now() < look_again)
      loop_.Pump(look_again);
    if (loop_.stop_requested()) return tl::unexpected<int>(kExitStopped);
    if (Clock::now() >= deadline) {
      spdlog::error("no master within {} ms (MASTER_WAIT_TIMEOUT): {}", patience.count(), waiting_for_);
      return tl::unexpected<int>(kExitTryAgain);
    }
  }
}

Result<Answer> Wrapper::Probe(const Decision& decision) const {
  const auto info = redis::AskServerInfo(options_.server.bind, options_.common.redis, kProbeTimeout);
  if (!info) {
    if (info.error().kind != ErrorKind::kRefused) return Answer::kNone;
    return Fail("the server does not take REDIS_USERNAME and REDIS_PASSWORD", info.error());
  }
  if (info->loading) return Answer::kLoading;
  const auto wanted =
      decision.action == Action::kServeAsMaster ? redis::Role::kMaster : redis::Role::kReplica;
  if (info->role != wanted) return Fail(ErrorKind::kInternal, "the server runs in the wrong role");
  return Answer::kServing;
}

OrExit<bool> Wrapper::Enter(const Decision& decision) {
  const bool as_master = decision.action == Action::kServeAsMaster;
  const auto& server = options_.server;
  const std::string conf_path =
      process::AbsolutePath(fmt::format("{}/redis-wrapper-{}.conf", server.work_dir, server.bind.port));
  const auto conf =
      RenderServerConf(options_, as_master ? std::nullopt : std::optional<Endpoint>(decision.master));
  if (const auto written = process::WriteConf(conf_path, conf); !written) {
    spdlog::error("WORK_DIR: {}", written.error().message);
    return tl::unexpected<int>(kExitConfig);
  }
  if (const auto code = loop_.Launch(options_.redis_server_bin, conf_path)) return tl::unexpected(*code);
  if (const auto code = loop_.AwaitServing([&] { return Probe(decision); })) return tl::unexpected(*code);
  if (const auto recorded = RecordDecision(decision); !recorded) {
    spdlog::warn("{}; starting over", recorded.error().message);
    // Nobody has been told of this server yet, so it can go without a loss.
    loop_.StopServer();
    if (loop_.stop_requested()) return tl::unexpected<int>(kExitStopped);
    return false;
  }
  spdlog::info("serving as {} on {}: {}",
               as_master ? "master" : fmt::format("replica of {}", decision.master.ToAddress()),
               server.bind.ToAddress(), decision.reason);
  return true;
}

// Under the lock the record is made to say what was decided; then the lock goes to the next.
Status Wrapper::RecordDecision(const Decision& decision) {
  if (lock_.node().empty()) return {};
  const Endpoint& master = decision.action == Action::kServeAsMaster ? self_.endpoint : decision.master;
  if (decision.needs_lock) {
    const auto written = loop_.registry().WriteRecord(options_.common.master_name, record_, master,
                                                      record_.epoch, decision.reason, lock_.node());
    if (!written) return written;
    record_.state = registry::Record::State::kMaster;
    record_.master = master;
  }
  if (const auto released = lock_.Release(); !released) spdlog::debug("{}", released.error().message);
  return {};
}

int Wrapper::Supervise() {
  TimePoint check_at = Clock::now();
  loop_.TakeZooKeeperNews();
  KeepRegistered();
  while (!loop_.exit_code()) {
    loop_.Pump(check_at);
    if (loop_.exit_code()) break;
    if (loop_.TakeZooKeeperNews()) KeepRegistered();
    if (Clock::now() >= check_at) {
      CheckReplication();
      check_at = Clock::now() + kReplicationCheck;
    }
  }
  const int code = *loop_.exit_code();
  if (!loop_.stop_requested()) {
    spdlog::error("redis-server ended with {}", code);
    if (record_.state == registry::Record::State::kMaster && record_.master == self_.endpoint) {
      RequestFailover("the master's redis-server has died");
    }
  }
  return code;
}

// Reads again what is followed, with its watches, and renews the membership in a new session.
void Wrapper::KeepRegistered() {
  if (!loop_.session().connected()) return;
  const auto refreshed = [this]() -> Status {
    if (auto registered = RegisterMember(); !registered) return registered;
    // A lock that was left half-taken must not stand in anybody's way.
    if (auto released = lock_.Release(); !released) return released;
    const auto record = loop_.registry().ReadRecord(options_.common.master_name, Watch::kYes);
    if (!record) return tl::unexpected(record.error());
    record_ = *record;
    const auto sentinels = loop_.registry().ListSentinels(Watch::kYes);
    if (!sentinels) return tl::unexpected(sentinels.error());
    sentinels_.clear();
    for (const auto& sentinel : *sentinels) sentinels_.push_back(sentinel.endpoint);
    return {};
  }();
  if (!refreshed) spdlog::warn("{}", refreshed.error().message);
}

void Wrapper::CheckReplication() {
  if (loop_.stop_requested()) return;
  // A refresh that failed is made up for.
  if (loop_.session().connected() && registered_session_ != loop_.session().id()) KeepRegistered();
  const auto own = redis::AskServerInfo(options_.server.bind, options_.common.redis, kProbeTimeout);
  if (!own) return;
  const auto master = MissedMaster(*own, self_.endpoint, record_);
  if (!master) return;
  const auto info = redis::AskServerInfo(*master, options_.common.redis, kProbeTimeout);
  if (!info || info->role != redis::Role::kMaster) return;
  spdlog::warn("the link to {} is down and the record says that {} is the master: following it",
               own->master.ToAddress(), master->ToAddress());
  const auto redirected =
      redis::Ask(options_.server.bind, options_.common.redis,
                 {{"REPLICAOF", master->host, std::to_string(master->port)}}, kProbeTimeout);
  if (!redirected || redirected->front().is_error()) spdlog::warn("REPLICAOF failed; trying again later");
}

void Wrapper::RequestFailover(const std::string& why) {
  const TimePoint now = Clock::now();
  if (failover_asked_at_ != TimePoint{} && now - failover_asked_at_ < kFailoverPatience) return;
  failover_asked_at_ = now;
  const std::string& group = options_.common.master_name;
  for (const auto& report : redis::AskSentinels(sentinels_, options_.common.sentinel, group, kProbeTimeout)) {
    // Only a Sentinel that sees us as the master: elsewhere the failover has already happened.
    if (!report || report->master != self_.endpoint) continue;
    const auto asked =
        redis::RequestFailover(report->sentinel, options_.common.sentinel, group, kProbeTimeout);
    if (asked) {
      spdlog::info("{}: asked Sentinel {} for a failover", why, report->sentinel.ToAddress());
      return;
    }
    spdlog::warn("{}: Sentinel refuses a failover: {}", why, asked.error().message);
  }
  spdlog::warn("{}, but no Sentinel was found that can fail over", why);
}

}  // namespace redis_zk::redis_wrapper
