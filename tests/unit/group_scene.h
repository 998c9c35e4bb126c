// A healthy group as a watcher sees it, to be spoilt by the rows of a test.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "watcher/explain.h"

namespace redis_zk::testing {

inline const TimePoint kNow = TimePoint{} + 100h;
inline const Endpoint kMaster{"10.0.0.1", 6379};
inline const Endpoint kFirst{"10.0.0.2", 6379};
inline const Endpoint kSecond{"10.0.0.3", 6379};
inline const Endpoint kStarting{"10.0.0.4", 6379};

inline redis::ServerInfo Replica(const char* run_id) {
  return {.role = redis::Role::kReplica,
          .run_id = run_id,
          .keys = 5,
          .append_only = true,
          .replication_id = "id",
          .offset = 1'000'000,
          .master = kMaster,
          .link_up = true};
}

struct GroupScene {
  watcher::Topology topology{
      .default_group = "g", .zookeeper_connected = true, .following = Endpoint{"10.0.1.1", 26379}};
  watcher::GroupStatus group{
      .record = store::Record{.state = store::Record::State::kMaster, .master = kMaster, .epoch = 3}};

  GroupScene() {
    group.master = {.endpoint = kMaster,
                    .info = redis::ServerInfo{.role = redis::Role::kMaster,
                                              .keys = 5,
                                              .append_only = true,
                                              .replication_id = "id",
                                              .offset = 1'000'000}};
    group.replicas = {{.endpoint = kFirst, .info = Replica("aaa")},
                      {.endpoint = kSecond, .info = Replica("bbb")}};
    for (const char* host : {"10.0.1.1", "10.0.1.2", "10.0.1.3"}) {
      const Endpoint sentinel{host, 26379};
      group.sentinels.push_back({.endpoint = sentinel,
                                 .report = sentinel::SentinelReport{.sentinel = sentinel,
                                                                    .master = kMaster,
                                                                    .config_epoch = 3,
                                                                    .known_replicas = 2,
                                                                    .known_sentinels = 2,
                                                                    .quorum = 2,
                                                                    .down_after = 1500ms},
                                 .replicas = {{.endpoint = kFirst}, {.endpoint = kSecond}}});
    }
  }

  redis::ServerInfo& master() { return *group.master->info; }
  redis::ServerInfo& first() { return *group.replicas[0].info; }
  redis::ServerInfo& second() { return *group.replicas[1].info; }
  void Silence(std::size_t sentinel) {
    group.sentinels[sentinel] = {.endpoint = group.sentinels[sentinel].endpoint, .error = "does not answer"};
  }
  watcher::GroupExplanation Explained() const { return watcher::Explain(topology, group, kNow); }
  // Empty: the watcher.
  watcher::NodeExplanation Node(const std::string& node) const {
    const auto explained = Explained();
    const auto found = std::find_if(
        explained.nodes.begin(), explained.nodes.end(),
        [&](const auto& candidate) { return (candidate.node ? candidate.node->ToAddress() : "") == node; });
    EXPECT_NE(found, explained.nodes.end()) << node;
    return found == explained.nodes.end() ? watcher::NodeExplanation{} : *found;
  }
};

}  // namespace redis_zk::testing
