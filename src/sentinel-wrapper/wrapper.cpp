#include "sentinel-wrapper/wrapper.h"

#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "base/exit_code.h"
#include "base/file.h"
#include "base/log.h"
#include "daemon/connect.h"
#include "daemon/master_wait.h"
#include "net/tls_context.h"
#include "redis/conf_syntax.h"
#include "redis/server_info.h"
#include "sentinel-wrapper/server_conf.h"
#include "sentinel/client.h"
#include "store/sentinel_id.h"

namespace redis_zk::sentinel_wrapper {

namespace {

using store::Record;
using zookeeper::Watch;

// A watch can get lost with its session.
constexpr Duration kLookAgain = 1s;
constexpr Duration kLookAgainSoon = 200ms;
// A burst of changes in ZooKeeper is one piece of news.
constexpr Duration kTurnAtMostEvery = 50ms;
// How redis-sentinel ends when it does not take its file.
constexpr int kRefusesFile = 1;

// Whether it is about a line that we have added.
bool OwnLine(const redis::ConfComplaint& complaint, const ServerConf& conf) {
  const auto added = conf.text.find(kAddedLines);
  return !complaint.text.empty() && conf.text.find(complaint.text, added) != std::string::npos;
}

}  // namespace

Wrapper::Wrapper(const WrapperOptions& options, const BlockedSignals& signals,
                 const daemon::Connections& connections, os::Launcher launch)
    : options_(options),
      users_conf_(options),
      network_(connections.network),
      loop_(options.common, options.server, signals, connections.open_session, "sentinel-wrapper"),
      runner_(loop_, options.server, std::move(launch)),
      address_claim_(loop_, options.common, options.server, network_.sentinels, "sentinel-wrapper"),
      hello_(options.common.redis_tls.source.get()),
      identities_(loop_, options_, network_),
      registration_(loop_, options_),
      groups_(loop_, options_, network_, hello_.servers),
      peer_announcer_(loop_, options_, hello_.servers),
      certificate_restart_(loop_, "sentinel-wrapper " + options.server.announce.ToAddress()) {}

int Wrapper::Run() {
  if (!users_conf_.last()) {
    log::Error({.event = "conf-refused"}, "exiting: {}", users_conf_.last().error().message);
    return kExitConfig;
  }
  // That is known without waiting for a master.
  if (const auto found = CheckSentinelConf(*users_conf_.last(), options_); !found.refusal.empty()) {
    log::Error({.event = "conf-refused"}, "exiting: {}", found.refusal);
    return kExitConfig;
  }
  if (const auto code = loop_.Connect()) return *code;
  if (const auto code = address_claim_.Await()) return *code;
  while (true) {
    const auto monitoring = Prepare();
    if (!monitoring) return monitoring.error();
    if (const auto code = address_claim_.Await()) return *code;
    if (const auto code = Start(*monitoring)) return *code;
    if (const auto code = Supervise()) return *code;
  }
}

tl::expected<Monitoring, int> Wrapper::Prepare() {
  // What an earlier Sentinel of ours knew is old by the time this one starts.
  groups_.Reset({});
  const auto record = AwaitMaster();
  if (!record) return tl::unexpected(record.error());
  if (!identities_.Acquire(record->epoch)) return tl::unexpected<int>(kExitStopped);
  while (true) {
    // Again: an identity may have taken its time.
    const auto record_now = AwaitMaster();
    if (!record_now) return tl::unexpected(record_now.error());
    auto monitoring = groups_.Survey(identities_.identity(), options_.common.master_name, *record_now);
    if (monitoring) {
      WarnOfRefusal(record_now->master);
      return *monitoring;
    }
    loop_.SayWaiting(daemon::WaitAfter(monitoring.error(), "zookeeper-request", "cannot read the groups"));
    loop_.Pump(Clock::now() + kLookAgainSoon);
    if (loop_.stop_requested()) return tl::unexpected<int>(kExitStopped);
  }
}

tl::expected<Record, int> Wrapper::AwaitMaster() {
  const std::string& group = options_.common.master_name;
  daemon::MasterWait wait(loop_, options_.server.master_wait_timeout);
  while (true) {
    loop_.TakeZooKeeperNews();
    if (const auto code = address_claim_.Await()) return tl::unexpected(*code);
    auto record = loop_.registry().records.Read(group, Watch::kYes);
    if (!record && record.error().kind == ErrorKind::kNotFound) {
      const auto made = loop_.registry().groups.Ensure(group);
      record = made ? loop_.registry().records.Read(group, Watch::kYes) : tl::unexpected(made.error());
    }
    daemon::Wait waits;
    if (!record) {
      waits = daemon::WaitAfter(record.error(), "zookeeper-request", "cannot read the record");
    } else if (record->state == Record::State::kMaster) {
      const auto told = options_.common.credentials.redis.MayTell(record->master);
      if (told && SomebodyLives(*record)) return *record;
      waits = !told ? daemon::WaitForTrust(told.error())
                    : daemon::Wait{.name = "silent-group",
                                   .sentence = fmt::format("the recorded master {} and its replicas are "
                                                           "unreachable; waiting until one answers",
                                                           record->master.ToAddress())};
    } else if (record->state == Record::State::kUnreadable) {
      waits = {
          .name = "unreadable-record",
          .sentence = fmt::format("{}: found \"{}\", expected \"host port\"; waiting for a repaired record",
                                  loop_.registry().records.Path(group), record->found),
          .failing = true};
    } else {
      waits = {.name = "master",
               .sentence = fmt::format("waiting for a master in {}", loop_.registry().records.Path(group))};
    }
    if (const auto code = wait.Await(kLookAgain, std::move(waits))) return tl::unexpected(*code);
  }
}

// Of a group of the dead, Sentinel would promote the first that returns, whatever its data.
bool Wrapper::SomebodyLives(const Record& record) {
  const auto members = loop_.registry().members.List(options_.common.master_name, Watch::kNo);
  const auto servers = ServersOf(record.master, members.value_or(std::vector<store::Member>{}));
  return !network_.redis.WhoAnswers(servers).empty();
}

void Wrapper::WarnOfRefusal(const Endpoint& master) {
  const auto info = network_.redis.AskInfo(master);
  if (!info && info.error().kind == ErrorKind::kRefused)
    log::Warn({.event = "peer-refused", .peer = master.ToAddress()},
              "{}; Sentinel will call that server down; {}", info.error().message,
              redis::HowToBeAccepted(info.error()));
}

Result<daemon::Answer> Wrapper::Probe() const {
  const auto answer = network_.sentinels.Ask(options_.server.bind, {{"INFO", "server"}});
  const bool is_protected =
      answer ? redis::IsProtected(answer->front().text) || runner_.RefusesOthers(network_.sentinels)
             : redis::IsProtected(answer.error().message);
  if (is_protected)
    return Fail(ErrorKind::kRefused,
                redis::ExplainProtectedMode("redis-sentinel", "SENTINEL_PASSWORD", *users_conf_.last(),
                                            options_.sentinel_conf));
  if (answer && answer->front().is_error())
    return Fail(ErrorKind::kRefused, "redis-sentinel refuses INFO: " + answer->front().text);
  if (answer) {
    auto foreign = runner_.NotOurs(redis::NumberIn(answer->front().text, "process_id"));
    if (foreign) return Fail(ErrorKind::kInvalid, std::move(*foreign));
    return daemon::Answer::kServing;
  }
  if (answer.error().kind != ErrorKind::kRefused) return daemon::Answer::kNone;
  return Fail(answer.error().cause == Cause::kTls
                  ? "redis-sentinel cannot be reached with TLS; look at REDIS_TLS and the tls lines of "
                    "SENTINEL_CONF"
                  : "redis-sentinel refuses SENTINEL_PASSWORD; make it match SENTINEL_CONF",
              answer.error());
}

std::optional<int> Wrapper::Start(const Monitoring& monitoring) {
  auto conf = Render(monitoring);
  if (redis::LogFindings(conf.findings)) return kExitConfig;
  auto start = Launch(conf);
  using Kind = daemon::Start::Kind;
  // It may take a file without our user. What it says of a line of the user's would stay true.
  const bool may_be_user = !start.complaint || OwnLine(*start.complaint, conf);
  if (conf.own_user && start.kind == Kind::kServerEnded && start.exit_code == kRefusesFile && may_be_user) {
    LogEnded(start, log::Severity::kWarn);
    log::Warn({.event = "sentinel-user-refused"},
              "redis-sentinel may be older than 6.2 and refuse the user {}; retrying without it{}",
              conf.hello.username.empty() ? "with two passwords" : conf.hello.username,
              conf.hello.username.empty() ? ", so clients may get errors while the password is changed"
                                          : ", so Sentinels of other deployments are not rejected; set "
                                            "SENTINEL_PASSWORD to reject them");
    takes_users_ = false;
    conf = Render(monitoring);
    start = Launch(conf);
  }
  if (start.kind == Kind::kServerEnded) LogEnded(start, log::Severity::kError);
  if (!start.serving()) return start.OurExitCode();
  hello_.credentials.Set(conf.hello);
  groups_.Reset(monitoring, takes_users_);
  peer_announcer_.Reset();
  std::string groups;
  for (const auto& group : monitoring.groups)
    groups += fmt::format("{}{} at {}", groups.empty() ? "" : ", ", group.name, group.master.ToAddress());
  log::Info({.event = "serving"}, "serving on {}: monitoring {} with a quorum of {}",
            options_.server.bind.ToAddress(), groups, options_.quorum);
  return std::nullopt;
}

ServerConf Wrapper::Render(const Monitoring& monitoring) {
  return RenderServerConf(users_conf_.Read(), options_, monitoring, takes_users_);
}

void Wrapper::LogEnded(const daemon::Start& start, log::Severity severity) const {
  daemon::LogServerEnded(start, severity, *users_conf_.last(), options_.sentinel_conf, runner_.directory());
}

daemon::Start Wrapper::Launch(const ServerConf& conf) {
  if (const auto written = runner_.WriteConf("sentinel-wrapper", conf.text); !written) {
    log::Error({.event = "run-dir-unwritable"}, "exiting: RUN_DIR: {}; free space or allow writing there",
               written.error().message);
    return {daemon::Start::Kind::kFailed, daemon::ExitCodeOfUnwritten(written.error())};
  }
  certificate_restart_.NoteLaunch();
  return runner_.Run(options_.sentinel_server_bin, [this] { return Probe(); });
}

std::optional<int> Wrapper::Supervise() {
  while (!loop_.exit_code() && !loop_.stop_requested()) {
    if (!KeepRegistered()) {
      log::Error(
          {.event = "identity-lost"},
          "another Sentinel took the identity {}; stopping redis-sentinel, which has the same id, to start "
          "with another identity",
          identities_.identity().uuid);
      registration_.Forget();
      runner_.Stop();
      return loop_.stop_requested() ? std::optional<int>(kExitStopped) : std::nullopt;
    }
    if (runner_.AddressIsLost()) {
      registration_.Remove(identities_.identity().uuid);
      runner_.Stop();
      return loop_.stop_requested() ? kExitStopped : kExitTryAgain;
    }
    NoteEpoch();
    // It may have changed.
    if (const auto own = options_.common.credentials.sentinel.Get(); !own->password.empty())
      hello_.credentials.Set(*own);
    auto restart = groups_.Look();
    if (!restart) restart = FindCertificateRestart();
    if (restart) {
      if (const auto code = Restart(*restart)) return code;
    }
    peer_announcer_.Look(identities_.identity(), groups_.followed());
    SayHealth();
    AwaitTurn();
  }
  registration_.Remove(identities_.identity().uuid);
  if (loop_.stop_requested()) return runner_.Stop();
  const int code = *loop_.exit_code();
  log::Error({.event = "server-exited"}, "redis-sentinel exited unexpectedly, code {}; {}", code,
             runner_.DescribeEnd(code));
  // A SHUTDOWN by a client is no success of ours: a scheduler that restarts on failure must see one.
  return code == 0 ? kExitTryAgain : code;
}

void Wrapper::AwaitTurn() {
  const TimePoint now = Clock::now();
  const TimePoint latest = now + (groups_.busy() ? kLookAgainSoon : kLookAgain);
  TimePoint until = latest;
  while (!loop_.exit_code() && !loop_.stop_requested() && Clock::now() < until) {
    loop_.Pump(until);
    if (!loop_.TakeZooKeeperNews()) continue;
    groups_.NoteNews();
    peer_announcer_.NoteNews();
    until = std::min(latest, now + kTurnAtMostEvery);
  }
}

std::optional<RestartRequest> Wrapper::FindCertificateRestart() {
  if (!certificate_restart_.IsWanted()) return std::nullopt;
  const std::string& group = options_.common.master_name;
  const auto record = loop_.registry().records.Read(group, Watch::kYes);
  const Status allowed = record ? CanBeMissed(*record) : tl::unexpected(record.error());
  if (!allowed) {
    certificate_restart_.GiveUp();
    log_postponed_(
        log::Severity::kWarn, {.event = "restart-postponed"},
        "cannot restart redis-sentinel for its certificates yet, retrying: " + allowed.error().message);
    return std::nullopt;
  }
  if (!certificate_restart_.IsDue()) return std::nullopt;
  return RestartRequest{.group = group, .record = *record, .reason = "it reads certificates when it starts"};
}

Status Wrapper::CanBeMissed(const Record& record) {
  if (record.state != Record::State::kMaster) return Fail(ErrorKind::kUnavailable, "no master is recorded");
  if (!groups_.IsQuiet())
    return Fail(ErrorKind::kUnavailable,
                "it sees a failover, a master that is down, or one that is not recorded");
  // With the new certificates, which may not be those that the others accept.
  if (const auto master = network_.redis.AskInfo(record.master); !master)
    return Fail("the master cannot be asked", master.error());
  const auto registered = loop_.registry().sentinels.List(Watch::kNo);
  if (!registered) return tl::unexpected(registered.error());
  auto others = store::PeersIn(*registered);
  std::erase_if(others, [this](const auto& peer) { return peer.endpoint == options_.server.announce; });
  const auto answers = sentinel::AskSentinels(network_.sentinels, others, options_.common.master_name);
  const auto answering =
      std::count_if(answers.begin(), answers.end(), [](const auto& answer) { return answer.has_value(); });
  // More than half of all, where there are enough for that.
  const std::size_t needed = std::min(others.size(), (others.size() + 1) / 2 + 1);
  if (static_cast<std::size_t>(answering) < needed)
    return Fail(ErrorKind::kUnavailable,
                fmt::format("{} of {} other Sentinels answer, {} are needed without this one", answering,
                            others.size(), needed));
  return {};
}

Status Wrapper::CanStart(const Monitoring& monitoring) {
  const auto& tls = options_.common.redis_tls;
  if (tls.source) {
    if (const auto loaded = TlsContext::Load(tls.files); !loaded) return tl::unexpected(loaded.error());
  }
  const auto conf = Render(monitoring);
  if (!conf.findings.refusal.empty()) return Fail(ErrorKind::kInvalid, conf.findings.refusal);
  return {};
}

std::optional<int> Wrapper::Restart(const RestartRequest& restart) {
  // Before the old one is stopped: from here on nothing depends on ZooKeeper.
  const auto monitoring = groups_.Survey(identities_.identity(), restart.group, restart.record);
  // One that cannot be started again is not stopped.
  const Status startable = monitoring ? CanStart(*monitoring) : tl::unexpected(monitoring.error());
  if (!startable) {
    certificate_restart_.GiveUp();
    log_postponed_(log::Severity::kWarn, {.event = "restart-postponed"},
                   "cannot restart redis-sentinel yet, retrying: " + startable.error().message);
    return std::nullopt;
  }
  log_postponed_.Reset();
  log::Warn({.event = "sentinel-restarting",
             .group = restart.group,
             .peer = restart.record.master.ToAddress(),
             .epoch = restart.record.epoch},
            "restarting redis-sentinel with {} at {}: {}", restart.group, restart.record.master.ToAddress(),
            restart.reason);
  registration_.Remove(identities_.identity().uuid);
  runner_.Stop();
  if (loop_.stop_requested()) return kExitStopped;
  return Start(*monitoring);
}

void Wrapper::SayHealth() {
  auto& health = loop_.health();
  const auto& answered = groups_.answered();
  if (!answered && answered.error().kind != ErrorKind::kRefused) {
    const std::string silence = "redis-sentinel is unreachable: " + answered.error().message;
    health.Say(false, silence);
    loop_.NoteWaiting(daemon::Wait{.name = "server-silent", .sentence = silence});
    return;
  }
  const bool unregistered = loop_.session().connected() && !registration_.is_current();
  if (!answered && answered.error().cause == Cause::kTls) {
    loop_.NoteWaiting(daemon::WaitForCertificates("redis-sentinel", answered.error()));
  } else if (!answered) {
    loop_.NoteWaiting(daemon::Wait{
        .name = "credentials",
        .sentence = fmt::format("redis-sentinel refuses our credentials: {}; make SENTINEL_PASSWORD match "
                                "SENTINEL_CONF",
                                answered.error().message),
        .needs_person = true});
  } else if (unregistered) {
    loop_.NoteWaiting(daemon::Wait{.name = "registration",
                                   .sentence = "waiting until this Sentinel is registered in ZooKeeper",
                                   .told = true});
  } else {
    loop_.NoteWaiting(runner_.FindStorageTrouble(runner_.directory()));
  }
  // A restart does not bring ZooKeeper back.
  ready_ = ready_ || registration_.exists();
  health.Say(ready_, fmt::format("Sentinel of {} at {}{}", options_.common.master_name,
                                 options_.server.announce.ToAddress(),
                                 registration_.exists() ? "" : "; not registered in ZooKeeper yet"));
}

void Wrapper::NoteEpoch() { identities_.NoteEpoch(EpochIn(ReadTextFile(runner_.conf_path()).value_or(""))); }

bool Wrapper::KeepRegistered() {
  if (!loop_.session().connected()) return true;
  const auto hold = identities_.Keep();
  if (hold == IdentityKeeper::Hold::kLost) return false;
  if (hold == IdentityKeeper::Hold::kUnsure) return true;
  if (registration_.Keep(identities_.identity().uuid)) {
    address_claim_.Keep();
    certificate_restart_.NoteRegistered();
  }
  return true;
}

}  // namespace redis_zk::sentinel_wrapper
