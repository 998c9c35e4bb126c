#include "support/session_contract.h"

#include "support/fake_zookeeper.h"

namespace redis_zk::testing::session_contract_test {
namespace {

class FakeContractSession final : public ContractSession {
 public:
  FakeContractSession(FakeZooKeeper& zookeeper, const std::string& chroot)
      : ContractSession(zookeeper.Factory(), {{}, chroot}, 2s), zookeeper_(zookeeper) {}

  void Disconnect() override { zookeeper_.Disconnect((*this)->id()); }
  void Reconnect() override { zookeeper_.Reconnect((*this)->id()); }
  void Expire() override { zookeeper_.Expire((*this)->id()); }

 private:
  FakeZooKeeper& zookeeper_;
};

class FakeWorld final : public ContractWorld {
 public:
  std::unique_ptr<ContractSession> Open(const std::string& chroot) override {
    return std::make_unique<FakeContractSession>(zookeeper_, chroot);
  }

 private:
  FakeZooKeeper zookeeper_;
};

INSTANTIATE_TEST_SUITE_P(Fake, SessionContract, ::testing::Values([]() -> std::unique_ptr<ContractWorld> {
                           return std::make_unique<FakeWorld>();
                         }));

}  // namespace
}  // namespace redis_zk::testing::session_contract_test
