// What Sentinels make of the daemons' commands: as servers_contract.h, and for the same suite.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "support/servers_world.h"

namespace redis_zk::testing {

TEST_P(ServersContract, ASentinelReportsItsGroup) {
  StartGroup(2);
  const auto report = Report(sentinels_[0], kGroup);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->sentinel, sentinels_[0]);
  EXPECT_EQ(report->id.size(), 40U);
  EXPECT_EQ(report->master, master_);
  EXPECT_EQ(report->config_epoch, 0U);
  EXPECT_EQ(report->known_replicas, 1U);
  EXPECT_EQ(report->known_sentinels, 1U);
  EXPECT_EQ(report->quorum, 1U);
  EXPECT_EQ(report->parallel_syncs, 1U);
  EXPECT_FALSE(report->tilt);
  EXPECT_FALSE(report->master_down);
  EXPECT_FALSE(report->failover_in_progress);

  const auto known = At(sentinels_[0]).AskKnownInstances(kGroup);
  ASSERT_TRUE(known) << known.error().message;
  ASSERT_EQ(known->replicas.size(), 1U);
  EXPECT_EQ(known->replicas[0].endpoint, replica_);
  EXPECT_FALSE(known->replicas[0].down);
  EXPECT_FALSE(known->replicas[0].promoted);
  EXPECT_EQ(known->replicas[0].priority, 100);
  ASSERT_EQ(known->peers.size(), 1U);
  EXPECT_EQ(known->peers[0].endpoint, sentinels_[1]);
  EXPECT_EQ(known->peers[0].id, Report(sentinels_[1], kGroup)->id);
  EXPECT_FALSE(known->peers[0].down);

  ASSERT_TRUE(Set(replica_, "replica-priority", "7"));
  EXPECT_TRUE(world_->PassUntil([this] {
    const auto now = At(sentinels_[0]).AskKnownInstances(kGroup);
    return now && now->replicas.size() == 1 && now->replicas[0].priority == 7;
  }));
}

TEST_P(ServersContract, ASentinelIsNoRedisAndTheOtherWayRound) {
  const Endpoint master = world_->StartMaster();
  const Endpoint sentinel = world_->StartSentinel(master);
  EXPECT_FALSE(servers().AskInfo(sentinel));
  EXPECT_EQ(KindOf(Report(master, kGroup)), ErrorKind::kRefused);
  EXPECT_EQ(servers().WhoAnswers({sentinel}), std::set<Endpoint>{sentinel});
}

TEST_P(ServersContract, ASentinelThatDoesNotKnowTheGroupSaysSo) {
  const Endpoint sentinel = world_->StartSentinel(world_->StartMaster());
  const auto reports =
      sentinel::AskSentinels(servers(), {{sentinel, ""}}, std::vector<std::string>{"other", kGroup}).front();
  EXPECT_EQ(KindOf(reports[0]), ErrorKind::kNotFound);
  EXPECT_TRUE(reports[1]);
  EXPECT_EQ(KindOf(At(sentinel).AskKnownInstances("other")), ErrorKind::kRefused);
  EXPECT_EQ(KindOf(At(sentinel).RequestFailover("other")), ErrorKind::kRefused);
  EXPECT_EQ(KindOf(At(sentinel).StopMonitoring("other")), ErrorKind::kRefused);
  EXPECT_EQ(KindOf(At(sentinel).SetOption("other", "down-after-milliseconds", "1000")), ErrorKind::kRefused);
  EXPECT_TRUE(At(sentinel).RequestReset("other")) << "it resets all that have the name";
}

TEST_P(ServersContract, ASentinelWithAnotherIdIsRefused) {
  const Endpoint sentinel = world_->StartSentinel(world_->StartMaster());
  const std::string id = Report(sentinel, kGroup)->id;
  const auto reports = sentinel::AskSentinels(
      servers(), {{sentinel, id}, {sentinel, std::string(40, 'b')}, {sentinel, ""}}, kGroup);
  ASSERT_TRUE(reports[0]) << reports[0].error().message;
  EXPECT_TRUE(reports[0]->identified);
  EXPECT_EQ(KindOf(reports[1]), ErrorKind::kRefused);
  ASSERT_TRUE(reports[2]) << "its registration does not say which";
  EXPECT_FALSE(reports[2]->identified);
}

TEST_P(ServersContract, ASentinelKeepsTheSettingsThatItIsTold) {
  const Endpoint sentinel = world_->StartSentinel(world_->StartMaster());
  const auto client = At(sentinel);
  ASSERT_TRUE(client.SetOption(kGroup, "down-after-milliseconds", "4321"));
  ASSERT_TRUE(client.SetOption(kGroup, "failover-timeout", "54321"));
  ASSERT_TRUE(client.SetOption(kGroup, "parallel-syncs", "3"));
  ASSERT_TRUE(client.SetOption(kGroup, "quorum", "2"));
  const auto report = Report(sentinel, kGroup);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->down_after, 4321ms);
  EXPECT_EQ(report->failover_timeout, 54321ms);
  EXPECT_EQ(report->parallel_syncs, 3U);
  EXPECT_EQ(report->quorum, 2U);
  EXPECT_EQ(KindOf(client.SetOption(kGroup, "down-after-milliseconds", "0")), ErrorKind::kRefused);
  EXPECT_EQ(KindOf(client.SetOption(kGroup, "no-such-setting", "3")), ErrorKind::kRefused);
  EXPECT_EQ(Report(sentinel, kGroup)->down_after, 4321ms);
}

TEST_P(ServersContract, ASentinelTakesAnotherInfoPeriod) {
  const auto client = At(world_->StartSentinel(world_->StartMaster()));
  EXPECT_EQ(client.AskInfoPeriod().value(), 10s);
  ASSERT_TRUE(client.SetInfoPeriod(500ms));
  EXPECT_EQ(client.AskInfoPeriod().value(), 500ms);
}

TEST_P(ServersContract, ASentinelMonitorsAGroupOnceUntilItIsRemoved) {
  StartGroup(1);
  const redis::Command monitor{"SENTINEL", "MONITOR", "other", master_.host, std::to_string(master_.port),
                               "2"};
  ASSERT_TRUE(servers().Order(sentinels_[0], monitor));
  EXPECT_EQ(Report(sentinels_[0], "other")->quorum, 2U);
  EXPECT_EQ(Report(sentinels_[0], "other")->master, master_);
  EXPECT_TRUE(world_->PassUntil([this] { return Knows(sentinels_[0], replica_, "other"); }));
  EXPECT_EQ(KindOf(servers().Order(sentinels_[0], monitor)), ErrorKind::kRefused) << "it has it already";
  EXPECT_EQ(KindOf(servers().Order(sentinels_[0], {"SENTINEL", "MONITOR", "named", "no.such.host.invalid",
                                                   std::to_string(master_.port), "2"})),
            ErrorKind::kRefused)
      << "it resolves no names";
  ASSERT_TRUE(At(sentinels_[0]).StopMonitoring("other"));
  EXPECT_EQ(KindOf(Report(sentinels_[0], "other")), ErrorKind::kNotFound);
  EXPECT_TRUE(Report(sentinels_[0], kGroup)) << "the other one stays";
}

TEST_P(ServersContract, AResetSentinelHasForgottenReplicasAndPeers) {
  StartGroup(2);
  // In one go: it begins to find them again.
  const auto answers = servers().Ask(
      sentinels_[0],
      {{"SENTINEL", "RESET", kGroup}, {"SENTINEL", "SLAVES", kGroup}, {"SENTINEL", "SENTINELS", kGroup}});
  ASSERT_TRUE(answers) << answers.error().message;
  EXPECT_EQ((*answers)[0].integer, 1);
  EXPECT_TRUE((*answers)[1].items.empty());
  EXPECT_TRUE((*answers)[2].items.empty());
  EXPECT_EQ(Report(sentinels_[0], kGroup)->master, master_);
}

TEST_P(ServersContract, AFailoverNeedsAReplica) {
  const Endpoint sentinel = world_->StartSentinel(world_->StartMaster());
  const auto refused = At(sentinel).RequestFailover(kGroup);
  EXPECT_EQ(KindOf(refused), ErrorKind::kRefused);
  EXPECT_NE(refused.error().message.find("NOGOODSLAVE"), std::string::npos) << refused.error().message;
  EXPECT_FALSE(sentinel::IsFailoverRunning(refused.error()));
}

TEST_P(ServersContract, AnOrderedFailoverPromotesAndEverySentinelLearnsOfIt) {
  StartGroup(3);
  ASSERT_TRUE(At(sentinels_[0]).RequestFailover(kGroup));
  const auto second = At(sentinels_[0]).RequestFailover(kGroup);
  EXPECT_EQ(KindOf(second), ErrorKind::kRefused);
  EXPECT_TRUE(sentinel::IsFailoverRunning(second.error())) << second.error().message;
  EXPECT_TRUE(Report(sentinels_[0], kGroup)->failover_in_progress);
  EXPECT_TRUE(world_->PassUntil([this] {
    // The order that promotes it disconnects its clients.
    const auto info = servers().AskInfo(replica_);
    return info && info->role == redis::Role::kMaster;
  }));
  EXPECT_TRUE(world_->PassUntil([this] {
    return std::all_of(sentinels_.begin(), sentinels_.end(), [this](const auto& sentinel) {
      const auto report = Report(sentinel, kGroup);
      return report && report->master == replica_ && !report->failover_in_progress;
    });
  }));
  std::vector<std::uint64_t> epochs;
  for (const auto& sentinel : sentinels_) {
    epochs.push_back(Report(sentinel, kGroup)->config_epoch);
    const auto known = At(sentinel).AskKnownInstances(kGroup);
    ASSERT_EQ(known->replicas.size(), 1U);
    EXPECT_EQ(known->replicas[0].endpoint, master_) << "the old master is a replica from now on";
  }
  EXPECT_GT(epochs[0], 0U);
  EXPECT_THAT(epochs, ::testing::Each(epochs[0]));
}

TEST_P(ServersContract, ASentinelThatLeadsAFailoverHasVotedForItselfInTheEpochOfItsOutcome) {
  StartGroup(2);
  const auto own = Report(sentinels_[0], kGroup).value();
  const auto ask = [this] { return sentinel::AskVotes(servers(), {sentinels_[0]}, master_).front(); };
  EXPECT_EQ(ask()->epoch, 0U) << "nobody has voted yet, and to ask is no vote";
  EXPECT_EQ(ask()->leader, "*");
  ASSERT_TRUE(At(sentinels_[0]).RequestFailover(kGroup));
  sentinel::Vote vote;
  EXPECT_TRUE(world_->PassUntil([&] {
    vote = ask().value_or(sentinel::Vote{});
    return vote.leader == own.id;
  }));
  EXPECT_GT(vote.epoch, 0U);
  EXPECT_TRUE(world_->PassUntil([&] { return Report(sentinels_[0], kGroup)->master == replica_; }));
  EXPECT_EQ(Report(sentinels_[0], kGroup)->config_epoch, vote.epoch);
}

}  // namespace redis_zk::testing
