#include "integration/session_fixture.h"
#include "support/proxy.h"
#include "support/session_acl_contract.h"

namespace redis_zk::testing::session_contract_test {
namespace {

class RealContractSession final : public ContractSession {
 public:
  RealContractSession(Proxy& proxy, const std::string& chroot, const zookeeper::Security& security)
      : ContractSession(zookeeper::OpenClientSession, {{proxy.endpoint()}, chroot}, 2s, security),
        proxy_(proxy) {}

  void Disconnect() override {
    proxy_.Set(Proxy::Mode::kRefuse);
    EXPECT_TRUE(Until([this] { return !(*this)->connected(); }));
  }
  void Reconnect() override { proxy_.Set(Proxy::Mode::kForward); }
  void Expire() override {
    const std::string sign = NewRoot();
    TestSession observer;
    EXPECT_TRUE((*this)->Create(sign, "", zookeeper::Lifetime::kEphemeral));
    EXPECT_TRUE(observer.Connect());
    proxy_.Set(Proxy::Mode::kSilent);
    // Asked again and again: of a znode that it may not read, ZooKeeper tells no watch (since
    // CVE-2024-23944).
    const auto is_gone = [&] {
      const auto found = observer->Exists(sign, zookeeper::Watch::kNo);
      return found && !*found;
    };
    EXPECT_TRUE(observer.Until(is_gone)) << "the server gives up the session";
    proxy_.Set(Proxy::Mode::kForward);
    proxy_.Disconnect();
  }

 private:
  Proxy& proxy_;
};

class RealWorld final : public ContractWorld {
 public:
  std::unique_ptr<ContractSession> Open(const std::string& chroot,
                                        const zookeeper::Security& security) override {
    proxies_.push_back(std::make_unique<Proxy>(SharedZooKeeper().endpoint()));
    return std::make_unique<RealContractSession>(*proxies_.back(), chroot, security);
  }

 private:
  std::vector<std::unique_ptr<Proxy>> proxies_;
};

std::unique_ptr<ContractWorld> NewRealWorld() { return std::make_unique<RealWorld>(); }

INSTANTIATE_TEST_SUITE_P(Real, SessionContract, ::testing::Values(&NewRealWorld));
INSTANTIATE_TEST_SUITE_P(Real, SessionAclContract, ::testing::Values(&NewRealWorld));

}  // namespace
}  // namespace redis_zk::testing::session_contract_test
