#include "failover/preference.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <map>
#include <vector>

namespace redis_zk::testing::preference_test {
namespace {

using failover::Prefers;
using failover::PrioritiesFor;
using sentinel::ReplicaReport;
using Priorities = std::map<Endpoint, std::int64_t>;

const Endpoint kA{"10.0.0.1", 6379};
const Endpoint kB{"10.0.0.2", 6379};
const Endpoint kC{"10.0.0.3", 6379};

TEST(PrioritiesForTest, PutsOneFirst) {
  struct Row {
    const char* name;
    Priorities now;
    Priorities changes;
  };
  for (const auto& [name, now, changes] : std::initializer_list<Row>{
           {"all are equal", {{kA, 100}, {kB, 100}}, {{kA, 1}}},
           {"the only one", {{kA, 100}}, {{kA, 1}}},
           {"it is first already", {{kA, 1}, {kB, 100}}, {}},
           {"another is first", {{kA, 100}, {kB, 1}}, {{kA, 1}, {kB, 2}}},
           {"all are first", {{kA, 1}, {kB, 1}, {kC, 1}}, {{kB, 2}, {kC, 2}}},
           {"another is never promoted", {{kA, 100}, {kB, 0}}, {{kA, 1}}},
           {"it is never promoted", {{kA, 0}, {kB, 100}}, {}},
       })
    EXPECT_EQ(PrioritiesFor(kA, now), changes) << name;
}

ReplicaReport Replica(const Endpoint& endpoint, std::int64_t priority) {
  return {.endpoint = endpoint, .master_link_up = true, .priority = priority};
}

TEST(PrefersTest, OnlyTheFirstThatCanBePromoted) {
  ReplicaReport down = Replica(kA, 1);
  down.down = true;
  ReplicaReport unlinked = Replica(kA, 1);
  unlinked.master_link_up = false;
  struct Row {
    const char* name;
    std::vector<ReplicaReport> replicas;
    bool prefers;
  };
  for (const auto& [name, replicas, prefers] : std::initializer_list<Row>{
           {"it is first", {Replica(kA, 1), Replica(kB, 100)}, true},
           {"it is last in the list", {Replica(kB, 100), Replica(kA, 1)}, true},
           {"it is the only one", {Replica(kA, 100)}, true},
           {"another is never promoted", {Replica(kA, 1), Replica(kB, 0)}, true},
           {"nobody is known", {}, false},
           {"it is not known", {Replica(kB, 100)}, false},
           {"as high as another", {Replica(kA, 100), Replica(kB, 100)}, false},
           {"behind another", {Replica(kA, 100), Replica(kB, 1)}, false},
           {"never", {Replica(kA, 0), Replica(kB, 100)}, false},
           {"it is down", {down, Replica(kB, 100)}, false},
           {"it has no link to the master", {unlinked, Replica(kB, 100)}, false},
       })
    EXPECT_EQ(Prefers(replicas, kA), prefers) << name;
}

}  // namespace
}  // namespace redis_zk::testing::preference_test
