#include "support/servers_contract.h"

#include <map>

#include "support/sentinels_contract.h"
#include "support/servers.h"
#include "support/wait.h"

namespace redis_zk::testing::servers_contract_test {
namespace {

class RealServersWorld final : public ServersWorld {
 public:
  redis::Servers& servers() override { return servers_; }
  Duration timeout() const override { return kTimeout; }

  Endpoint StartMaster() override { return Keep(std::make_unique<RedisServer>()); }
  Endpoint StartLockedMaster() override {
    return Keep(std::make_unique<RedisServer>("requirepass of-somebody-else"));
  }
  Endpoint StartReplica(const Endpoint& master) override {
    return Keep(std::make_unique<RedisServer>("replicaof " + master.ToRecord()));
  }
  Endpoint StartSentinel(const Endpoint& master) override {
    return Keep(std::make_unique<SentinelServer>(master));
  }
  Endpoint NobodyThere() override { return {"127.0.0.1", FreePort()}; }

  void Silence(const Endpoint& server) override { started_.at(server)->Freeze(); }
  void Wake(const Endpoint& server) override { started_.at(server)->Thaw(); }
  void Kill(const Endpoint& server) override { started_.at(server)->Kill(); }
  void StartAgain(const Endpoint& server) override { started_.at(server)->Start(); }

  bool PassUntil(const std::function<bool()>& condition) override {
    News nobody_reports;
    return nobody_reports.Until(condition);
  }

 private:
  // Longer than a loaded machine takes for an answer.
  static constexpr Duration kTimeout = 2s;

  template <class Started>
  Endpoint Keep(std::unique_ptr<Started> server) {
    const Endpoint endpoint = server->endpoint();
    started_[endpoint] = server.get();
    kept_.push_back(std::move(server));
    return endpoint;
  }

  const redis::Credentials nobody_{};
  redis::ConnectedServers servers_{{nobody_}, kTimeout};
  std::map<Endpoint, Server*> started_;
  std::vector<std::shared_ptr<Server>> kept_;
};

INSTANTIATE_TEST_SUITE_P(Real, ServersContract, ::testing::Values([]() -> std::unique_ptr<ServersWorld> {
                           return std::make_unique<RealServersWorld>();
                         }));

}  // namespace
}  // namespace redis_zk::testing::servers_contract_test
