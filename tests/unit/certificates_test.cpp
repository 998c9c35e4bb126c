#include "daemon/certificates.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "options/common_options.h"
#include "support/authority.h"
#include "unit/log_fixture.h"

namespace redis_zk::testing::certificates_test {
namespace {

namespace fs = std::filesystem;

class CertificatesTest : public ::testing::Test {
 protected:
  CertificatesTest() {
    tls_.on = true;
    tls_.files = authority_.Certify("node");
    tls_.source = std::make_shared<TlsSource>(TlsContext::Load(tls_.files).value());
  }
  // As often as a second passes.
  void Look(daemon::Certificates& certificates, int times) {
    for (int i = 0; i < times; ++i) certificates.Look(now_ += 1s);
  }

  const CapturedLog log_;
  const Authority authority_;
  RedisTls tls_;
  TimePoint now_ = Clock::now();
};

TEST_F(CertificatesTest, LoadsWhatHasBeenReplacedOnceItRests) {
  daemon::Certificates certificates(tls_.files, tls_.source);
  const auto first = tls_.source->Get();
  Look(certificates, 3);
  EXPECT_EQ(certificates.generation(), 0);
  authority_.Certify("node");
  Look(certificates, 1);
  EXPECT_EQ(certificates.generation(), 0) << "the key may be written a moment later";
  authority_.Certify("node");
  Look(certificates, 1);
  EXPECT_EQ(certificates.generation(), 0);
  Look(certificates, 1);
  EXPECT_EQ(certificates.generation(), 1);
  EXPECT_NE(tls_.source->Get(), first);
  Look(certificates, 3);
  EXPECT_EQ(certificates.generation(), 1);
}

TEST_F(CertificatesTest, KeepsThemWhereTheNewOnesDoNotFit) {
  daemon::Certificates certificates(tls_.files, tls_.source);
  const auto first = tls_.source->Get();
  const auto other = authority_.Certify("other");
  fs::copy_file(tls_.files.certificate, authority_.Path("kept"));
  fs::copy_file(other.certificate, tls_.files.certificate, fs::copy_options::overwrite_existing);
  Look(certificates, 5);
  EXPECT_EQ(certificates.generation(), 0);
  EXPECT_EQ(tls_.source->Get(), first);
  const std::string said = log_.text();
  EXPECT_NE(said.find("is not the key of the certificate in"), std::string::npos) << said;
  EXPECT_EQ(said.find("certificates not reloaded"), said.rfind("certificates not reloaded")) << "once";
  fs::remove(tls_.files.certificate);
  Look(certificates, 5);
  certificates.Reload();
  EXPECT_EQ(tls_.source->Get(), first);
  fs::copy_file(authority_.Path("kept"), tls_.files.certificate);
  Look(certificates, 3);
  EXPECT_EQ(certificates.generation(), 1);
}

TEST_F(CertificatesTest, LoadsThemAtOnceWhenAsked) {
  daemon::Certificates certificates(tls_.files, tls_.source);
  certificates.Reload();
  EXPECT_EQ(certificates.loads(), 1) << "a change that stat does not show";
  EXPECT_EQ(certificates.generation(), 0) << "no Sentinel is restarted for the same files";
  daemon::Certificates off(TlsFiles{}, nullptr);
  off.Reload();
  Look(off, 3);
  EXPECT_EQ(off.generation(), 0);
}

}  // namespace
}  // namespace redis_zk::testing::certificates_test
