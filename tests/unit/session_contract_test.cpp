#include "support/fake_zookeeper.h"
#include "support/session_acl_contract.h"

namespace redis_zk::testing::session_contract_test {
namespace {

class FakeContractSession final : public ContractSession {
 public:
  FakeContractSession(FakeZooKeeper& zookeeper, const std::string& chroot,
                      const zookeeper::Security& security)
      : ContractSession(zookeeper.Factory(), {{}, chroot}, 2s, security), zookeeper_(zookeeper) {}

  void Disconnect() override { zookeeper_.Disconnect((*this)->id()); }
  void Reconnect() override { zookeeper_.Reconnect((*this)->id()); }
  void Expire() override { zookeeper_.Expire((*this)->id()); }

 private:
  FakeZooKeeper& zookeeper_;
};

class FakeWorld final : public ContractWorld {
 public:
  std::unique_ptr<ContractSession> Open(const std::string& chroot,
                                        const zookeeper::Security& security) override {
    return std::make_unique<FakeContractSession>(zookeeper_, chroot, security);
  }

 private:
  FakeZooKeeper zookeeper_;
};

std::unique_ptr<ContractWorld> NewFakeWorld() { return std::make_unique<FakeWorld>(); }

INSTANTIATE_TEST_SUITE_P(Fake, SessionContract, ::testing::Values(&NewFakeWorld));
INSTANTIATE_TEST_SUITE_P(Fake, SessionAclContract, ::testing::Values(&NewFakeWorld));

}  // namespace
}  // namespace redis_zk::testing::session_contract_test
