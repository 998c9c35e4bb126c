#include "sentinel-wrapper/wrapper.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "base/exit_code.h"
#include "base/random_id.h"
#include "process/server_conf.h"
#include "redis/connection.h"
#include "sentinel-wrapper/server_conf.h"

namespace redis_zk::sentinel_wrapper {

namespace {

using Answer = daemon::WrapperLoop::Answer;
using registry::Record;
using zookeeper::Watch;

constexpr Duration kProbeTimeout = 500ms;
// A watch can get lost with its session; the record is read again this often.
constexpr Duration kLookAgain = 1s;

}  // namespace

Wrapper::Wrapper(const WrapperOptions& options, const BlockedSignals& signals)
    : options_(options),
      loop_(options.common, options.server, signals),
      self_{NewUuid(), options.server.announce} {}

int Wrapper::Run() {
  if (const auto code = loop_.Connect()) return *code;
  const auto master = AwaitMaster();
  if (!master) return master.error();
  if (const auto code = Start(*master)) return *code;
  return Supervise();
}

tl::expected<Endpoint, int> Wrapper::AwaitMaster() {
  const std::string& group = options_.common.master_name;
  const Duration patience = options_.server.master_wait_timeout;
  const TimePoint deadline = patience == Duration::zero() ? TimePoint::max() : Clock::now() + patience;
  std::string waiting_for;
  while (true) {
    loop_.TakeZooKeeperNews();
    auto record = loop_.registry().ReadRecord(group, Watch::kYes);
    if (!record && record.error().kind == ErrorKind::kNotFound) {
      const auto made = loop_.registry().EnsureGroup(group);
      record = made ? loop_.registry().ReadRecord(group, Watch::kYes) : tl::unexpected(made.error());
    }
    if (!record) {
      waiting_for = record.error().message;
    } else if (record->state == Record::State::kMaster) {
      return record->master;
    } else if (record->state == Record::State::kUnreadable) {
      waiting_for = fmt::format("{}: found \"{}\", expected \"host port\"; waiting for it to be mended",
                                loop_.registry().MasterPath(group), record->found);
    } else {
      waiting_for = fmt::format("waiting for a master in {}", loop_.registry().MasterPath(group));
    }
    log_waiting_(waiting_for);
    const TimePoint look_again = std::min(deadline, Clock::now() + kLookAgain);
    while (!loop_.stop_requested() && !loop_.TakeZooKeeperNews() && Clock::now() < look_again)
      loop_.Pump(look_again);
    if (loop_.stop_requested()) return tl::unexpected<int>(kExitStopped);
    if (Clock::now() >= deadline) {
      spdlog::error("no master within {} ms (MASTER_WAIT_TIMEOUT): {}", patience.count(), waiting_for);
      return tl::unexpected<int>(kExitTryAgain);
    }
  }
}

Result<Answer> Wrapper::Probe() const {
  const auto answer = redis::Ask(options_.server.bind, options_.common.sentinel, {{"PING"}}, kProbeTimeout);
  if (answer && !answer->front().is_error()) return Answer::kServing;
  if (answer) return Fail(ErrorKind::kRefused, "redis-sentinel answers: " + answer->front().text);
  if (answer.error().kind != ErrorKind::kRefused) return Answer::kNone;
  return Fail("redis-sentinel does not take SENTINEL_PASSWORD", answer.error());
}

std::optional<int> Wrapper::Start(const Endpoint& master) {
  std::ifstream user_file(options_.sentinel_conf);
  std::ostringstream user_conf;
  user_conf << user_file.rdbuf();
  const auto conf = RenderServerConf(user_conf.str(), options_, master, SentinelIdOf(self_.uuid));
  for (const auto& line : conf.left_out) spdlog::warn("{}: left out {}", options_.sentinel_conf, line);
  const std::string conf_path = process::AbsolutePath(
      fmt::format("{}/sentinel-wrapper-{}.conf", options_.server.work_dir, options_.server.bind.port));
  if (const auto written = process::WriteConf(conf_path, conf.text); !written) {
    spdlog::error("WORK_DIR: {}", written.error().message);
    return kExitConfig;
  }
  if (const auto code = loop_.Launch(options_.sentinel_server_bin, conf_path)) return code;
  if (const auto code = loop_.AwaitServing([this] { return Probe(); })) return code;
  spdlog::info("serving on {}: monitoring {} at {} with a quorum of {}", options_.server.bind.ToAddress(),
               options_.common.master_name, master.ToAddress(), options_.quorum);
  return std::nullopt;
}

int Wrapper::Supervise() {
  KeepRegistered();
  while (!loop_.exit_code() && !loop_.stop_requested()) {
    loop_.Pump(Clock::now() + kLookAgain);
    KeepRegistered();
  }
  // Clients must stop finding it at the moment it stops, not when the session ends.
  if (loop_.session().connected()) {
    if (const auto gone = loop_.registry().UnregisterSentinel(self_.uuid); !gone) {
      spdlog::warn("{}", gone.error().message);
    }
  }
  if (loop_.stop_requested()) return loop_.StopServer();
  const int code = *loop_.exit_code();
  spdlog::error("redis-sentinel ended with {} although nobody asked it to", code);
  // Somebody's SHUTDOWN is no success of ours: who restarts on failure must see one.
  return code == 0 ? kExitTryAgain : code;
}

void Wrapper::KeepRegistered() {
  const std::int64_t session = loop_.session().id();
  if (!loop_.session().connected() || registered_session_ == session || loop_.exit_code() ||
      loop_.stop_requested())
    return;
  auto registered = loop_.registry().RegisterSentinel(self_);
  if (!registered && registered.error().kind == ErrorKind::kNotFound) {
    const auto made = loop_.registry().EnsureGroup(options_.common.master_name);
    registered = made ? loop_.registry().RegisterSentinel(self_) : made;
  }
  if (registered) {
    registered_session_ = session;
    spdlog::info("registered as {}", self_.uuid);
  } else {
    spdlog::warn("{}", registered.error().message);
  }
}

}  // namespace redis_zk::sentinel_wrapper
