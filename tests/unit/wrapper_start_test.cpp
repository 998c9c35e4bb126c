// The start of a redis-wrapper, from its options to a server that serves in the right role.
#include <gmock/gmock.h>

#include <filesystem>
#include <initializer_list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/exit_code.h"
#include "support/authority.h"
#include "support/listener.h"
#include "support/reports.h"
#include "unit/log_fixture.h"
#include "unit/redis_wrapper_fixture.h"

namespace redis_zk::testing::wrapper_start_test {
namespace {

using redis::Role;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using State = store::Record::State;

using WrapperStartTest = RedisWrapperTest;

TEST_F(WrapperStartTest, TheFirstOfAllIsTheMaster) {
  WrapperSite site;
  const int code = RunAndLook(site, signals(), [&] {
    EXPECT_THAT(site.servers.launched, ElementsAre("master"));
    EXPECT_EQ(site.Record().state, State::kMaster);
    EXPECT_EQ(site.Record().master, site.self);
    EXPECT_TRUE(site.MemberAt(site.self).value().serving);
    EXPECT_FALSE(site.MemberAt(site.self).value().incomplete);
    EXPECT_THAT(site.other_session->Children("/redis/master", zookeeper::Watch::kNo).value(), IsEmpty())
        << "the lock is given back";
  });
  EXPECT_EQ(code, kExitStopped);
  EXPECT_FALSE(site.MemberAt(site.self)) << "with its session";
  EXPECT_EQ(site.Record().master, site.self);
}

TEST_F(WrapperStartTest, WhereThereIsAMasterItIsFollowed) {
  WrapperSite site;
  site.AddRecordedMaster(kB);
  const int code = RunAndLook(site, signals(), [&] {
    EXPECT_THAT(site.servers.launched, ElementsAre("replica of 10.0.0.2:6379"));
    EXPECT_EQ(site.own().master, kB);
    EXPECT_EQ(site.Record().master, kB);
    EXPECT_TRUE(site.MemberAt(site.self).value().serving);
  });
  EXPECT_EQ(code, kExitStopped);
}

TEST_F(WrapperStartTest, AMasterOutsideTheTrustedNetworksIsNotFollowed) {
  const CapturedLog log;
  struct Row {
    const char* name;
    Endpoint master;
    const char* told;
  };
  for (const Row& row : std::initializer_list<Row>{
           {"an address", kB, "10.0.0.2:6379 is outside TRUSTED_NETWORKS"},
           {"a name, which redis-server looks up", {"redis-2", 6379}, "redis-2:6379 is a host name"}}) {
    WrapperSite site;
    site.options.common.credentials.redis = {
        {"", "secret"}, std::make_shared<redis::Trust>(Networks::Parse("127.0.0.0/8").value())};
    site.AddRecordedMaster(row.master);
    RunAndLook(site, signals(), [&] {
      EXPECT_THAT(site.servers.launched, IsEmpty()) << row.name << ": nor is it replaced";
      EXPECT_EQ(site.Record().master, row.master) << row.name;
    });
    EXPECT_THAT(log.text(), HasSubstr(row.told)) << row.name;
  }
  EXPECT_THAT(log.text(), HasSubstr("add its network to TRUSTED_NETWORKS if that server is yours"));
}

TEST_F(WrapperStartTest, AServerThatIsOpenToOtherHostsIsToldInZooKeeperInEverySession) {
  struct Row {
    const char* name;
    bool on_loopback;
    const char* password;
    bool told;
  };
  for (const Row& row : std::initializer_list<Row>{{"open", false, "", true},
                                                   {"with a password", false, "secret", false},
                                                   {"on loopback", true, "", false}}) {
    WrapperSite site;
    auto& server = site.options.server;
    if (!row.on_loopback) {
      server.bind_ip = server.bind.host = "0.0.0.0";
      server.announce = {"10.0.0.1", site.self.port};
      site.servers.manners.with = [&](auto&) { site.fleet.AddMaster(server.announce); };
    }
    site.options.common.credentials.redis = redis::Credentials{"", row.password};
    const auto look = [&] {
      const auto reports = Reports(site.other);
      ASSERT_EQ(reports.size(), 1U) << row.name;
      EXPECT_EQ(reports[0].open, row.told) << row.name;
      EXPECT_EQ(reports[0].process.daemon, "redis-wrapper");
      EXPECT_EQ(reports[0].process.endpoint, server.announce);
    };
    site.After(10s, [&] {
      look();
      site.zookeeper.Expire(site.session->id());
      EXPECT_THAT(Reports(site.other), IsEmpty()) << row.name;
    });
    EXPECT_EQ(RunAndLook(site, signals(), look), kExitStopped) << row.name;
    EXPECT_THAT(Reports(site.other), IsEmpty()) << row.name << ": with its session";
  }
}

TEST_F(WrapperStartTest, CertificatesAreToldInZooKeeperInEverySessionAndWhenTheyAreReplaced) {
  const Authority authority;
  WrapperSite site;
  auto& tls = site.options.common.redis_tls;
  tls.files = authority.Certify("node", {.ends = 3600});
  tls.source = std::make_shared<TlsSource>(TlsContext::Load(tls.files).value());
  const auto first_end = [&] {
    const auto reports = Reports(site.other);
    if (reports.size() != 1U) return std::int64_t{-1};
    EXPECT_EQ(reports[0].certificates.at(0).path, tls.files.ca);
    EXPECT_EQ(reports[0].certificates.at(1).path, tls.files.certificate);
    return reports[0].certificates.at(1).expires;
  };
  std::int64_t first = 0;
  site.After(10s, [&] {
    first = first_end();
    EXPECT_GT(first, 0);
    site.zookeeper.Expire(site.session->id());
    EXPECT_EQ(first_end(), -1) << "with its session";
    authority.Certify("node", {.ends = 7200});
  });
  RunAndLook(site, signals(), [&] { EXPECT_GT(first_end(), first); });
  EXPECT_EQ(first_end(), -1);
}

TEST_F(WrapperStartTest, TheRecordedMasterServesAgainWhereNobodyElseHoldsData) {
  WrapperSite site;
  site.WriteRecord(site.self, 7);
  site.WriteData(std::string(40, 'a'), 500);
  RunAndLook(site, signals(), [&] {
    EXPECT_THAT(site.servers.launched, ElementsAre("master"));
    EXPECT_EQ(site.Record().master, site.self);
    EXPECT_EQ(site.Record().epoch, 7U) << "its return is no news";
  });
}

TEST_F(WrapperStartTest, AnEmptyMasterHasAReplicaWithDataPromotedAndFollowsIt) {
  WrapperSite site;
  site.WriteRecord(site.self);
  site.fleet.AddMaster(site.self);
  site.fleet.AddReplica(kB, site.self).link_up = false;
  site.fleet.redis(site.self).state = FakeFleet::State::kGone;
  site.RegisterMember(kB);
  site.AddSentinel(site.self);
  RunAndLook(site, signals(), [&] {
    EXPECT_THAT(site.servers.launched, ElementsAre("replica of 10.0.0.2:6379"));
    EXPECT_EQ(site.fleet.redis(kB).role, Role::kMaster);
  });
  EXPECT_THAT(site.fleet.orders, ::testing::Contains("10.0.0.7:26379 SENTINEL FAILOVER master1"));
}

TEST_F(WrapperStartTest, TheSentinelsOutrankARecordWhoseMasterIsGone) {
  for (const bool names_itself : {false, true}) {
    WrapperSite site;
    site.AddRecordedMaster(kB);
    site.AddSentinel(kB);
    site.WriteRecord(names_itself ? site.self : kC);
    RunAndLook(site, signals(), [&] {
      EXPECT_THAT(site.servers.launched, ElementsAre("replica of 10.0.0.2:6379")) << names_itself;
    });
  }
}

TEST_F(WrapperStartTest, AnUnreadableRecordIsNoMaster) {
  WrapperSite site;
  ASSERT_TRUE(site.other.groups.Ensure(kGroup));
  ASSERT_TRUE(site.other_session->Set("/redis/master", "garbage", zookeeper::kAnyVersion));
  RunAndLook(site, signals(), [&] {
    EXPECT_THAT(site.servers.launched, ElementsAre("master")) << "nothing lives";
    EXPECT_EQ(site.Record().master, site.self);
  });
}

TEST_F(WrapperStartTest, WhoeverHoldsTheLockGoesFirst) {
  WrapperSite site;
  const CapturedLog log;
  ASSERT_TRUE(site.other.groups.Ensure(kGroup));
  zookeeper::Lock lock(*site.other_session, site.other.records.Path(kGroup), "another");
  ASSERT_TRUE(lock.Acquire().value());
  site.After(10s, [&] {
    EXPECT_THAT(site.servers.launched, IsEmpty());
    site.AddRecordedMaster(kB);
    EXPECT_TRUE(lock.Release());
  });
  RunAndLook(site, signals(),
             [&] { EXPECT_THAT(site.servers.launched, ElementsAre("replica of 10.0.0.2:6379")); });
  EXPECT_THAT(log.text(), HasSubstr("another node of the group holds the start lock"));
}

TEST_F(WrapperStartTest, AZnodeOfAnotherZooKeeperUserIsAWaitForAPerson) {
  for (const std::string path :
       {"/redis/master", "/redis/members/master1", "/redis/members/master1/of-10.0.0.2"}) {
    WrapperSite site;
    const CapturedLog errors("error");
    site.AddRecordedMaster(kB);
    const auto set_acl = [&](const zookeeper::Security& security) {
      EXPECT_TRUE(site.zookeeper.SetAcl(path, AclFor(security))) << path;
    };
    set_acl({.credentials = {"another", "x"}, .acl = zookeeper::AclPolicy::kPrivate});
    site.After(40s, [&] {
      EXPECT_THAT(site.servers.launched, IsEmpty()) << path;
      EXPECT_THAT(errors.text(), HasSubstr(path)) << "it names the znode";
      EXPECT_THAT(errors.text(), HasSubstr("permission denied"));
      set_acl({});
    });
    site.LookAfter(
        50s, [&] { EXPECT_THAT(site.servers.launched, ElementsAre("replica of 10.0.0.2:6379")) << path; });
    EXPECT_EQ(site.Run(signals()), kExitStopped);
    EXPECT_TRUE(site.looked);
  }
}

// What a node must come to, whatever fails on its way.

TEST_F(WrapperStartTest, AloneItIsTheMasterWhicheverAnswerOfZooKeeperIsLost) {
  int since_recorded = 0;
  AtEveryCall([&](int number, Fault fault) {
    if (number == 0) since_recorded = 0;
    WrapperSite site;
    int faults = 0;
    RunAndLook(
        site, signals(),
        [&] {
          faults = site.session->faults();
          EXPECT_TRUE(site.servers.running());
          EXPECT_EQ(site.own().role, Role::kMaster);
          EXPECT_EQ(site.Record().master, site.self);
          EXPECT_TRUE(site.MemberAt(site.self) && site.MemberAt(site.self)->serving);
          EXPECT_THAT(site.other_session->Children("/redis/master", zookeeper::Watch::kNo).value(),
                      IsEmpty());
        },
        [&] {
          site.session->FailCall(number, fault, [&] {
            if (site.Record().state == State::kMaster) ++since_recorded;
          });
        });
    // Until it serves.
    return faults > 0 && since_recorded < 5;
  });
}

TEST_F(WrapperStartTest, WhoeverTakesOverMeanwhileStaysTheMaster) {
  // The other one has the lock for a moment before it serves, or for none.
  for (const Duration holds_lock : {0ms, 3000ms}) {
    AtEveryCall([&](int number, Fault fault) {
      WrapperSite site;
      EXPECT_TRUE(site.other.groups.Ensure(kGroup));
      zookeeper::Lock lock(*site.other_session, site.other.records.Path(kGroup), "another");
      bool taken = false;
      const auto serve = [&] {
        EXPECT_NE(site.Record().master, site.self);
        site.AddRecordedMaster(kB);
        EXPECT_TRUE(lock.Release());
      };
      const auto take_over = [&] {
        if (site.Record().state == State::kMaster) return;
        taken = true;
        // It was frozen, and its session is over.
        site.zookeeper.Expire(site.session->id());
        EXPECT_TRUE(lock.Acquire().value());
        if (holds_lock == 0ms) return serve();
        site.After(holds_lock, serve);
      };
      int faults = 0;
      RunAndLook(
          site, signals(),
          [&] {
            faults = site.session->faults();
            if (!taken) return;
            EXPECT_EQ(site.Record().master, kB);
            EXPECT_EQ(site.own().role, Role::kReplica);
            EXPECT_EQ(site.own().master, kB);
          },
          [&] { site.session->FailCall(number, fault, take_over); });
      return faults > 0 && taken;
    });
  }
}

TEST_F(WrapperStartTest, AServerThatBeganWithoutTheLockIsStoppedAgain) {
  WrapperSite site;
  const CapturedLog log;
  EXPECT_TRUE(site.other.groups.Ensure(kGroup));
  zookeeper::Lock lock(*site.other_session, site.other.records.Path(kGroup), "another");
  bool frozen = false;
  site.servers.before_launch = [&] {
    if (std::exchange(frozen, true)) return;
    // It was frozen, its session is over, and another one is about to serve.
    site.zookeeper.Expire(site.session->id());
    EXPECT_TRUE(lock.Acquire().value());
    site.After(3s, [&] {
      EXPECT_NE(site.Record().master, site.self);
      site.AddRecordedMaster(kB);
      EXPECT_TRUE(lock.Release());
    });
  };
  RunAndLook(site, signals(), [&] {
    EXPECT_THAT(site.servers.launched, ElementsAre("master", "replica of 10.0.0.2:6379"));
    EXPECT_EQ(site.Record().master, kB);
    EXPECT_EQ(site.own().role, Role::kReplica);
  });
  EXPECT_THAT(log.text(), HasSubstr("stopping redis-server and deciding again"));
}

TEST_F(WrapperStartTest, IsNeverMasterWhileALivingMemberHoldsData) {
  for (const bool of_network : {false, true}) {
    AtEveryCall([&](int number, Fault fault) {
      WrapperSite site;
      const CapturedLog log;
      site.AddRecordedMaster(kC);
      site.fleet.AddReplica(kB, kC);
      site.RegisterMember(kB);
      site.fleet.redis(kC).state = FakeFleet::State::kGone;
      site.fleet.redis(kB).link_up = false;
      site.WriteData(site.fleet.redis(kC).replication_id, 10);
      int faults = 0;
      RunAndLook(
          site, signals(),
          [&] {
            faults = of_network ? site.network.faults() : site.session->faults();
            EXPECT_THAT(site.servers.launched, IsEmpty()) << "network " << of_network;
          },
          [&] {
            if (of_network) {
              site.network.FailCall(number, fault);
            } else {
              site.session->FailCall(number, fault);
            }
          });
      EXPECT_THAT(log.text(), HasSubstr("10.0.0.2:6379 is running and holds data"));
      return faults > 0 && number < 40;
    });
  }
}

// The ends of a start.

TEST_F(WrapperStartTest, EndsWithItsReason) {
  struct Row {
    const char* name;
    std::function<void(WrapperSite&)> change;
    int code;
    const char* line;
  };
  for (const auto& [name, change, code, line] : std::initializer_list<Row>{
           {"ZooKeeper is away", [](auto& s) { s.zookeeper.Stop(); }, kExitUnavailable, "ZK_CONNECT_TIMEOUT"},
           {"no binary",
            [](auto& s) {
              s.servers.manners.not_launched = Error{ErrorKind::kNotFound, "no such binary"};
            },
            kExitNotFound, "cannot start the server: no such binary"},
           {"no executable",
            [](auto& s) {
              s.servers.manners.not_launched = Error{ErrorKind::kRefused, "not executable"};
            },
            kExitNotExecutable, "cannot start the server: not executable"},
           {"a refused configuration", [](auto& s) { s.servers.manners.ends_with = 1; }, 1,
            "the server exited with code 1 before it answered"},
           {"a line that the server refuses",
            [](auto& s) {
              WriteFile(s.options.redis_conf, "\nmaxclients s3cret\n");
              s.servers.manners.ends_with = 1;
              s.servers.manners.says = {"*** FATAL CONFIG FILE ERROR ***",
                                        "Reading the configuration file, at line 2",
                                        ">>> 'maxclients s3cret'", "no integer"};
            },
            kExitConfig, "redis.conf:2: maxclients: no integer"},
           {"a configuration that nobody can read",
            [](auto& s) { WriteFile(s.options.redis_conf, "requirepass \"s3cret\n"); }, kExitConfig,
            "redis.conf:1: the quotes do not match"},
           {"a configuration that cannot work",
            [](auto& s) { WriteFile(s.options.redis_conf, "cluster-enabled yes\n"); }, kExitConfig,
            "redis.conf:1: cluster-enabled cannot work"},
           {"protected mode",
            [](auto& s) {
              s.servers.manners.with = [](auto& redis) {
                redis.refusal = "DENIED Redis is running in protected mode";
              };
            },
            kExitConfig, "refuses every other host"},
           {"an end that calls itself success", [](auto& s) { s.servers.manners.ends_with = 0; }, 1,
            "the server exited with code 0 before it answered"},
           {"no answer in time", [](auto& s) { s.servers.manners.serves_after = 1h; }, kExitUnavailable,
            "START_TIMEOUT"},
           {"another password",
            [](auto& s) { s.servers.manners.with = [](auto& redis) { redis.refusal = "NOAUTH"; }; },
            kExitConfig, "refuses REDIS_USERNAME and REDIS_PASSWORD"},
           {"another process",
            [](auto& s) { s.servers.manners.with = [](auto& redis) { redis.process_id = 1; }; }, kExitConfig,
            "process 1 answers on"},
           {"a script's child",
            [](auto& s) { s.servers.manners.with = [](auto& redis) { ++redis.process_id; }; }, kExitConfig,
            "a script must start the server by exec"},
           {"the wrong role",
            [](auto& s) {
              s.fleet.AddMaster(kB);
              s.servers.manners.with = [](auto& redis) { redis.role = Role::kReplica; };
            },
            kExitConfig, "wrong role"},
           {"no master in time",
            [](auto& s) {
              s.AddRecordedMaster(kB);
              s.fleet.redis(kB).state = FakeFleet::State::kSilent;
            },
            kExitTryAgain, "MASTER_WAIT_TIMEOUT"},
           {"data of which nobody knows the right ones",
            [](auto& s) {
              // As far as anybody knows, the snapshot may be the older one.
              WriteFile(s.dir.path() / "appendonly.aof", "data");
            },
            kExitConfig, "refusing to start: appendonly is no"},
           {"a directory that cannot be read",
            [](auto& s) {
              const auto loop = s.dir.path() / "loop";
              std::filesystem::create_directory_symlink(loop, loop);
              WriteFile(s.options.redis_conf, "dir " + loop.string() + "\n");
            },
            kExitConfig, "cannot read"},
           {"no place for the configuration",
            [](auto& s) { s.options.server.run_dir = "/nonexistent/directory"; }, kExitConfig, "RUN_DIR"}}) {
    WrapperSite site;
    const CapturedLog log;
    change(site);
    site.StopAfter(1h);
    EXPECT_EQ(site.Run(signals()), code) << name << '\n' << log.text();
    EXPECT_THAT(log.text(), HasSubstr(line)) << name;
    EXPECT_THAT(log.text(), Not(HasSubstr("s3cret"))) << name;
    EXPECT_FALSE(site.servers.running()) << name;
    EXPECT_NE(site.Record().master, site.self) << name;
  }
}

TEST_F(WrapperStartTest, SaysWhichLinesOfTheUsersAreNotUsed) {
  WrapperSite site;
  const CapturedLog log;
  WriteFile(site.options.redis_conf,
            "dir " + site.dir.path().string() + "\nreplicaof 10.0.0.9 6379\nrename-command CLIENT \"\"\n");
  RunAndLook(site, signals(), [&] { EXPECT_THAT(site.servers.launched, ElementsAre("master")); });
  EXPECT_THAT(log.text(), HasSubstr("redis.conf:2: replicaof is not used: the role comes from ZooKeeper"));
  EXPECT_THAT(log.text(), HasSubstr("redis.conf:3: rename-command CLIENT: a handover cannot"));
}

TEST_F(WrapperStartTest, AServerThatAnswersLoopbackAloneIsNone) {
  for (const bool answers_all : {true, false}) {
    WrapperSite site;
    const CapturedLog log;
    site.options.server.bind_ip = site.options.server.bind.host = "0.0.0.0";
    site.options.server.announce = {"10.0.0.1", site.self.port};
    site.servers.manners.with = [&](auto&) {
      auto& seen = site.fleet.AddMaster(site.options.server.announce);
      if (!answers_all) seen.refusal = "DENIED Redis is running in protected mode because";
    };
    site.StopAfter(30s);
    EXPECT_EQ(site.Run(signals()), answers_all ? kExitStopped : kExitConfig) << log.text();
    EXPECT_EQ(log.text().find("refuses every other host") == std::string::npos, answers_all);
  }
}

TEST_F(WrapperStartTest, ATakenPortIsWaitedForAndThenWorthAnotherTry) {
  for (const bool freed : {true, false}) {
    WrapperSite site;
    std::optional<Listener> listener(std::in_place, site.self.port);
    const TimePoint begun = Clock::now();
    if (freed) site.After(1s, [&] { listener.reset(); });
    site.StopAfter(1min);
    EXPECT_EQ(site.Run(signals()), freed ? kExitStopped : kExitTryAgain);
    EXPECT_EQ(site.servers.launched.size(), freed ? 1U : 0U);
    EXPECT_LE(Clock::now() - begun, freed ? 65s : 5s);
  }
}

TEST_F(WrapperStartTest, AnotherWrapperKeepsItsDataDirectory) {
  for (const bool freed : {true, false}) {
    WrapperSite site;
    const CapturedLog log;
    std::optional<redis_wrapper::DatasetKeeper> holder(
        std::in_place, redis_wrapper::FindDataFiles(site.options.redis_conf, site.dir.path().string()),
        site.other, kGroup, kB);
    ASSERT_TRUE(holder->Claim());
    if (freed) site.After(3s, [&] { holder.reset(); });
    site.StopAfter(1min);
    EXPECT_EQ(site.Run(signals()), freed ? kExitStopped : kExitTryAgain);
    EXPECT_EQ(site.servers.launched.size(), freed ? 1U : 0U);
    EXPECT_THAT(log.text(), HasSubstr("another running redis-wrapper uses the data directory"));
  }
}

TEST_F(WrapperStartTest, ASignalEndsItWhereverItIs) {
  // Beginning with the wait for a directory, ZooKeeper, an address, a master, a port, the server.
  for (const bool stopped_early : {true, false}) {
    for (Duration at = 0ms; at < 200ms; at += 7ms) {
      WrapperSite site;
      site.servers.manners.serves_after = stopped_early ? 1h : 20ms;
      site.StopAfter(at);
      EXPECT_EQ(site.Run(signals()), kExitStopped) << at.count();
      EXPECT_FALSE(site.servers.running());
    }
  }
}

TEST_F(WrapperStartTest, LoadingTakesItsTime) {
  WrapperSite site;
  const CapturedLog log;
  site.servers.manners.loads_for = 15s;
  RunAndLook(site, signals(), [&] { EXPECT_EQ(site.Record().master, site.self); });
  EXPECT_THAT(log.text(), HasSubstr("the server is loading its data"));
}

}  // namespace
}  // namespace redis_zk::testing::wrapper_start_test
