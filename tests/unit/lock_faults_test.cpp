// The lock when a call fails before or after it took effect, or takes effect late.
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "support/fault_site.h"
#include "zookeeper/lock.h"

namespace redis_zk::testing::lock_faults_test {
namespace {

using zookeeper::kAnyVersion;
using zookeeper::Lock;
using zookeeper::SessionEvent;
using zookeeper::Transaction;
using zookeeper::Watch;

const std::string kPath = "/lock";

struct LockSite : FaultSite {
  LockSite() { EXPECT_TRUE(other_session->EnsurePath(kPath)); }

  std::vector<std::string> Contenders() const {
    return other_session->Children(kPath, Watch::kNo).value_or(std::vector<std::string>{"unknown"});
  }
  // Whether a write under the lock, as it believes to hold it, is accepted.
  static bool Counts(zookeeper::Session& session, const Lock& lock) {
    if (lock.node().empty()) return false;
    Transaction transaction;
    transaction.Add(Transaction::CheckOp{lock.node(), kAnyVersion});
    return session.Commit(transaction).has_value();
  }

  Lock lock{session, kPath, "mine"};
  Lock others{*other_session, kPath, "other's"};
};

TEST(LockFaultsTest, StandsInTheQueueOnce) {
  for (const bool held_by_other : {false, true}) {
    AtEveryCall([held_by_other](int number, Fault fault) {
      LockSite site;
      if (held_by_other) {
        EXPECT_TRUE(site.others.Acquire().value());
      }
      site.session.FailCall(number, fault);
      auto acquired = site.lock.Acquire();
      site.session.Heal();
      if (!acquired) acquired = site.lock.Acquire();
      EXPECT_EQ(acquired.value(), !held_by_other);
      EXPECT_EQ(site.Contenders().size(), held_by_other ? 2U : 1U);
      EXPECT_TRUE(LockSite::Counts(site.session, site.lock)) << "its znode is the one in the queue";
      if (held_by_other) {
        EXPECT_TRUE(site.others.Release());
        EXPECT_TRUE(site.lock.Acquire().value());
      }
      return site.session.faults() > 0;
    });
  }
}

TEST(LockFaultsTest, IsHeldByOneOnly) {
  AtEveryCall([](int number, Fault fault) {
    LockSite site;
    // The other one comes at the moment of the fault, and looks again at every step.
    std::set<std::string> holders;
    const auto look = [&] {
      if (site.others.Acquire().value()) holders.insert("other");
    };
    site.session.FailCall(number, fault, look);
    for (int tries = 0; tries < 2; ++tries) {
      const auto acquired = site.lock.Acquire();
      if (acquired && *acquired) holders.insert("mine");
      look();
    }
    EXPECT_EQ(holders.size(), 1U);
    return site.session.faults() > 0;
  });
}

TEST(LockFaultsTest, ReleasedItLeavesNothingBehind) {
  AtEveryCall([](int number, Fault fault) {
    LockSite site;
    site.session.FailCall(number, fault);
    (void)site.lock.Acquire();
    auto released = site.lock.Release();
    if (!released) released = site.lock.Release();
    EXPECT_TRUE(released);
    site.session.DeliverLate();
    EXPECT_TRUE(site.Contenders().empty());
    EXPECT_TRUE(site.lock.node().empty());
    return site.session.faults() > 0;
  });
}

TEST(LockFaultsTest, IsLostWithTheSessionAtWhateverCallThatEnds) {
  AtEveryCall([](int number, Fault fault) {
    LockSite site;
    EXPECT_TRUE(site.lock.Acquire().value());
    site.session.FailCall(number, fault, [&] {
      site.Expire();
      EXPECT_TRUE(site.others.Acquire().value()) << "nothing of the ended session is in its way";
    });
    const std::string held = site.lock.node();
    (void)site.lock.Acquire();
    const bool happened = site.session.faults() > 0;
    if (!happened) return false;
    EXPECT_FALSE(LockSite::Counts(site.session, site.lock) && site.lock.node() == held);
    EXPECT_FALSE(site.lock.Acquire().value());
    EXPECT_NE(site.lock.node(), held);
    EXPECT_EQ(site.Contenders().size(), 2U);
    EXPECT_TRUE(site.others.Release());
    EXPECT_TRUE(site.lock.Acquire().value());
    return true;
  });
}

TEST(LockFaultsTest, WhoWaitsIsToldWhateverCallFailed) {
  AtEveryCall([](int number, Fault fault) {
    FakeZooKeeper zookeeper;
    auto holder_session = OpenFake(zookeeper);
    EXPECT_TRUE(holder_session->EnsurePath(kPath));
    Lock holder(*holder_session, kPath, "holder");
    EXPECT_TRUE(holder.Acquire().value());
    int told = 0;
    FailingSession session(OpenFake(zookeeper, [&told](const SessionEvent& event) {
      if (event.kind == SessionEvent::Kind::kNodeChanged) ++told;
    }));
    Lock waiting(session, kPath, "waiting");
    session.FailCall(number, fault);
    auto acquired = waiting.Acquire();
    session.Heal();
    if (!acquired) acquired = waiting.Acquire();
    EXPECT_FALSE(acquired.value());
    EXPECT_TRUE(holder.Release());
    EXPECT_EQ(told, 1);
    EXPECT_TRUE(waiting.Acquire().value());
    return session.faults() > 0;
  });
}

}  // namespace
}  // namespace redis_zk::testing::lock_faults_test
