#include "options/common_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/exit_code.h"
#include "redis-wrapper/options.h"
#include "sentinel-wrapper/options.h"
#include "support/listener.h"
#include "unit/files.h"
#include "watcher/options.h"

namespace redis_zk::testing::common_options_test {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::ExitedWithCode;
using ::testing::HasSubstr;
using ::testing::Not;

using Variables = std::map<std::string, std::string>;

class CommonOptionsTest : public ::testing::Test {
 protected:
  OptionsOutcome Read(const Variables& environment) {
    Options options("tester", "Tests the options.");
    AddCommonOptions(options, &common_);
    AddServerOptions(options, "6379", "10s", &server_, &common_);
    const char* const argv[] = {"tester"};
    return options.Read(1, argv, [&environment](const char* name) {
      const auto found = environment.find(name);
      return found == environment.end() ? nullptr : found->second.c_str();
    });
  }

  CommonOptions common_;
  ServerOptions server_;
};

TEST_F(CommonOptionsTest, HaveTheDefaultsOfTheContract) {
  // Whether port 6379 is free here does not matter.
  (void)Read({{"BIND_IP", "127.0.0.1"}});
  EXPECT_EQ(common_.zk_hosts.servers, std::vector<Endpoint>({{"localhost", 2181}}));
  EXPECT_EQ(common_.zk_hosts.chroot, "");
  EXPECT_EQ(common_.zk_root, "/redis");
  EXPECT_EQ(common_.master_name, "master1");
  EXPECT_EQ(server_.net_iface, "eth0");
  EXPECT_EQ(server_.bind, (Endpoint{"127.0.0.1", 6379}));
  EXPECT_EQ(server_.announce, server_.bind);
  EXPECT_EQ(server_.master_wait_timeout, 0ms);
}

TEST_F(CommonOptionsTest, SettleWhatIsBoundAndWhatIsAnnounced) {
  const std::uint16_t port = FreePort();
  const std::string port0 = std::to_string(port);
  struct Row {
    const char* name;
    Variables environment;
    Endpoint bind;
    Endpoint announce;
  };
  for (const auto& [name, environment, bind, announce] : std::initializer_list<Row>{
           {"interface", {{"NET_IFACE", "lo"}, {"PORT0", port0}}, {"127.0.0.1", port}, {"127.0.0.1", port}},
           {"address before interface",
            {{"NET_IFACE", "lo"}, {"BIND_IP", "127.0.0.2"}, {"PORT0", port0}},
            {"127.0.0.2", port},
            {"127.0.0.2", port}},
           {"address although there is no such interface",
            {{"NET_IFACE", "none0"}, {"BIND_IP", "127.0.0.1"}, {"PORT0", port0}},
            {"127.0.0.1", port},
            {"127.0.0.1", port}},
           {"announced elsewhere",
            {{"BIND_IP", "127.0.0.1"},
             {"PORT0", port0},
             {"ANNOUNCE_IP", "192.0.2.1"},
             {"ANNOUNCE_PORT", "31000"}},
            {"127.0.0.1", port},
            {"192.0.2.1", 31000}},
           {"announced on another port",
            {{"BIND_IP", "127.0.0.1"}, {"PORT0", port0}, {"ANNOUNCE_PORT", "31000"}},
            {"127.0.0.1", port},
            {"127.0.0.1", 31000}},
           {"a name, as the address that it stands for",
            {{"BIND_IP", "127.0.0.1"}, {"PORT0", port0}, {"ANNOUNCE_IP", "localhost"}},
            {"127.0.0.1", port},
            {"127.0.0.1", port}}}) {
    server_ = {};
    const auto outcome = Read(environment);
    EXPECT_FALSE(outcome.exit_code) << name << ": " << outcome.text;
    EXPECT_EQ(server_.bind, bind) << name;
    EXPECT_EQ(server_.announce, announce) << name;
  }
}

TEST_F(CommonOptionsTest, RefuseWhatCannotWork) {
  const TempDir dir;
  struct Row {
    const char* name;
    Variables environment;
    const char* message;
  };
  for (const auto& [name, environment, message] : std::initializer_list<Row>{
           {"no such interface",
            {{"NET_IFACE", "none0"}},
            "NET_IFACE: found \"none0\", expected an interface with an address; there are: "},
           {"not our address", {{"BIND_IP", "192.0.2.1"}}, "192.0.2.1 is not an address of this machine"},
           {"not an address", {{"BIND_IP", "localhost"}}, "BIND_IP (environment): found \"localhost\""},
           {"nothing that others can reach", {{"BIND_IP", "0.0.0.0"}}, "ANNOUNCE_IP: found \"0.0.0.0\""},
           {"nor that", {{"BIND_IP", "127.0.0.1"}, {"ANNOUNCE_IP", "::"}}, "ANNOUNCE_IP: found \"::\""},
           {"a name that only this machine can reach",
            {{"BIND_IP", "0.0.0.0"}, {"ANNOUNCE_IP", "localhost"}},
            "ANNOUNCE_IP: found \"localhost\", which is "},
           {"port 0", {{"BIND_IP", "127.0.0.1"}, {"PORT0", "0"}}, "PORT0"},
           {"announced port 0", {{"BIND_IP", "127.0.0.1"}, {"ANNOUNCE_PORT", "0"}}, "ANNOUNCE_PORT"},
           {"announced port and address", {{"ANNOUNCE_IP", "192.0.2.1:6379"}}, "ANNOUNCE_IP"},
           {"no directory", {{"BIND_IP", "127.0.0.1"}, {"WORK_DIR", "/nonexistent"}}, "WORK_DIR: found"},
           {"a file for a directory",
            {{"BIND_IP", "127.0.0.1"}, {"WORK_DIR", WriteFile(dir.path() / "file", "")}},
            "expected a writable directory"},
           {"no time to stop", {{"STOP_TIMEOUT", "0"}}, "STOP_TIMEOUT"},
           {"no time to start", {{"START_TIMEOUT", "0"}}, "START_TIMEOUT"},
           {"no time for ZooKeeper", {{"ZK_CONNECT_TIMEOUT", "0"}}, "ZK_CONNECT_TIMEOUT"},
           {"a session too short", {{"ZK_SESSION_TIMEOUT", "999ms"}}, "ZK_SESSION_TIMEOUT"},
           {"a group that is none", {{"MASTER_NAME", "a/b"}}, "MASTER_NAME"},
           {"a user of Redis without a password",
            {{"REDIS_USERNAME", "watcher"}},
            "REDIS_PASSWORD: found none, expected one, or REDIS_PASSWORD_FILE, with REDIS_USERNAME"},
           {"a user of Sentinel without a password",
            {{"SENTINEL_USERNAME", "watcher"}, {"REDIS_PASSWORD", "secret"}},
            "SENTINEL_PASSWORD: found none, expected one, or SENTINEL_PASSWORD_FILE, with SENTINEL_USERNAME"},
           {"its own address is not trusted",
            {{"BIND_IP", "127.0.0.1"}, {"ANNOUNCE_IP", "192.0.2.1"}, {"TRUSTED_NETWORKS", "127.0.0.0/8"}},
            "TRUSTED_NETWORKS: found no network with 192.0.2.1, which this announces"},
           {"a network with host bits",
            {{"TRUSTED_NETWORKS", "10.1.2.3/8"}},
            "TRUSTED_NETWORKS (environment): found \"10.1.2.3/8\", expected 10.0.0.0/8 for that network"},
           {"no host", {{"ZK_HOSTS", "zk1:2181;zk2:2181"}}, "ZK_HOSTS"}}) {
    const auto outcome = Read(environment);
    EXPECT_EQ(outcome.exit_code, kExitConfig) << name;
    EXPECT_THAT(outcome.text, HasSubstr(message)) << name;
  }
}

TEST_F(CommonOptionsTest, TrustTheNetworksAndTheirOwnServer) {
  const auto outcome = Read({{"BIND_IP", "127.0.0.1"},
                             {"PORT0", std::to_string(FreePort())},
                             {"ANNOUNCE_IP", "192.0.2.1"},
                             {"REDIS_PASSWORD", "one"},
                             {"TRUSTED_NETWORKS", "192.0.2.0/24,2001:db8::/32"}});
  ASSERT_FALSE(outcome.exit_code) << outcome.text;
  for (const auto* credentials : {&common_.credentials.redis, &common_.credentials.sentinel}) {
    EXPECT_TRUE(credentials->trust()->Covers("192.0.2.2"));
    EXPECT_TRUE(credentials->trust()->Covers("2001:db8::2"));
    EXPECT_TRUE(credentials->trust()->Covers("127.0.0.1")) << "where its server is bound";
    EXPECT_FALSE(credentials->trust()->Covers("127.0.0.2"));
  }
  EXPECT_TRUE(common_.credentials.redis.MayTell({"192.0.2.2", 6379}));
  EXPECT_FALSE(common_.credentials.redis.MayTell({"198.51.100.1", 6379}));
  EXPECT_FALSE(common_.credentials.redis.MayTell({"redis.internal", 6379})) << "it may lead anywhere";
  EXPECT_TRUE(common_.credentials.sentinel.MayTell({"198.51.100.1", 6379})) << "there is no password";
}

TEST_F(CommonOptionsTest, ANameIsAnnouncedAsTheAddressThatOthersReach) {
  struct Row {
    const char* name;
    std::vector<std::string> addresses;
    const char* bound;
    const char* announced;
  };
  for (const auto& [name, addresses, bound, announced] : std::initializer_list<Row>{
           {"the only one", {"10.0.0.1"}, "0.0.0.0", "10.0.0.1"},
           {"the first", {"10.0.0.1", "10.0.0.2"}, "172.17.0.2", "10.0.0.1"},
           {"of the bound family, 4", {"2001:db8::1", "10.0.0.1"}, "172.17.0.2", "10.0.0.1"},
           {"of the bound family, 6", {"10.0.0.1", "2001:db8::1"}, "fd00::2", "2001:db8::1"},
           {"of the other family, where there is no other", {"2001:db8::1"}, "172.17.0.2", "2001:db8::1"},
           {"the machine's own name in /etc/hosts", {"127.0.1.1", "10.0.0.1"}, "10.0.0.1", "10.0.0.1"},
           {"another family rather than loopback", {"127.0.1.1", "2001:db8::1"}, "10.0.0.1", "2001:db8::1"},
           {"loopback to loopback", {"10.0.0.1", "127.0.0.1"}, "127.0.0.1", "127.0.0.1"}}) {
    EXPECT_EQ(AddressToAnnounce(addresses, bound), announced) << name;
  }
}

// RFC 6761: no name below .invalid exists.
TEST_F(CommonOptionsTest, ANameThatIsUnknownMayBeKnownInAMoment) {
  const auto outcome = Read(
      {{"BIND_IP", "127.0.0.1"}, {"PORT0", std::to_string(FreePort())}, {"ANNOUNCE_IP", "redis-1.invalid"}});
  EXPECT_EQ(outcome.exit_code, kExitTryAgain);
  EXPECT_THAT(outcome.text, HasSubstr("ANNOUNCE_IP: redis-1.invalid: "));
}

TEST_F(CommonOptionsTest, APortThatIsTakenMayBeFreeInAMoment) {
  const Listener taken;
  struct Row {
    const char* name;
    Variables environment;
    int exit_code;
  };
  for (const auto& [name, environment, exit_code] : std::initializer_list<Row>{
           {"alone", {{"BIND_IP", "127.0.0.1"}}, kExitTryAgain},
           {"on all addresses", {{"BIND_IP", "0.0.0.0"}, {"ANNOUNCE_IP", "127.0.0.1"}}, kExitTryAgain},
           {"by its interface", {{"NET_IFACE", "lo"}}, kExitTryAgain},
           {"beside what stays wrong",
            {{"BIND_IP", "127.0.0.1"}, {"WORK_DIR", "/nonexistent"}},
            kExitConfig}}) {
    auto with_port = environment;
    with_port["PORT0"] = std::to_string(taken.port());
    const auto outcome = Read(with_port);
    EXPECT_EQ(outcome.exit_code, exit_code) << name;
    EXPECT_THAT(outcome.text, HasSubstr("Address already in use")) << name;
  }
}

TEST_F(CommonOptionsTest, ReadPasswordsOfBothKinds) {
  const TempDir dir;
  const auto outcome = Read({{"BIND_IP", "127.0.0.1"},
                             {"PORT0", std::to_string(FreePort())},
                             {"REDIS_USERNAME", "watcher"},
                             {"REDIS_PASSWORD", "one"},
                             {"SENTINEL_USERNAME", "follower"},
                             {"SENTINEL_PASSWORD_FILE", WriteFile(dir.path() / "secret", "two\n")}});
  ASSERT_FALSE(outcome.exit_code) << outcome.text;
  EXPECT_EQ(common_.credentials.redis.Get()->username, "watcher");
  EXPECT_EQ(common_.credentials.redis.Get()->password, "one");
  EXPECT_EQ(common_.credentials.sentinel.Get()->username, "follower");
  EXPECT_EQ(common_.credentials.sentinel.Get()->password, "two");
}

TEST_F(CommonOptionsTest, SettleWhoWeAreToZooKeeper) {
  using zookeeper::AclPolicy;
  const TempDir dir;
  const std::string file = WriteFile(dir.path() / "secret", "se cret \n");
  struct Row {
    const char* name;
    Variables environment;
    std::string password;          // empty: it is refused, or there is none
    std::optional<AclPolicy> acl;  // nothing: it is refused
  };
  for (const auto& [name, environment, password, acl] : std::initializer_list<Row>{
           {"nobody", {}, "", AclPolicy::kOpen},
           {"nobody, and says so", {{"ZK_ACL", "open"}}, "", AclPolicy::kOpen},
           {"a user", {{"ZK_USERNAME", "u"}, {"ZK_PASSWORD", "p:q "}}, "p:q ", AclPolicy::kPrivate},
           {"in a file", {{"ZK_USERNAME", "u"}, {"ZK_PASSWORD_FILE", file}}, "se cret", AclPolicy::kPrivate},
           {"open still",
            {{"ZK_USERNAME", "u"}, {"ZK_PASSWORD", "p"}, {"ZK_ACL", "open"}},
            "p",
            AclPolicy::kOpen},
           {"readable",
            {{"ZK_USERNAME", "u"}, {"ZK_PASSWORD", "p"}, {"ZK_ACL", "readable"}},
            "p",
            AclPolicy::kReadable},
           {"twice",
            {{"ZK_USERNAME", "u"}, {"ZK_PASSWORD", "p"}, {"ZK_PASSWORD_FILE", file}},
            "p",
            AclPolicy::kPrivate},
           {"no password", {{"ZK_USERNAME", "u"}}, "", std::nullopt},
           {"no user", {{"ZK_PASSWORD", "p"}}, "", std::nullopt},
           {"private for nobody", {{"ZK_ACL", "private"}}, "", std::nullopt}}) {
    common_ = {};
    auto all = environment;
    all["BIND_IP"] = "127.0.0.1";
    all["PORT0"] = std::to_string(FreePort());
    const auto outcome = Read(all);
    if (!acl) {
      EXPECT_EQ(outcome.exit_code, kExitConfig) << name;
      EXPECT_THAT(outcome.errors, ::testing::SizeIs(1)) << name;
      continue;
    }
    ASSERT_FALSE(outcome.exit_code) << name << ": " << outcome.text;
    EXPECT_EQ(common_.zk_security.credentials.username, password.empty() ? "" : "u") << name;
    EXPECT_EQ(common_.zk_security.credentials.password, password) << name;
    EXPECT_EQ(common_.zk_security.acl, *acl) << name;
  }
}

// What a daemon does with its command line: ends, and says why on standard error, where its help goes too.
template <class Read>
void ReadLoudly(const Read& read, std::vector<const char*> argv) {
  dup2(STDERR_FILENO, STDOUT_FILENO);
  argv.insert(argv.begin(), "daemon");
  read(static_cast<int>(argv.size()), argv.data());
}

TEST(DaemonOptionsTest, HelpListsTheContract) {
  const auto common = AllOf(HasSubstr(" ZK_HOSTS "), HasSubstr("default: localhost:2181"),
                            HasSubstr(" ZK_ROOT "), HasSubstr("default: /redis"), HasSubstr(" MASTER_NAME "),
                            HasSubstr("default: master1"), HasSubstr(" LOG_LEVEL "), HasSubstr(" PORT0 "),
                            HasSubstr(" BIND_IP "), HasSubstr(" REDIS_PASSWORD_FILE "),
                            HasSubstr(" SENTINEL_PASSWORD_FILE "), Not(HasSubstr("--redis-password ")));
  const auto wrapper = AllOf(HasSubstr(" NET_IFACE "), HasSubstr("default: eth0"), HasSubstr(" ANNOUNCE_IP "),
                             HasSubstr(" ANNOUNCE_PORT "), HasSubstr(" MASTER_WAIT_TIMEOUT "));
  EXPECT_EXIT(ReadLoudly(redis_wrapper::ReadWrapperOptions, {"--help"}), ExitedWithCode(kExitStopped),
              AllOf(common, wrapper, HasSubstr("default: 6379"), HasSubstr(" REDIS_CONF "),
                    HasSubstr("default: /etc/redis/redis.conf")));
  EXPECT_EXIT(ReadLoudly(sentinel_wrapper::ReadWrapperOptions, {"--help"}), ExitedWithCode(kExitStopped),
              AllOf(common, wrapper, HasSubstr("default: 26379"), HasSubstr(" SENTINEL_CONF "),
                    HasSubstr("default: /etc/redis/sentinel.conf"), HasSubstr(" SENTINEL_QUORUM "),
                    HasSubstr(" SENTINEL_DOWN_AFTER_MS ")));
  EXPECT_EXIT(ReadLoudly(watcher::ReadWatcherOptions, {"--help"}), ExitedWithCode(kExitStopped),
              AllOf(common, HasSubstr("default: 8080")));
}

TEST(DaemonOptionsTest, EndWith64OrWith78AndSayWhy) {
  EXPECT_EXIT(ReadLoudly(redis_wrapper::ReadWrapperOptions, {"--nonsense"}), ExitedWithCode(kExitUsage),
              HasSubstr("redis-wrapper: found \"--nonsense\""));
  EXPECT_EXIT(ReadLoudly(sentinel_wrapper::ReadWrapperOptions, {"--sentinel-quorum", "0"}),
              ExitedWithCode(kExitUsage), HasSubstr("sentinel-wrapper: SENTINEL_QUORUM (flag): found \"0\""));
  EXPECT_EXIT(ReadLoudly(sentinel_wrapper::ReadWrapperOptions, {"--sentinel-down-after-ms", "99"}),
              ExitedWithCode(kExitUsage), HasSubstr("SENTINEL_DOWN_AFTER_MS"));
  EXPECT_EXIT(ReadLoudly(watcher::ReadWatcherOptions, {"--sentinel-timeout", "1ms"}),
              ExitedWithCode(kExitUsage), HasSubstr("watcher: SENTINEL_TIMEOUT (flag): found \"1ms\""));
  EXPECT_EXIT(ReadLoudly(redis_wrapper::ReadWrapperOptions,
                         {"--bind-ip", "127.0.0.1", "--redis-conf", "/nonexistent/redis.conf"}),
              ExitedWithCode(kExitConfig), HasSubstr("REDIS_CONF: found \"/nonexistent/redis.conf\""));
  EXPECT_EXIT(
      ReadLoudly(sentinel_wrapper::ReadWrapperOptions, {"--bind-ip", "127.0.0.1", "--sentinel-conf", "/"}),
      ExitedWithCode(kExitConfig), HasSubstr("SENTINEL_CONF: found \"/\", expected a readable file"));
  EXPECT_EXIT(ReadLoudly(watcher::ReadWatcherOptions, {"--bind-ip", "192.0.2.1"}),
              ExitedWithCode(kExitConfig),
              ContainsRegex("watcher: BIND_IP, PORT0: .*192.0.2.1 is not an address of this machine"));
  const Listener taken;
  const auto port = std::to_string(taken.port());
  EXPECT_EXIT(ReadLoudly(watcher::ReadWatcherOptions, {"--bind-ip", "127.0.0.1", "--port0", port.c_str()}),
              ExitedWithCode(kExitTryAgain),
              ContainsRegex("watcher: BIND_IP, PORT0: .*Address already in use"));
}

TEST(DaemonOptionsTest, TakeTheirEnvironment) {
  EXPECT_EXIT(
      {
        setenv("PORT0", "nonsense", 1);
        ReadLoudly(watcher::ReadWatcherOptions, {});
      },
      ExitedWithCode(kExitConfig), HasSubstr("PORT0 (environment): found \"nonsense\""));
}

TEST(MovedToTest, IsTheAddressThatReplacedTheBoundOne) {
  const InterfaceAddress old_one{"eth0", "10.0.0.1", false, false};
  const InterfaceAddress new_one{"eth0", "10.0.0.9", false, false};
  const InterfaceAddress elsewhere{"eth1", "10.0.0.1", false, false};
  const InterfaceAddress other{"eth1", "192.0.2.1", false, false};
  const InterfaceAddress loopback{"lo", "127.0.0.1", false, false};
  const InterfaceAddress other_family{"eth0", "2001:db8::9", true, false};
  const InterfaceAddress link_local{"eth0", "169.254.1.1", false, true};
  constexpr bool kGone = false;
  struct Row {
    const char* name;
    std::string bind_ip;
    bool interface_exists;
    std::vector<InterfaceAddress> addresses;
    std::optional<std::string> wanted;
  };
  for (const auto& [name, bind_ip, interface_exists, addresses, wanted] : std::initializer_list<Row>{
           {"nothing happened", "", true, {old_one, other}, std::nullopt},
           {"a second one", "", true, {new_one, old_one}, std::nullopt},
           {"replaced", "", true, {new_one, other}, "10.0.0.9"},
           {"lost: it may come back", "", true, {other}, std::nullopt},
           {"on another interface now", "", true, {new_one, elsewhere}, std::nullopt},
           {"only the other family is left", "", true, {other_family}, std::nullopt},
           {"only a link-local one is left", "", true, {link_local}, std::nullopt},
           {"the interface is gone, another is here", "", kGone, {loopback, other}, "192.0.2.1"},
           {"the interface is gone, its address is not", "", kGone, {loopback, elsewhere}, std::nullopt},
           {"cut off altogether", "", kGone, {loopback}, std::nullopt},
           {"nothing at all", "", kGone, {}, std::nullopt},
           {"BIND_IP does not move with an interface", "10.0.0.1", true, {new_one}, std::nullopt},
           {"nor with one that is gone", "10.0.0.1", kGone, {other}, std::nullopt}}) {
    ServerOptions options;
    options.net_iface = "eth0";
    options.bind_ip = bind_ip;
    options.bind = {"10.0.0.1", 6379};
    EXPECT_EQ(MovedTo(options, interface_exists, addresses), wanted) << name;
  }
  ServerOptions options;
  options.net_iface = "eth0";
  options.bind = {"2001:db8::1", 6379};
  EXPECT_EQ(MovedTo(options, true, {new_one}), std::nullopt) << "IPv6 that only IPv4 is left of";
  EXPECT_EQ(MovedTo(options, true, {new_one, other_family}), "2001:db8::9");
}

template <class Read>
auto ReadQuietly(const Read& read, std::vector<std::string> words) {
  std::vector<const char*> argv{"daemon"};
  for (const auto& word : words) argv.push_back(word.c_str());
  return read(static_cast<int>(argv.size()), argv.data());
}

TEST(DaemonOptionsTest, BecomeValues) {
  const TempDir dir;
  const std::string conf = WriteFile(dir.path() / "user.conf", "");
  const std::uint16_t port = FreePort();
  const Endpoint bind{"127.0.0.1", port};
  const std::string port0 = std::to_string(port);

  const auto redis = ReadQuietly(redis_wrapper::ReadWrapperOptions,
                                 {"--bind-ip", "127.0.0.1", "--port0", port0, "--redis-conf", conf,
                                  "--redis-server-bin", "/bin/redis", "--start-timeout", "5s"});
  EXPECT_EQ(redis.server.bind, bind);
  EXPECT_EQ(redis.server.start_timeout, 5s);
  EXPECT_EQ(redis.redis_conf, conf);
  EXPECT_EQ(redis.redis_server_bin, "/bin/redis");

  const auto sentinel = ReadQuietly(sentinel_wrapper::ReadWrapperOptions,
                                    {"--bind-ip", "127.0.0.1", "--port0", port0, "--sentinel-conf", conf,
                                     "--sentinel-down-after-ms", "750", "--master-name", "m"});
  EXPECT_EQ(sentinel.server.bind, bind);
  EXPECT_EQ(sentinel.common.master_name, "m");
  EXPECT_EQ(sentinel.sentinel_conf, conf);
  EXPECT_EQ(sentinel.quorum, 2);
  EXPECT_EQ(sentinel.down_after_ms, 750);

  const auto watcher = ReadQuietly(watcher::ReadWatcherOptions, {"--bind-ip", "127.0.0.1", "--port0", port0});
  EXPECT_EQ(watcher.listen, bind);
  EXPECT_EQ(watcher.sentinel_timeout, 3s);
}

}  // namespace
}  // namespace redis_zk::testing::common_options_test
