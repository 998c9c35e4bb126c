// All small histories of a master that is cut off, in which the fence, Sentinel's failover and recovery
// decide as they do in the daemons: never does recovery make a second master that accepts writes.
#include <gtest/gtest.h>

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "redis-wrapper/fence.h"
#include "redis-wrapper/recovery.h"

namespace redis_zk::testing::recovery_model_test {
namespace {

using redis::Role;
using redis_wrapper::Fence;
using redis_wrapper::RecoveryDecision;
using redis_wrapper::RecoveryView;
using sentinel::SentinelReport;

constexpr std::size_t kSentinels = 3;
constexpr Duration kStep = 1s;
constexpr Duration kDownAfter = 1s;
constexpr Duration kSessionTimeout = 4s;
constexpr Duration kFencePatience = 2s;
constexpr Duration kFailoverTakes = 1s;
// How late the old master may notice that nobody confirms it: it waits for requests that a cut interrupted.
constexpr Duration kNoticedAfter = 4s;

// The master; the replica that may recover, on the other side of every cut; and one that stands on either.
const Endpoint kOld{"10.0.0.1", 6379};
const Endpoint kCandidate{"10.0.0.2", 6379};
const Endpoint kOther{"10.0.0.3", 6379};

// Who can be reached, during a cut, by the old master, by the candidate, or by both of them: reachability is
// not transitive. A link that loses the packets of one direction answers nobody's questions, so it is cut.
enum class Side { kWithOld, kWithNew, kWithBoth };

struct Cut {
  bool cut = true;
  std::array<Side, kSentinels> sentinels{Side::kWithNew, Side::kWithNew, Side::kWithNew};
  Side other = Side::kWithNew;
  Side zookeeper = Side::kWithNew;

  std::string Describe() const {
    if (!cut) return "whole";
    const auto name = [](Side side) {
      return std::string(side == Side::kWithOld ? "old" : side == Side::kWithNew ? "new" : "both");
    };
    std::string text = "Sentinels";
    for (const Side side : sentinels) text += ' ' + name(side);
    return text + ", replica " + name(other) + ", ZooKeeper " + name(zookeeper);
  }
};

// Which Sentinel is where makes no difference, only how many are.
std::vector<Cut> AllCuts() {
  constexpr std::array<Side, 3> kSides{Side::kWithOld, Side::kWithNew, Side::kWithBoth};
  std::vector<Cut> cuts{{.cut = false}};
  for (const Side first : kSides) {
    for (const Side second : kSides) {
      for (const Side third : kSides) {
        if (first > second || second > third) continue;
        for (const Side other : kSides) {
          for (const Side zookeeper : kSides)
            cuts.push_back({true, {first, second, third}, other, zookeeper});
        }
      }
    }
  }
  return cuts;
}

// What the Sentinels do about a master that is dead.
enum class Sentinels {
  kFailOver,
  kDoNothing,  // their next attempt is minutes away
  kAreBlind,   // they know no replica
};

// The group, and what it has been through.
class Group {
 public:
  explicit Group(Sentinels sentinels) : sentinels_(sentinels) {}

  void Run(const Cut& cut, Duration duration) {
    for (const TimePoint end = now_ + duration; now_ < end; now_ += kStep) Step(cut);
  }

  bool recovered() const { return recovered_; }
  // A recovery did what Sentinels that have given up would have done.
  bool promoted_by_votes() const { return promoted_by_votes_; }
  // A second master took writes beside the one that recovery made.
  bool split() const { return split_ || both_write_for_ > kFencePatience + kNoticedAfter + kStep; }

 private:
  struct Watching {
    std::optional<TimePoint> unseen_since{};
    bool down = false;
    Endpoint master = kOld;
    std::uint64_t epoch = 1;
  };

  void Step(const Cut& cut) {
    SeeAll(cut);
    FailOver(cut);
    Recover(cut);
    RunFence(cut);
    Follow(cut);
    const bool old_writes = old_is_master_ && !fenced_;
    split_ = split_ || (recovered_ && new_is_master_ && old_writes);
    if (promoted_by_votes_ && old_writes) both_write_for_ += kStep;
  }

  static bool OldReaches(const Cut& cut, Side side) { return !cut.cut || side != Side::kWithNew; }
  static bool NewReaches(const Cut& cut, Side side) { return !cut.cut || side != Side::kWithOld; }
  bool OldSees(const Cut& cut, std::size_t sentinel) const {
    return OldReaches(cut, cut.sentinels[sentinel]);
  }
  bool NewSees(const Cut& cut, std::size_t sentinel) const {
    return NewReaches(cut, cut.sentinels[sentinel]);
  }

  void SeeAll(const Cut& cut) {
    for (std::size_t i = 0; i < kSentinels; ++i) {
      auto& watching = watching_[i];
      const bool seen = watching.master == kOld ? OldSees(cut, i) && old_is_master_ : NewSees(cut, i);
      if (seen) watching.unseen_since.reset();
      if (!seen && !watching.unseen_since) watching.unseen_since = now_;
      watching.down = watching.unseen_since && now_ - *watching.unseen_since >= kDownAfter;
    }
    const bool renewed = OldReaches(cut, cut.zookeeper);
    if (renewed) renewed_at_ = now_;
    registered_ = renewed || (registered_ && now_ - renewed_at_ < kSessionTimeout);
  }

  // Two of three that hold the old master for dead and reach the candidate promote it.
  void FailOver(const Cut& cut) {
    std::size_t agree = 0;
    for (std::size_t i = 0; i < kSentinels; ++i)
      agree += watching_[i].master == kOld && watching_[i].down && NewSees(cut, i) ? 1 : 0;
    if (sentinels_ != Sentinels::kFailOver || new_is_master_ || agree < 2) {
      agreed_since_.reset();
      return;
    }
    if (!agreed_since_) agreed_since_ = now_;
    if (now_ - *agreed_since_ < kFailoverTakes) return;
    new_is_master_ = true;
    for (std::size_t i = 0; i < kSentinels; ++i) {
      if (NewSees(cut, i)) watching_[i] = {.master = kCandidate, .epoch = 2};
    }
    if (NewReaches(cut, cut.zookeeper)) record_ = {kCandidate, 2};
  }

  void Recover(const Cut& cut) {
    if (!NewReaches(cut, cut.zookeeper)) quiet_.Reset();
    if (new_is_master_ || !NewReaches(cut, cut.zookeeper)) return;
    RecoveryView view{
        .self = kCandidate,
        .own = {.role = Role::kReplica, .replication_id = "id", .master = kOld, .link_up = !cut.cut},
        .holds_copy = true,
        .record = {.state = store::Record::State::kMaster,
                   .master = record_.master,
                   .epoch = record_.epoch,
                   .lineage_fits = true},
        .locked = true};
    if (!cut.cut && old_is_master_) view.recorded = redis::ServerInfo{.role = Role::kMaster};
    if (registered_) view.members.push_back({{.endpoint = kOld, .serving = true}, view.recorded});
    auto& other = view.members.emplace_back(RecoveryView::Peer{{.endpoint = kOther, .serving = true}, {}});
    if (NewReaches(cut, cut.other)) {
      other.info = redis::ServerInfo{.role = Role::kReplica,
                                     .replication_id = "id",
                                     .master = kOld,
                                     .link_up = OldReaches(cut, cut.other) && !other_follows_};
    }
    for (std::size_t i = 0; i < kSentinels; ++i) {
      auto& witness = view.sentinels.emplace_back();
      witness.sentinel = {"10.0.1.1", static_cast<std::uint16_t>(26379 + i)};
      if (NewSees(cut, i)) witness.report = ReportOf(i);
      if (sentinels_ != Sentinels::kAreBlind) witness.replicas = {{.endpoint = kCandidate}};
    }
    view.quiet_since = quiet_.Note(view, now_);
    view.patience = redis_wrapper::PatienceFor(0s, kFencePatience);
    view.idle_since = quiet_.idle_since();
    const auto decision = DecideRecovery(view, now_);
    if (decision.action != RecoveryDecision::Action::kPromote) return;
    record_ = {kCandidate, decision.epoch};
    new_is_master_ = true;
    // Who does what Sentinels would do leaves the old master as long to notice as they do.
    (now_ - view.quiet_since < view.patience ? promoted_by_votes_ : recovered_) = true;
  }

  SentinelReport ReportOf(std::size_t i) const {
    return {.identified = true,
            .master = watching_[i].master,
            .config_epoch = watching_[i].epoch,
            .known_sentinels = kSentinels - 1,
            .master_down = watching_[i].down,
            .down_after = kDownAfter};
  }

  void RunFence(const Cut& cut) {
    const bool answers = OldReaches(cut, cut.zookeeper);
    redis_wrapper::Confirmations confirmations{.zookeeper = answers && record_.master == kOld};
    if (!confirmations.zookeeper) {
      redis_wrapper::PeersView view{.self = kOld, .peers = kSentinels + 2};
      for (std::size_t i = 0; i < kSentinels; ++i) {
        if (OldSees(cut, i)) view.sentinels.push_back(ReportOf(i));
      }
      const redis::ServerInfo follower{.role = Role::kReplica, .master = kOld, .link_up = true};
      if (OldReaches(cut, cut.other) && !other_follows_) view.replicas.push_back(follower);
      if (!cut.cut && !new_is_master_) view.replicas.push_back(follower);
      if (answers) view.newer_epoch = record_.epoch;
      confirmations = CountPeers(view);
    }
    if (Confirmed(confirmations)) confirmed_at_ = now_;
    const auto action = fence_.Next(old_is_master_, now_ - confirmed_at_ <= kNoticedAfter, now_);
    if (action == Fence::Action::kNone) return;
    fence_.Sent(action);
    fence_.Did(action);
    fenced_ = action == Fence::Action::kRaise;
  }

  // Who sees the record, and reaches the master that it names, goes by it within the step.
  void Follow(const Cut& cut) {
    if (record_.master != kCandidate || !NewReaches(cut, cut.zookeeper)) return;
    for (std::size_t i = 0; i < kSentinels; ++i) {
      if (NewSees(cut, i) && watching_[i].epoch < record_.epoch)
        watching_[i] = {.master = kCandidate, .epoch = record_.epoch};
    }
    if (NewReaches(cut, cut.other)) other_follows_ = true;
    if (!cut.cut) old_is_master_ = false;
  }

  const Sentinels sentinels_;
  TimePoint now_{};
  std::array<Watching, kSentinels> watching_{};
  TimePoint renewed_at_{};
  bool registered_ = true;
  std::optional<TimePoint> agreed_since_;
  struct {
    Endpoint master = kOld;
    std::uint64_t epoch = 1;
  } record_;
  redis_wrapper::Quiet quiet_;
  Fence fence_{kFencePatience};
  TimePoint confirmed_at_{};
  bool fenced_ = false;
  bool old_is_master_ = true;
  bool new_is_master_ = false;
  bool other_follows_ = false;      // the new one
  bool promoted_by_votes_ = false;  // of Sentinels that have given up
  Duration both_write_for_{};
  bool recovered_ = false;
  bool split_ = false;
};

// All take seconds; without optimization, under a sanitizer, they would take minutes.
#ifdef NDEBUG
constexpr std::size_t kOneIn = 1;
#else
constexpr std::size_t kOneIn = 13;
#endif

TEST(RecoveryModelTest, NeverMakesASecondMasterThatTakesWrites) {
  const auto cuts = AllCuts();
  const std::array<Duration, 2> durations{5s, 14s};
  const std::vector<Cut> ends{{.cut = false}, {.cut = true}};
  std::size_t histories = 0;
  std::size_t recoveries = 0;
  std::size_t promotions_by_votes = 0;
  for (const auto sentinels : {Sentinels::kFailOver, Sentinels::kDoNothing, Sentinels::kAreBlind}) {
    for (std::size_t number = 0; number < cuts.size(); number += kOneIn) {
      const Cut& first = cuts[number];
      for (const Duration first_for : durations) {
        for (const auto& second : cuts) {
          for (const Duration second_for : durations) {
            for (const auto& third : ends) {
              Group group(sentinels);
              group.Run({.cut = false}, 1s);
              group.Run(first, first_for);
              group.Run(second, second_for);
              group.Run(third, 14s);
              ++histories;
              recoveries += group.recovered() ? 1 : 0;
              promotions_by_votes += group.promoted_by_votes() ? 1 : 0;
              ASSERT_FALSE(group.split())
                  << static_cast<int>(sentinels) << ": " << first.Describe() << " for " << first_for.count()
                  << " ms, then " << second.Describe() << " for " << second_for.count() << " ms, then "
                  << third.Describe();
            }
          }
        }
      }
    }
  }
  EXPECT_EQ(histories, 3U * (91 / kOneIn) * 2 * 91 * 2 * 2);
  EXPECT_GT(recoveries, histories / 100) << "it happens";
  EXPECT_GT(promotions_by_votes, histories / 100) << "that, too";
}

TEST(RecoveryModelTest, HealsWhatSentinelsDoNot) {
  for (const auto sentinels : {Sentinels::kDoNothing, Sentinels::kAreBlind}) {
    Group group(sentinels);
    group.Run({.cut = false}, 1s);
    group.Run({.cut = true}, 30s);
    EXPECT_TRUE(group.promoted_by_votes());
    EXPECT_FALSE(group.split());
  }
}

TEST(RecoveryModelTest, WaitsForTheFenceWhereASentinelDoesNotAnswer) {
  Group group(Sentinels::kAreBlind);
  group.Run({.cut = false}, 1s);
  group.Run({.cut = true, .sentinels = {Side::kWithOld, Side::kWithNew, Side::kWithNew}}, 30s);
  EXPECT_TRUE(group.recovered());
  EXPECT_FALSE(group.split());
}

TEST(RecoveryModelTest, LeavesToSentinelWhatItDoes) {
  Group group(Sentinels::kFailOver);
  group.Run({.cut = false}, 1s);
  group.Run({.cut = true}, 30s);
  EXPECT_FALSE(group.recovered() || group.promoted_by_votes());
}

}  // namespace
}  // namespace redis_zk::testing::recovery_model_test
