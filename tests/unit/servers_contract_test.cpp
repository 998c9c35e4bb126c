#include "support/servers_contract.h"

#include "support/fake_fleet.h"
#include "support/sentinels_contract.h"

namespace redis_zk::testing::servers_contract_test {
namespace {

class FakeServersWorld final : public ServersWorld {
 public:
  redis::Servers& servers() override { return fleet_.network().redis; }
  Duration timeout() const override { return redis::kAnswerTimeout; }

  Endpoint StartMaster() override {
    const Endpoint server = NobodyThere();
    fleet_.AddMaster(server);
    return server;
  }
  Endpoint StartLockedMaster() override {
    const Endpoint server = StartMaster();
    fleet_.redis(server).refusal = "NOAUTH Authentication required.";
    return server;
  }
  Endpoint StartReplica(const Endpoint& master) override {
    const Endpoint server = NobodyThere();
    fleet_.AddReplica(server, master);
    return server;
  }
  Endpoint StartSentinel(const Endpoint& master) override {
    const Endpoint server = NobodyThere();
    fleet_.AddSentinel(server, "master1", master).groups.at("master1").quorum = 1;
    return server;
  }
  Endpoint NobodyThere() override { return {"10.0.0.1", ++last_port_}; }

  void Silence(const Endpoint& server) override { fleet_.redis(server).state = FakeFleet::State::kSilent; }
  void Wake(const Endpoint& server) override { fleet_.redis(server).state = FakeFleet::State::kAnswers; }
  void Kill(const Endpoint& server) override { fleet_.redis(server).state = FakeFleet::State::kGone; }
  void StartAgain(const Endpoint& server) override { Wake(server); }

  bool PassUntil(const std::function<bool()>& condition) override {
    for (int steps = 0; steps < 600; ++steps) {
      if (condition()) return true;
      time_.Advance(100ms);
    }
    return false;
  }

 private:
  FakeTime time_;
  FakeFleet fleet_{time_};
  std::uint16_t last_port_ = 6379;
};

INSTANTIATE_TEST_SUITE_P(Fake, ServersContract, ::testing::Values([]() -> std::unique_ptr<ServersWorld> {
                           return std::make_unique<FakeServersWorld>();
                         }));

}  // namespace
}  // namespace redis_zk::testing::servers_contract_test
