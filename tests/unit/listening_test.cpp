#include "redis/listening.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/conf_lines.h"
#include "unit/files.h"

namespace redis_zk::testing::listening_test {
namespace {

using redis::Listening;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Key;
using ::testing::Not;
using ::testing::Pair;

const TlsFiles kFiles{
    .ca = "/tls/ca.pem", .certificate = "/tls/node.crt", .key = "/tls/node.key", .serves = true};
const Listening kPlain{6379};
const Listening kTls{6379, &kFiles};

redis::Conf Users(const std::string& text) {
  const TempDir dir;
  return redis::ReadConf(WriteFile(dir.path() / "redis.conf", text), dir.path().string()).value();
}

TEST(ListeningTest, WithTlsThereIsNoOtherPort) {
  EXPECT_THAT(LinesOf(kPlain, {}), ElementsAre(Pair("port", "6379")));
  EXPECT_THAT(LinesOf(kTls, {}),
              ElementsAre(Pair("port", "0"), Pair("tls-port", "6379"), Pair("tls-replication", "yes"),
                          Pair("tls-ca-cert-file", "/tls/ca.pem"), Pair("tls-cert-file", "/tls/node.crt"),
                          Pair("tls-key-file", "/tls/node.key"), Pair("tls-auth-clients", "optional")));
}

TEST(ListeningTest, WhetherClientsNeedACertificateIsTheUsersToSay) {
  for (const char* line : {"tls-auth-clients yes", "tls-auth-clients no", "TLS-AUTH-CLIENTS optional"})
    EXPECT_THAT(LinesOf(kTls, Users(std::string(line) + '\n')), Not(Contains(Key("tls-auth-clients"))))
        << line;
}

TEST(ListeningTest, WhatBecomesOfTheUsersLines) {
  struct Row {
    const char* line;
    const char* plain;  // what is said without TLS, and with
    const char* tls;
  };
  for (const auto& [line, plain, tls] : std::initializer_list<Row>{
           {"port 6379", "", ""},
           {"port 7000", "port is not used: the server listens on port 6379 (PORT0)",
            "port is not used: the server listens on port 6379 with TLS alone"},
           {"tls-port 6379", "tls-port cannot work: the server listens on this port without TLS", ""},
           {"tls-port 6380", "", "tls-port is not used: the server listens on port 6379 with TLS alone"},
           {"tls-replication yes", "tls-replication cannot work: TLS would be spoken", ""},
           {"tls-replication no", "", "tls-replication is not used"},
           {"tls-cert-file /tls/node.crt", "", ""},
           {"tls-cert-file /other.crt", "", "tls-cert-file is not used: REDIS_TLS_CERT_FILE is another one"},
           {"tls-key-file /other.key", "", "tls-key-file is not used: REDIS_TLS_KEY_FILE is another one"},
           {"tls-ca-cert-file /other.pem", "",
            "tls-ca-cert-file is not used: REDIS_TLS_CA_CERT_FILE is another one"},
           {"tls-auth-clients yes", "", ""},
           {"tls-protocols TLSv1.3", "", ""}}) {
    for (const bool with_tls : {false, true}) {
      std::vector<redis::ConfRule> rules;
      AddRulesOf(with_tls ? kTls : kPlain, "the server", &rules);
      const auto findings = redis::CheckConf(Users(std::string(line) + '\n'), rules, {});
      std::string said = findings.refusal;
      for (const auto& sentence : findings.replaced) said += sentence;
      const std::string expected = with_tls ? tls : plain;
      EXPECT_EQ(said.empty(), expected.empty()) << line << ": " << said;
      EXPECT_THAT(said, HasSubstr(expected)) << line;
      EXPECT_EQ(findings.refusal.empty(), expected.find("cannot work") == std::string::npos) << line;
    }
  }
}

}  // namespace
}  // namespace redis_zk::testing::listening_test
