#include "support/fake_servers.h"

#include <signal.h>

#include <fstream>
#include <utility>

#include "base/exit_code.h"
#include "base/log.h"
#include "os/child.h"
#include "redis/conf_syntax.h"

namespace redis_zk::testing {

class FakeServers::Server final : public os::Process {
 public:
  Server(FakeServers& servers, std::shared_ptr<Run> run, std::optional<Duration> stops_in)
      : servers_(servers), run_(std::move(run)), stops_in_(stops_in) {}
  ~Server() override { servers_.End(run_, kExitSignalBase + SIGKILL); }

  pid_t pid() const override { return run_->pid; }
  bool Leads(pid_t other) const override { return other == run_->pid + 1; }
  void Signal(int number) const override {
    if (number != SIGTERM || !stops_in_ || std::exchange(run_->stopping, true)) return;
    servers_.time_.At(Clock::now() + *stops_in_,
                      [&servers = servers_, run = run_] { servers.End(run, kExitStopped); });
  }
  void Kill() const override { servers_.End(run_, kExitSignalBase + SIGKILL); }
  std::optional<int> Reap() override { return run_->exit_code; }

 private:
  FakeServers& servers_;
  const std::shared_ptr<Run> run_;
  const std::optional<Duration> stops_in_;
};

os::Launcher FakeServers::Launcher() {
  return [this](const os::ChildSpec& spec) -> Result<std::unique_ptr<os::Process>> {
    if (before_launch) before_launch();
    if (manners.not_launched) return tl::unexpected(*manners.not_launched);
    Run run{.pid = last_pid_ += 10, .priority = "100"};
    std::ifstream conf(spec.argv.back());
    for (std::string line; std::getline(conf, line);) {
      const auto words = redis::SplitConfLine(line).value_or(std::vector<std::string>{});
      if (words.size() < 2) continue;
      if (words[0] == "bind") run.endpoint.host = words[1];
      if (words[0] == "port") run.endpoint.port = static_cast<std::uint16_t>(std::stoi(words[1]));
      if (words[0] == "replica-priority") run.priority = words[1];
      if (words[0] == "replicaof" && words[1] != "no")
        run.master = {words[1], static_cast<std::uint16_t>(std::stoi(words[2]))};
    }
    for (const auto& line : manners.says) {
      if (spec.log_edit) log::Info({.event = "fake-server"}, "{}", spec.log_edit(line));
    }
    launched.push_back(run.master.host.empty() ? "master" : "replica of " + run.master.ToAddress());
    run_ = std::make_shared<Run>(std::move(run));
    const auto plan = [&](Duration after, std::function<void()> what) {
      time_.At(Clock::now() + after, [run = run_, what = std::move(what)] {
        if (!run->exit_code) what();
      });
    };
    if (manners.ends_with) {
      plan(manners.serves_after, [this, run = run_, code = *manners.ends_with] { End(run, code); });
    } else {
      plan(manners.serves_after, [this, run = run_, how = manners] { Serve(run, how); });
    }
    return std::make_unique<Server>(*this, run_, manners.stops_in);
  };
}

void FakeServers::Serve(const std::shared_ptr<Run>& run, const Manners& how) {
  const bool is_replica =
      how.role.value_or(run->master.host.empty() ? redis::Role::kMaster : redis::Role::kReplica) ==
      redis::Role::kReplica;
  if (is_replica && fleet_.has_redis(run->master)) {
    auto& replica = fleet_.AddReplica(run->endpoint, run->master);
    replica.link_up = false;
    replica.synchronising = true;
    replica.offset = redis::kNoMasterKnown;
    replica.previous_replication_id.clear();
    time_.At(Clock::now() + how.loads_for + how.copies_for, [this, run] {
      if (run->exit_code) return;
      auto& copied = fleet_.redis(run->endpoint);
      if (copied.role != redis::Role::kReplica || !fleet_.has_redis(copied.master)) return;
      const auto& master = fleet_.redis(copied.master);
      if (master.state != FakeFleet::State::kAnswers) return;
      copied.link_up = true;
      copied.synchronising = false;
      copied.offset = master.offset;
      copied.replication_id = master.replication_id;
      copied.keys = master.keys;
    });
  } else {
    auto& master = fleet_.AddMaster(run->endpoint);
    master.keys = how.keys;
    master.offset = how.offset;
  }
  auto& redis = fleet_.redis(run->endpoint);
  redis.process_id = run->pid;
  redis.config["replica-priority"] = run->priority;
  redis.loading = how.loads_for > Duration::zero();
  if (how.with) how.with(redis);
  if (!redis.loading) return;
  time_.At(Clock::now() + how.loads_for, [this, run] {
    if (!run->exit_code) fleet_.redis(run->endpoint).loading = false;
  });
}

void FakeServers::End(int exit_code) { End(run_, exit_code); }

void FakeServers::End(const std::shared_ptr<Run>& run, int exit_code) {
  if (run->exit_code) return;
  run->exit_code = exit_code;
  if (fleet_.has_redis(run->endpoint)) fleet_.redis(run->endpoint).state = FakeFleet::State::kGone;
  pthread_kill(loop_, SIGCHLD);
}

}  // namespace redis_zk::testing
