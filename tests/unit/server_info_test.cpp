#include "redis/server_info.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>

namespace redis_zk::testing::server_info_test {
namespace {

using redis::ParseServerInfo;
using redis::Role;

constexpr const char* kMasterInfo =
    "# "
    "Server\r\nredis_version:7.0.15\r\nrun_id:0123456789012345678901234567890123456789\r\ntcp_port:"
    "6379\r\n\r\n"
    "# Memory\r\nused_memory:2097152\r\nused_memory_human:2.00M\r\nmaxmemory:4194304\r\n\r\n"
    "# Persistence\r\nloading:0\r\nasync_loading:0\r\n\r\n"
    "# Replication\r\nrole:master\r\nconnected_slaves:2\r\n"
    "slave0:ip=10.0.0.2,port=6379,state=online,offset=1400,lag=0\r\n"
    "slave1:ip=10.0.0.3,port=6379,state=online,offset=1386,lag=1\r\n"
    "master_failover_state:no-failover\r\nmaster_replid:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n"
    "master_replid2:0000000000000000000000000000000000000000\r\nmaster_repl_offset:1400\r\n"
    "second_repl_offset:-1\r\n\r\n"
    "# Keyspace\r\ndb0:keys=12,expires=3,avg_ttl=100\r\ndb7:keys=30,expires=0,avg_ttl=0\r\n";

constexpr const char* kReplicaInfo =
    "# Server\r\nrun_id:9876543210987654321098765432109876543210\r\n"
    "# Replication\r\nrole:slave\r\nmaster_host:10.0.0.1\r\nmaster_port:6380\r\nmaster_link_status:up\r\n"
    "master_last_io_seconds_ago:0\r\nmaster_sync_in_progress:0\r\nslave_read_repl_offset:1400\r\n"
    "slave_repl_offset:1386\r\nslave_priority:100\r\nslave_read_only:1\r\nconnected_slaves:0\r\n"
    "master_replid:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\nmaster_repl_offset:1386\r\n"
    "# Keyspace\r\n";

TEST(ParseServerInfoTest, UnderstandsAMaster) {
  const auto info = ParseServerInfo(kMasterInfo);
  ASSERT_TRUE(info);
  EXPECT_EQ(info->role, Role::kMaster);
  EXPECT_EQ(info->run_id, "0123456789012345678901234567890123456789");
  EXPECT_FALSE(info->loading);
  EXPECT_EQ(info->keys, 42U);
  EXPECT_EQ(info->used_memory, 2097152U);
  EXPECT_EQ(info->max_memory, 4194304U);
  EXPECT_EQ(info->connected_replicas, 2U);
  EXPECT_EQ(info->replication_id, std::string(40, 'a'));
  EXPECT_EQ(info->offset, 1400);
  EXPECT_EQ(info->master, Endpoint{});
  EXPECT_FALSE(info->link_up);
}

TEST(ParseServerInfoTest, UnderstandsAReplica) {
  const auto info = ParseServerInfo(kReplicaInfo);
  ASSERT_TRUE(info);
  EXPECT_EQ(info->role, Role::kReplica);
  EXPECT_EQ(info->master, (Endpoint{"10.0.0.1", 6380}));
  EXPECT_TRUE(info->link_up);
  EXPECT_EQ(info->offset, 1386);
  EXPECT_EQ(info->keys, 0U);
  EXPECT_EQ(info->connected_replicas, 0U);
}

TEST(ParseServerInfoTest, KnowsWhatAFailoverAndAColdStartDependOn) {
  const auto replica =
      ParseServerInfo("role:slave\nslave_priority:0\naof_enabled:1\nrdb_changes_since_last_save:7\n");
  ASSERT_TRUE(replica);
  EXPECT_EQ(replica->priority, 0);
  EXPECT_TRUE(replica->append_only);
  EXPECT_EQ(replica->unsaved_changes, 7);
  EXPECT_EQ(ParseServerInfo("role:slave\n")->priority, 100);
  EXPECT_FALSE(ParseServerInfo("role:master\n")->good_replicas) << "min-replicas-to-write is not set";
  EXPECT_EQ(ParseServerInfo("role:master\nmin_slaves_good_slaves:0\n")->good_replicas, 0U);
}

TEST(ParseServerInfoTest, KnowsALinkThatIsDown) {
  for (const char* status : {"down", "", "UP", "up ", "upp"}) {
    const auto info = ParseServerInfo(std::string("role:slave\nmaster_link_status:") + status + '\n');
    ASSERT_TRUE(info);
    EXPECT_FALSE(info->link_up) << status;
  }
  EXPECT_FALSE(ParseServerInfo("role:slave\n")->link_up);
}

TEST(ParseServerInfoTest, KnowsHowLongALinkHasBeenDown) {
  struct Row {
    const char* name;
    const char* text;
    Duration down_for;
    bool synchronising;
  };
  for (const auto& [name, text, down_for, synchronising] : std::initializer_list<Row>{
           {"it stands", "master_link_status:up\nmaster_sync_in_progress:0\n", 0s, false},
           {"down", "master_link_status:down\nmaster_link_down_since_seconds:7\n", 7s, false},
           {"copying", "master_sync_in_progress:1\nmaster_link_down_since_seconds:2\n", 2s, true},
           {"never up", "master_link_status:down\nmaster_link_down_since_seconds:-1\n", 0s, false}}) {
    const auto info = ParseServerInfo(std::string("role:slave\n") + text);
    ASSERT_TRUE(info) << name;
    EXPECT_EQ(info->link_down_for, down_for) << name;
    EXPECT_EQ(info->synchronising, synchronising) << name;
  }
}

TEST(ParseServerInfoTest, KnowsAServerThatIsLoading) {
  EXPECT_TRUE(ParseServerInfo("loading:1\r\nrole:master\r\n")->loading);
  EXPECT_TRUE(ParseServerInfo("role:slave\r\nloading:1\r\n")->loading);
  EXPECT_FALSE(ParseServerInfo("loading:0\r\nrole:master\r\n")->loading);
  EXPECT_FALSE(ParseServerInfo("async_loading:1\r\nrole:master\r\n")->loading);
}

TEST(ParseServerInfoTest, CountsTheKeysOfEveryDatabase) {
  struct Row {
    const char* name;
    const char* keyspace;
    std::uint64_t keys;
  };
  for (const auto& [name, keyspace, keys] :
       std::initializer_list<Row>{{"none", "", 0},
                                  {"one", "db0:keys=1,expires=0,avg_ttl=0\n", 1},
                                  {"one that is not the first", "db15:keys=3,expires=0,avg_ttl=0\n", 3},
                                  {"several", "db0:keys=1\ndb1:keys=2\ndb10:keys=4\n", 7},
                                  {"many", "db0:keys=5000000000\n", 5'000'000'000},
                                  {"with more behind", "db0:keys=9,expires=1,avg_ttl=1,subexpiry=0\n", 9},
                                  {"another order", "db0:expires=1,keys=2\n", 0},
                                  {"no number", "db0:keys=x\n", 0},
                                  {"something of that name", "dbsize:7\n", 0}}) {
    EXPECT_EQ(ParseServerInfo(std::string("role:master\n") + keyspace)->keys, keys) << name;
  }
}

TEST(ParseServerInfoTest, TakesWhatIsThere) {
  for (const char* text :
       {"role:master", "role:master\n", "role:master\r\n", "\r\n\r\nrole:master\r\n\r\n",
        "# role:slave\nrole:master\n", "role:master\nrole:slave\n", ":\nrole:master\n:x\nx:\n",
        "x\nrole:master\nno colon", "role:master\nmaster_repl_offset:\nrun_id\n"}) {
    const auto info = ParseServerInfo(text);
    ASSERT_TRUE(info) << text;
    EXPECT_EQ(info->role, Role::kMaster) << text;
    EXPECT_EQ(info->offset, 0) << text;
    EXPECT_EQ(info->run_id, "") << text;
  }
}

TEST(ParseServerInfoTest, RefusesTextWithoutARole) {
  for (const char* text :
       {"", "\r\n", "role", "role:", "role:\r\n", "role: master\r\n", "role:Master\r\n", "role:sentinel\r\n",
        "role:replica\r\n", "role:masterslave\r\n", " role:master\r\n", "xrole:master\r\n", "ROLE:master\r\n",
        "role=master\r\n", "redis_mode:sentinel\r\nmaster0:name=mymaster,status=ok\r\n",
        "LOADING Redis is loading the dataset in memory", "NOAUTH Authentication required.", "\xff\xfe\x01",
        "PONG"}) {
    const auto info = ParseServerInfo(text);
    ASSERT_FALSE(info) << text;
    EXPECT_EQ(info.error().kind, ErrorKind::kProtocol) << text;
  }
}

}  // namespace
}  // namespace redis_zk::testing::server_info_test
