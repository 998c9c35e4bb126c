// What every redis::Servers does, and what the Redis servers behind it make of the daemons' commands, as
// tests: included by the unit tests, for the fake fleet, and by the integration tests, for redis-server. Each
// instantiates ServersContract with a world of its own.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "support/servers_world.h"

namespace redis_zk::testing {

TEST_P(ServersContract, AnswersStandInTheOrderOfServersAndCommands) {
  const std::vector<Endpoint> asked{world_->StartMaster(), world_->StartMaster(), world_->StartMaster()};
  for (std::size_t i = 0; i < asked.size(); ++i)
    ASSERT_TRUE(Set(asked[i], "replica-priority", std::to_string(i)));
  const auto answers = servers().AskAll(asked, {{"PING"}, {"CONFIG", "GET", "replica-priority"}});
  ASSERT_EQ(answers.size(), asked.size());
  for (std::size_t i = 0; i < asked.size(); ++i) {
    ASSERT_TRUE(answers[i]) << answers[i].error().message;
    ASSERT_EQ(answers[i]->size(), 2U);
    EXPECT_EQ((*answers[i])[0].text, "PONG");
    EXPECT_EQ((*answers[i])[1].items.at(1).text, std::to_string(i));
  }
  EXPECT_TRUE(servers().AskAll({}, {{"PING"}}).empty());
}

TEST_P(ServersContract, ErrorRepliesAreAnswersAndFailedOrders) {
  const Endpoint server = world_->StartMaster();
  const auto answers = servers().Ask(server, {{"NONSENSE"}, {"PING"}});
  ASSERT_TRUE(answers) << answers.error().message;
  EXPECT_TRUE(answers->front().is_error());
  EXPECT_TRUE(answers->front().text.starts_with("ERR unknown command")) << answers->front().text;
  EXPECT_EQ(answers->back().text, "PONG");
  const auto ordered = servers().Order(server, {"NONSENSE"});
  EXPECT_EQ(KindOf(ordered), ErrorKind::kRefused);
  EXPECT_TRUE(ordered.error().message.starts_with(server.ToAddress() + ": ERR")) << ordered.error().message;
  EXPECT_EQ(KindOf(servers().Keep(server)->Order({"NONSENSE"})), ErrorKind::kRefused);
}

TEST_P(ServersContract, OneThatRefusesUsLives) {
  const Endpoint locked = world_->StartLockedMaster();
  const Endpoint open = world_->StartMaster();
  const Endpoint nobody = world_->NobodyThere();
  EXPECT_EQ(KindOf(servers().AskInfo(locked)), ErrorKind::kRefused);
  EXPECT_EQ(KindOf(Set(locked, "replica-priority", "0")), ErrorKind::kRefused);
  EXPECT_EQ(servers().WhoAnswers({locked, open, nobody}), (std::set<Endpoint>{locked, open}));
}

TEST_P(ServersContract, IsUnavailableWhereNobodyListens) {
  const Endpoint nobody = world_->NobodyThere();
  const auto answers = servers().AskAll({nobody, world_->StartMaster()}, {{"PING"}});
  EXPECT_EQ(KindOf(answers[0]), ErrorKind::kUnavailable);
  EXPECT_NE(answers[0].error().message.find(nobody.ToAddress()), std::string::npos)
      << answers[0].error().message;
  EXPECT_TRUE(answers[1]);
  EXPECT_EQ(KindOf(servers().Keep(nobody)->AskInfo()), ErrorKind::kUnavailable);
}

TEST_P(ServersContract, ASilentServerTakesItsTimeAndDelaysNoOther) {
  const Endpoint silent = world_->StartMaster();
  const Endpoint other = world_->StartMaster();
  world_->Silence(silent);
  const TimePoint asked = Clock::now();
  const auto answers = servers().AskAll({silent, other, silent}, {{"PING"}});
  const auto took = Clock::now() - asked;
  EXPECT_EQ(KindOf(answers[0]), ErrorKind::kTimeout);
  EXPECT_NE(answers[0].error().message.find(silent.ToAddress()), std::string::npos);
  EXPECT_TRUE(answers[1]) << answers[1].error().message;
  EXPECT_EQ(KindOf(answers[2]), ErrorKind::kTimeout);
  EXPECT_GE(took, world_->timeout());
  EXPECT_LT(took, 2 * world_->timeout()) << "two that are silent are waited for at once";
  world_->Wake(silent);
  EXPECT_TRUE(world_->PassUntil([&] { return servers().Ask(silent, {{"PING"}}).has_value(); }));
}

TEST_P(ServersContract, AKeptConnectionIsReplaced) {
  const Endpoint server = world_->StartMaster();
  const auto kept = servers().Keep(server);
  ASSERT_TRUE(kept->AskInfo());
  ASSERT_TRUE(servers().Order(server, {"CLIENT", "KILL", "TYPE", "normal"}));
  EXPECT_TRUE(kept->AskInfo()) << "it was closed by the server";
  world_->Kill(server);
  EXPECT_EQ(KindOf(kept->AskInfo()), ErrorKind::kUnavailable);
  world_->StartAgain(server);
  EXPECT_TRUE(kept->AskInfo()) << "another one is there";
}

TEST_P(ServersContract, AKeptServerTakesNoLateAnswerForTheNext) {
  const Endpoint server = world_->StartMaster();
  const auto kept = servers().Keep(server);
  ASSERT_TRUE(kept->Order({"CONFIG", "SET", "replica-priority", "1"}));
  world_->Silence(server);
  const TimePoint asked = Clock::now();
  EXPECT_EQ(KindOf(kept->Ask({{"CONFIG", "SET", "replica-priority", "2"}, {"PING"}})), ErrorKind::kTimeout);
  EXPECT_GE(Clock::now() - asked, world_->timeout());
  EXPECT_EQ(KindOf(kept->Order({"CONFIG", "SET", "replica-priority", "3"})), ErrorKind::kTimeout);
  world_->Wake(server);
  const auto answers = kept->Ask({{"CONFIG", "GET", "replica-priority"}});
  ASSERT_TRUE(answers) << answers.error().message;
  ASSERT_EQ(answers->front().items.size(), 2U) << answers->front().text;
  EXPECT_EQ(answers->front().items[1].text, "2")
      << "what was sent is carried out before what is asked next; the second order was not sent any more";
}

TEST_P(ServersContract, InfoTellsAMasterAndItsReplica) {
  StartGroup(0);
  ASSERT_TRUE(Write(master_));
  ASSERT_TRUE(world_->PassUntil([this] { return InStep(replica_, master_); }));
  const auto master = Info(master_);
  EXPECT_EQ(master.role, redis::Role::kMaster);
  EXPECT_FALSE(master.loading);
  EXPECT_EQ(master.run_id.size(), 40U);
  EXPECT_EQ(master.replication_id.size(), 40U);
  EXPECT_GT(master.process_id, 0);
  EXPECT_GT(master.offset, 0);
  EXPECT_EQ(master.connected_replicas, 1U);
  ASSERT_EQ(master.replicas.size(), 1U);
  EXPECT_EQ(master.replicas[0].endpoint, replica_);
  EXPECT_TRUE(master.replicas[0].online);
  EXPECT_EQ(master.previous_replication_id, "");

  const auto replica = Info(replica_);
  EXPECT_EQ(replica.role, redis::Role::kReplica);
  EXPECT_EQ(replica.master, master_);
  EXPECT_TRUE(replica.link_up);
  EXPECT_FALSE(replica.synchronising);
  EXPECT_EQ(replica.priority, 100);
  EXPECT_EQ(replica.replication_id, master.replication_id);
  EXPECT_NE(replica.run_id, master.run_id);
  EXPECT_EQ(replica.keys, master.keys);
  EXPECT_TRUE(replica.replicas.empty());
}

TEST_P(ServersContract, AWriteMovesTheOffset) {
  StartGroup(0);
  const auto before = Info(master_).offset;
  ASSERT_TRUE(Write(master_));
  EXPECT_GT(Info(master_).offset, before);
  EXPECT_TRUE(world_->PassUntil([this] { return InStep(replica_, master_); }));
  EXPECT_EQ(KindOf(Write(replica_)), ErrorKind::kRefused) << "READONLY";
}

TEST_P(ServersContract, AReplicaLosesItsLinkWithItsMaster) {
  StartGroup(0);
  world_->Kill(master_);
  EXPECT_TRUE(world_->PassUntil([this] { return !Info(replica_).link_up; }));
  const auto info = Info(replica_);
  EXPECT_EQ(info.role, redis::Role::kReplica);
  EXPECT_EQ(info.master, master_);
}

TEST_P(ServersContract, APromotedReplicaCallsItsDataByAnotherName) {
  StartGroup(0);
  const auto before = Info(replica_);
  ASSERT_TRUE(servers().Order(replica_, {"REPLICAOF", "NO", "ONE"}));
  const auto after = Info(replica_);
  EXPECT_EQ(after.role, redis::Role::kMaster);
  EXPECT_NE(after.replication_id, before.replication_id);
  EXPECT_EQ(after.previous_replication_id, before.replication_id);
  EXPECT_EQ(after.previous_until, after.offset);
  EXPECT_EQ(after.run_id, before.run_id);
  EXPECT_TRUE(Write(replica_));

  ASSERT_TRUE(servers().Order(replica_, {"REPLICAOF", "NO", "ONE"}));
  EXPECT_EQ(Info(replica_).replication_id, after.replication_id) << "it is a master already";
}

TEST_P(ServersContract, AMasterThatIsToFollowTakesOverTheOthersData) {
  StartGroup(0);
  ASSERT_TRUE(servers().Order(replica_, {"REPLICAOF", "NO", "ONE"}));
  ASSERT_TRUE(Write(replica_));
  ASSERT_TRUE(servers().Order(master_, {"REPLICAOF", replica_.host, std::to_string(replica_.port)}));
  EXPECT_EQ(Info(master_).role, redis::Role::kReplica);
  EXPECT_EQ(Info(master_).master, replica_);
  EXPECT_TRUE(world_->PassUntil([this] { return InStep(master_, replica_); }));
}

TEST_P(ServersContract, SettingsAreReadAndChanged) {
  StartGroup(0);
  EXPECT_EQ(Setting(replica_, "replica-priority"), "100");
  EXPECT_EQ(Setting(replica_, "min-replicas-to-write"), "0");
  EXPECT_EQ(Setting(replica_, "no-such-setting"), "");
  ASSERT_TRUE(Set(replica_, "replica-priority", "7"));
  EXPECT_EQ(Setting(replica_, "replica-priority"), "7");
  EXPECT_EQ(Info(replica_).priority, 7);
  EXPECT_EQ(KindOf(Set(replica_, "no-such-setting", "7")), ErrorKind::kRefused);
}

TEST_P(ServersContract, RefusesWritesWithTooFewReplicas) {
  StartGroup(0);
  EXPECT_EQ(Info(master_).good_replicas, std::nullopt);
  ASSERT_TRUE(Set(master_, "min-replicas-to-write", "1"));
  // A replica says once a second how far it is.
  EXPECT_TRUE(world_->PassUntil([this] { return Info(master_).good_replicas == 1U; }));
  EXPECT_TRUE(Write(master_));
  ASSERT_TRUE(Set(master_, "min-replicas-to-write", "2"));
  const auto refused = Write(master_);
  EXPECT_EQ(KindOf(refused), ErrorKind::kRefused);
  EXPECT_NE(refused.error().message.find("NOREPLICAS"), std::string::npos) << refused.error().message;
  ASSERT_TRUE(Set(master_, "min-replicas-to-write", "0"));
  EXPECT_TRUE(Write(master_));
}

TEST_P(ServersContract, APauseHoldsBackWritesAlone) {
  const Endpoint server = world_->StartMaster();
  ASSERT_TRUE(servers().Order(server, {"CLIENT", "PAUSE", "600000", "WRITE"}));
  EXPECT_EQ(KindOf(Write(server)), ErrorKind::kTimeout);
  EXPECT_TRUE(servers().AskInfo(server)) << "questions are answered";
  EXPECT_TRUE(Set(server, "replica-priority", "7")) << "and settings changed";
  ASSERT_TRUE(servers().Order(server, {"CLIENT", "UNPAUSE"}));
  EXPECT_TRUE(Write(server));
  ASSERT_TRUE(servers().Order(server, {"CLIENT", "PAUSE", "100", "WRITE"}));
  EXPECT_TRUE(world_->PassUntil([&] { return Write(server).has_value(); })) << "it ends by itself";
}

}  // namespace redis_zk::testing
