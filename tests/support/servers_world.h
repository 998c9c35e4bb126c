// A world of servers for servers_contract.h and sentinels_contract.h: in memory, or real ones.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "redis/servers.h"
#include "sentinel/client.h"

namespace redis_zk::testing {

class ServersWorld {
 public:
  virtual ~ServersWorld() = default;

  virtual redis::Servers& servers() = 0;
  // How long it waits for an answer.
  virtual Duration timeout() const = 0;

  virtual Endpoint StartMaster() = 0;
  // A master that wants a password, which we do not have.
  virtual Endpoint StartLockedMaster() = 0;
  virtual Endpoint StartReplica(const Endpoint& master) = 0;
  // Monitors the master as kGroup, with a quorum of 1.
  virtual Endpoint StartSentinel(const Endpoint& master) = 0;
  virtual Endpoint NobodyThere() = 0;

  // Stops the process, and lets it go on.
  virtual void Silence(const Endpoint& server) = 0;
  virtual void Wake(const Endpoint& server) = 0;
  // Ends the process, and starts another one at the same address.
  virtual void Kill(const Endpoint& server) = 0;
  virtual void StartAgain(const Endpoint& server) = 0;

  // Lets time pass until the condition holds; false: it never does.
  virtual bool PassUntil(const std::function<bool()>& condition) = 0;
};

using NewServersWorld = std::unique_ptr<ServersWorld> (*)();

class ServersContract : public ::testing::TestWithParam<NewServersWorld> {
 protected:
  static constexpr const char* kGroup = "master1";

  redis::Servers& servers() { return world_->servers(); }
  sentinel::Client At(const Endpoint& sentinel) { return {servers(), sentinel}; }
  Result<sentinel::SentinelReport> Report(const Endpoint& sentinel, const std::string& group) {
    return sentinel::AskSentinels(servers(), {{sentinel, ""}}, group).front();
  }

  redis::ServerInfo Info(const Endpoint& server) {
    const auto info = servers().AskInfo(server);
    EXPECT_TRUE(info) << info.error().message;
    return info.value_or(redis::ServerInfo{});
  }
  // Empty: it has no such setting, or does not answer.
  std::string Setting(const Endpoint& server, const std::string& name) {
    const auto answers = servers().Ask(server, {{"CONFIG", "GET", name}});
    return answers && answers->front().items.size() == 2 ? answers->front().items[1].text : "";
  }
  Status Set(const Endpoint& server, const std::string& name, const std::string& value) {
    return servers().Order(server, {"CONFIG", "SET", name, value});
  }
  Status Write(const Endpoint& server) { return servers().Order(server, {"SET", "key", "value"}); }
  // The replica has what the master has.
  bool InStep(const Endpoint& replica, const Endpoint& master) {
    const auto infos = servers().AskInfos({master, replica});
    return infos[0] && infos[1] && infos[1]->link_up && infos[1]->master == master &&
           infos[1]->replication_id == infos[0]->replication_id && infos[1]->offset == infos[0]->offset &&
           std::any_of(infos[0]->replicas.begin(), infos[0]->replicas.end(),
                       [&replica](const auto& each) { return each.endpoint == replica && each.online; });
  }
  // Knows the replica well enough to promote it.
  bool Knows(const Endpoint& sentinel, const Endpoint& replica, const std::string& group = kGroup) {
    const auto known = At(sentinel).AskKnownInstances(group);
    return known && std::any_of(known->replicas.begin(), known->replicas.end(), [&replica](const auto& each) {
             return each.endpoint == replica && each.master_link_up && !each.down;
           });
  }

  // A master, a replica that is in step, and Sentinels that know both and each other.
  void StartGroup(std::size_t sentinels) {
    master_ = world_->StartMaster();
    replica_ = world_->StartReplica(master_);
    ASSERT_TRUE(world_->PassUntil([this] { return InStep(replica_, master_); }));
    for (std::size_t i = 0; i < sentinels; ++i) {
      sentinels_.push_back(world_->StartSentinel(master_));
      ASSERT_TRUE(At(sentinels_.back()).SetInfoPeriod(200ms));
    }
    ASSERT_TRUE(world_->PassUntil([this] {
      return std::all_of(sentinels_.begin(), sentinels_.end(), [this](const auto& sentinel) {
        const auto known = At(sentinel).AskKnownInstances(kGroup);
        // One that it has just heard of is disconnected for a moment.
        return known && known->peers.size() == sentinels_.size() - 1 && Knows(sentinel, replica_) &&
               std::none_of(known->peers.begin(), known->peers.end(),
                            [](const auto& peer) { return peer.down; });
      });
    }));
  }

  template <class T>
  static ErrorKind KindOf(const Result<T>& result) {
    EXPECT_FALSE(result);
    return result ? ErrorKind::kInternal : result.error().kind;
  }

  const std::unique_ptr<ServersWorld> world_ = GetParam()();
  Endpoint master_;
  Endpoint replica_;
  std::vector<Endpoint> sentinels_;
};

}  // namespace redis_zk::testing
