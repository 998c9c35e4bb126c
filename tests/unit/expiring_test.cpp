#include "watcher/expiring.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <vector>

namespace redis_zk::testing::expiring_test {
namespace {

using ::testing::ElementsAreArray;
using watcher::DescribeExpiring;
using watcher::NodeCertificates;

constexpr std::int64_t kDay = 24 * 3'600'000;
constexpr std::int64_t kNow = 1'900'000'000'000;

NodeCertificates Node(const char* host, std::vector<store::CertificateFile> files) {
  return {.daemon = "redis-wrapper", .endpoint = {host, 6379}, .files = std::move(files)};
}

TEST(DescribeExpiringTest, NamesTheFirst) {
  const store::CertificateFile good{"/ca.pem", kNow + 40 * kDay};
  const store::CertificateFile soon{"/node.crt", kNow + 12 * kDay};
  const store::CertificateFile sooner{"/node.crt", kNow + 2 * kDay};
  const store::CertificateFile gone{"/ca.pem", kNow - 3 * kDay};
  const NodeCertificates own{.daemon = "watcher", .endpoint = {}, .files = {soon}};
  struct Row {
    const char* name;
    std::vector<NodeCertificates> nodes;
    std::vector<std::string> sentences;
  };
  for (
      const auto& [name, nodes, sentences] : std::initializer_list<Row>{
          {"no certificate", {}, {}},
          {"good ones", {Node("10.0.0.1", {good, good})}, {}},
          {"one that ends",
           {Node("10.0.0.1", {good, soon})},
           {"1 certificate expires in 12 days: /node.crt of 10.0.0.1:6379; write the next one into the file, "
            "which is loaded within seconds"}},
          {"the watcher's own",
           {own},
           {"1 certificate expires in 12 days: /node.crt of watcher; write the next one into the file, "
            "which is loaded within seconds"}},
          {"several, of which one ended",
           {Node("10.0.0.1", {gone, soon}), Node("10.0.0.2", {good, sooner}), own},
           {"1 certificate expired 3 days ago: /ca.pem of 10.0.0.1:6379; new connections that rely on it "
            "are rejected; write the next one into the file, which is loaded within seconds",
            "3 certificates expire, the first in 2 days: /node.crt of 10.0.0.2:6379; write the next ones "
            "into "
            "the files, which are loaded within seconds"}},
          {"a node that is there twice",
           {Node("10.0.0.1", {soon}), Node("10.0.0.1", {soon})},
           {"1 certificate expires in 12 days: /node.crt of 10.0.0.1:6379; write the next one into the file, "
            "which is loaded within seconds"}},
      })
    EXPECT_THAT(DescribeExpiring(nodes, kNow), ElementsAreArray(sentences)) << name;
}

}  // namespace
}  // namespace redis_zk::testing::expiring_test
