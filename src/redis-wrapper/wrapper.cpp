#include "redis-wrapper/wrapper.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "base/exit_code.h"
#include "base/file.h"
#include "base/log.h"
#include "base/random_id.h"
#include "base/unix_time.h"
#include "redis-wrapper/command_check.h"
#include "redis-wrapper/data_files_check.h"
#include "redis-wrapper/failed_loads.h"
#include "redis-wrapper/redis_conf.h"
#include "redis-wrapper/server_conf.h"
#include "redis-wrapper/serving.h"

namespace redis_zk::redis_wrapper {

namespace {

using Action = Decision::Action;
using daemon::Answer;

// A server whose wrapper was killed ends within a moment.
constexpr Duration kClaimAgain = 50ms;
// A start that cannot succeed does not wait for a ZooKeeper that is away.
constexpr Duration kTellWithin = 3s;
// How the line of ours begins that accepts two passwords.
constexpr std::string_view kOwnUser = "user default on ";

// Of a file that cannot be read nothing is known, and the wrapper does not start.
std::int64_t PriorityIn(const Result<redis::Conf>& users) {
  return users ? FindReplicaPriority(*users) : store::kDefaultPriority;
}

}  // namespace

Wrapper::Wrapper(const WrapperOptions& options, const BlockedSignals& signals,
                 const daemon::Connections& connections, os::Launcher launch)
    : options_(options),
      users_conf_(redis::ReadConf(options.redis_conf, options.server.work_dir)),
      network_(connections.network),
      loop_(options.common, options.server, signals, connections.open_session, "redis-wrapper"),
      runner_(loop_, options.server, std::move(launch)),
      address_claim_(loop_, options.common, options.server, network_.redis, "redis-wrapper"),
      own_server_(network_.redis.Keep(options.server.bind)),
      server_passwords_(loop_.passwords(), options.common.credentials.redis, *own_server_, "redis-server"),
      copy_lock_(*own_server_),
      keeper_(FindDataFiles(options.redis_conf, options.server.work_dir), loop_.registry(),
              options.common.master_name, options.server.announce, PriorityIn(users_conf_)),
      lookup_(options, network_, loop_.registry()),
      self_{.uuid = NewUuid(),
            .endpoint = options.server.announce,
            .node = keeper_.node(),
            .dataset = keeper_.Find(),
            .priority = PriorityIn(users_conf_),
            .version = REDIS_ZK_VERSION},
      lock_(loop_.session(), loop_.registry().records.Path(options.common.master_name), options.name()),
      settling_(options, network_, loop_, address_claim_, keeper_, lookup_, lock_, self_) {}

int Wrapper::Run() {
  if (const auto code = CheckConf()) return EndUnserved(*code);
  if (const auto code = ClaimData()) return *code;
  if (const auto code = CheckData()) return EndUnserved(*code);
  if (const auto code = loop_.Connect()) return *code;
  if (const auto code = address_claim_.Await()) return EndUnserved(*code);
  while (true) {
    const auto decision = settling_.Settle();
    if (!decision) return decision.error();
    record_ = settling_.record();
    const auto serving = Enter(*decision);
    if (!serving) return serving.error();
    if (*serving)
      return Serving({options_,
                      *users_conf_,
                      network_,
                      loop_,
                      runner_,
                      address_claim_,
                      *own_server_,
                      server_passwords_,
                      lock_,
                      lookup_,
                      keeper_,
                      {copy_lock_, led_id_}},
                     self_, record_)
          .Run();
    // What was loaded may have been replaced meanwhile.
    self_.dataset = keeper_.Find();
    if (const auto code = CheckData()) return EndUnserved(*code);
  }
}

int Wrapper::EndUnserved(int code) {
  if (code == kExitStopped) return code;
  const TimePoint until = Clock::now() + kTellWithin;
  loop_.session().Maintain(Clock::now());
  while (!loop_.session().connected() && !loop_.stop_requested() && Clock::now() < until) loop_.Pump(until);
  if (loop_.session().connected()) keeper_.TellUnserved(code);
  return code;
}

std::optional<int> Wrapper::CheckConf() const {
  if (!users_conf_) {
    log::Error({.event = "conf-refused"}, "exiting: {}", users_conf_.error().message);
    return kExitConfig;
  }
  if (redis::LogFindings(CheckRedisConf(*users_conf_, options_))) return kExitConfig;
  if (!options_.force_master.empty())
    log::Warn(
        {.event = "force-master-set"},
        "FORCE_MASTER={} is set: when the group begins anew, the data that it selects replace those of all "
        "other nodes, also newer ones, and without COLD_START_WAIT; remove it once the group serves",
        options_.force_master);
  return std::nullopt;
}

std::optional<int> Wrapper::ClaimData() {
  // As long as the stop of a predecessor may take, or the end of a server whose wrapper was killed.
  const TimePoint deadline = Clock::now() + options_.handover_timeout + options_.server.stop_timeout;
  for (auto claimed = keeper_.Claim(); !claimed; claimed = keeper_.Claim()) {
    if (Clock::now() >= deadline) {
      log::Error({.event = "data-dir-in-use"}, "exiting: {}", claimed.error().message);
      return kExitTryAgain;
    }
    loop_.SayWaiting({.name = "data-directory",
                      .sentence = claimed.error().message + "; waiting until that one exits",
                      .failing = true,
                      .until = deadline});
    loop_.Pump(std::min(deadline, Clock::now() + kClaimAgain));
    if (loop_.stop_requested()) return kExitStopped;
  }
  // An earlier server may have saved until now.
  self_.node = keeper_.node();
  self_.dataset = keeper_.Find();
  return std::nullopt;
}

std::optional<int> Wrapper::CheckData() {
  const LoadPlan& plan = keeper_.plan();
  if (const auto unreadable = FindUnreadable(keeper_.files(), plan.loads)) {
    log::Error({.event = "data-unreadable"}, "exiting: {}", unreadable->told);
    return unreadable->for_rights ? kExitConfig : kExitTryAgain;
  }
  if (!plan.refusal.empty()) {
    log::Error({.event = "data-ambiguous"}, "{}", plan.refusal);
    return kExitConfig;
  }
  if (!plan.remark.empty()) log_data_(log::Severity::kWarn, {.event = "data-choice"}, plan.remark);
  return std::nullopt;
}

Result<Answer> Wrapper::Probe(const Decision& decision) {
  const auto info = own_server_->AskInfo();
  if (!info) {
    if (info.error().cause == Cause::kFull)
      loop_.SayWaiting({.name = "server-full", .sentence = info.error().message, .failing = true});
    if (info.error().kind != ErrorKind::kRefused) return Answer::kNone;
    return Fail(ErrorKind::kRefused, ExplainRefusal(info.error(), *users_conf_, options_));
  }
  if (auto foreign = runner_.NotOurs(info->process_id)) return Fail(ErrorKind::kInvalid, std::move(*foreign));
  if (info->loading) return Answer::kLoading;
  const auto wanted =
      decision.action == Action::kServeAsMaster ? redis::Role::kMaster : redis::Role::kReplica;
  if (info->role != wanted)
    return Fail(ErrorKind::kInternal,
                "redis-server started in the wrong role; remove replicaof from REDIS_CONF");
  if (runner_.RefusesOthers(network_.redis))
    return Fail(ErrorKind::kRefused, redis::ExplainProtectedMode("redis-server", "REDIS_PASSWORD",
                                                                 *users_conf_, options_.redis_conf));
  return Answer::kServing;
}

OrExit<bool> Wrapper::Enter(const Decision& decision) {
  const bool as_master = decision.action == Action::kServeAsMaster;
  if (const auto written = WriteConf(decision, /*takes_users=*/true); !written) {
    log::Error({.event = "run-dir-unwritable"}, "exiting: RUN_DIR: {}; free space or allow writing there",
               written.error().message);
    return tl::unexpected(EndUnserved(daemon::ExitCodeOfUnwritten(written.error())));
  }
  if (const auto code = address_claim_.Await()) return tl::unexpected(EndUnserved(*code));
  if (decision.needs_lock) {
    // The lock is a lease: who was frozen since it was taken may have lost it, and must not start as if he
    // had it.
    const auto held = lock_.Acquire();
    if (!held || !*held) {
      log::Warn({.event = "start-lock-lost"}, "the start lock was lost before the launch; deciding again");
      return false;
    }
  }
  if (const auto code = Launch(decision)) return tl::unexpected(*code);
  if (const auto recorded = RecordDecision(decision); !recorded) {
    log::Warn({.event = "record-failed"}, "{}; stopping redis-server and deciding again",
              recorded.error().message);
    // A new address is announced to no client yet; of one that returns, clients may know.
    runner_.Stop();
    if (loop_.stop_requested()) return tl::unexpected<int>(kExitStopped);
    return false;
  }
  log::Info({.event = "serving", .epoch = record_.epoch}, "serving as {} on {}: {}",
            as_master ? "master" : fmt::format("replica of {}", decision.master.ToAddress()),
            options_.server.bind.ToAddress(), decision.reason);
  return true;
}

Status Wrapper::WriteConf(const Decision& decision, bool takes_users) {
  std::optional<Endpoint> master;
  PasswordsToUse passwords{.takes_users = takes_users};
  if (decision.action != Action::kServeAsMaster) {
    master = decision.master;
    passwords.masterauth = network_.redis.FindPassword({decision.master});
  }
  // One that is launched with one password may accept both once it runs.
  server_passwords_.NoteLaunch(takes_users ? loop_.passwords().generation()
                                           : daemon::ServerPasswords::kNotAll);
  return runner_.WriteConf("redis-wrapper", RenderServerConf(options_, *users_conf_, master, passwords) +
                                                RenderLoading(keeper_.files(), keeper_.plan()));
}

daemon::Start Wrapper::RunServer(const Decision& decision) {
  const auto run = [&] {
    return runner_.Run(
        options_.redis_server_bin, [&] { return Probe(decision); }, keeper_.claim());
  };
  auto start = run();
  const bool refuses_user = start.kind == daemon::Start::Kind::kServerEnded && start.complaint &&
                            start.complaint->text.starts_with(kOwnUser);
  if (!refuses_user || !WriteConf(decision, /*takes_users=*/false)) return start;
  log::Warn(
      {.event = "server-user-refused"},
      "redis-server is older than 6.2 and does not start with two passwords; starting with one: clients "
      "may get errors while the password is changed");
  return run();
}

std::optional<int> Wrapper::Launch(const Decision& decision) {
  const bool as_master = decision.action == Action::kServeAsMaster;
  if (!as_master) keeper_.ExpectCopy(decision.replication_id);
  keeper_.DropCopy();
  const std::int64_t failed_before = keeper_.BeginLoad();
  const auto start = RunServer(decision);
  if (start.kind == daemon::Start::Kind::kServerEnded)
    LogServerEnded(start, log::Severity::kError, *users_conf_, options_.redis_conf, keeper_.files().dir);
  TellLoad(start, failed_before);
  if (!start.serving()) return start.OurExitCode();
  // A stranger may have waited for a server at this address, to make it a replica of its own.
  if (as_master) copy_lock_.Close();
  if (LacksCommands()) {
    runner_.Stop();
    return kExitConfig;
  }
  keeper_.SetConverting(NeedsConversion(keeper_.files(), keeper_.plan()));
  const auto own = own_server_->AskInfo();
  led_id_.clear();
  if (as_master && own && own->role == redis::Role::kMaster) {
    keeper_.WriteDown(*own, Clock::now());
    led_id_ = own->replication_id;
  }
  return std::nullopt;
}

bool Wrapper::LacksCommands() {
  const auto needed = NeededCommands(options_);
  const auto answers =
      own_server_->Ask(AskAboutCommands(needed, options_.common.credentials.redis.Get()->username));
  if (!answers) return false;
  const auto findings = JudgeCommands(needed, *users_conf_, *answers);
  for (const auto& sentence : findings.hinders) log::Warn({.event = "command-missing"}, "{}", sentence);
  if (findings.refusal.empty()) return false;
  log::Error({.event = "command-missing"}, "exiting: {}", findings.refusal);
  return true;
}

void Wrapper::TellLoad(const daemon::Start& start, std::int64_t failed_before) {
  const auto failed = FindFailedLoad(start);
  const bool asked = start.serving() || start.kind == daemon::Start::Kind::kStopped;
  keeper_.EndLoad(start.serving(), failed, asked ? 0 : start.OurExitCode());
  if (!failed || self_.dataset.empty()) return;
  log::Error({.event = "data-load-failed"}, "{}",
             DescribeFailedLoad(start, keeper_.files().dir, failed_before,
                                FindDamage(keeper_.files(), keeper_.plan().loads)));
}

Status Wrapper::RecordDecision(const Decision& decision) {
  self_.serving = true;
  self_.incomplete = decision.action != Action::kServeAsMaster;
  // Before the lock goes to the next: he must find this node among those that serve.
  if (auto registered = loop_.registry().members.Register(options_.common.master_name, self_); !registered) {
    if (decision.needs_lock) return registered;
    log::Debug({.event = "zookeeper-request-failed"}, "{}", registered.error().message);
  }
  if (lock_.node().empty()) return {};
  const auto is_news = decision.needs_lock ? WriteRecord(decision) : false;
  if (!is_news) return tl::unexpected(is_news.error());
  if (const auto released = lock_.Release(); !released)
    log::Debug({.event = "zookeeper-request-failed"}, "{}", released.error().message);
  if (*is_news)
    AddToEventLog("cold-start",
                  fmt::format("the master is {}: {}", self_.endpoint.ToAddress(), decision.reason));
  if (!decision.given_up.empty()) {
    log::Error({.event = "data-given-up", .epoch = record_.epoch}, "{}", decision.given_up);
    AddToEventLog("data-given-up", decision.given_up);
  }
  return {};
}

Result<bool> Wrapper::WriteRecord(const Decision& decision) {
  const bool leads = decision.action == Action::kServeAsMaster;
  // A master that returns, or is the first of all, is no news to any Sentinel.
  const store::NextRecord next{
      .master = leads ? self_.endpoint : decision.master,
      .epoch = decision.epoch,
      .reason = decision.reason,
      .origin = decision.epoch > record_.epoch ? store::Origin::kUnelected : store::Origin::kNamed};
  if (auto written = loop_.registry().records.Write(options_.common.master_name, record_, next, lock_.node());
      !written)
    return tl::unexpected(written.error());
  const bool is_news = leads && (decision.forced || next.master != record_.master);
  record_ = store::Replaced(record_, next);
  return is_news;
}

// The record's own reason is gone with the next failover.
void Wrapper::AddToEventLog(const std::string& kind, const std::string& sentence) {
  const std::string& group = options_.common.master_name;
  loop_.registry().event_log.Add({.time = UnixTime(),
                                  .group = group,
                                  .kind = kind,
                                  .sentence = fmt::format("{}: {}", group, sentence),
                                  .by = options_.name()});
}

}  // namespace redis_zk::redis_wrapper
