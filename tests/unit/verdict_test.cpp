#include "watcher/verdict.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <deque>
#include <initializer_list>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace redis_zk::testing::verdict_test {
namespace {

using sentinel::SentinelReport;
using store::Record;
using watcher::Evidence;
using watcher::Judge;
using watcher::Verdict;
using watcher::WhomToAsk;
using State = Record::State;

const Endpoint kA{"10.0.0.1", 6379};
const Endpoint kB{"10.0.0.2", 6379};
const Endpoint kC{"10.0.0.3", 6379};
const Endpoint kSentinel{"10.0.0.9", 26379};

SentinelReport Names(const Endpoint& master, std::uint64_t epoch) {
  return {.sentinel = kSentinel, .identified = true, .master = master, .config_epoch = epoch};
}
// One of the originals, or whoever has its address now.
SentinelReport Claims(const Endpoint& master, std::uint64_t epoch) {
  return {.sentinel = kSentinel, .master = master, .config_epoch = epoch};
}
const std::set<Endpoint> kAllMembers{kA, kB, kC};
// A record that one of ours wrote, with the epoch it knew.
Record Recorded(const Endpoint& master, std::uint64_t epoch) {
  return {.state = State::kMaster, .master = master, .epoch = epoch, .lineage_fits = true};
}
// A record that somebody wrote who knows no epochs, after `epoch` had been recorded.
Record Foreign(const Endpoint& master, std::uint64_t epoch) {
  return {.state = State::kMaster, .master = master, .epoch = epoch};
}
const Record kNobody{};
const Record kGarbage{.state = State::kUnreadable, .found = "garbage"};

std::string Describe(const Evidence& evidence) {
  const auto& record = evidence.record;
  std::string text = "record: ";
  text += record.state == State::kNone         ? "none"
          : record.state == State::kUnreadable ? "unreadable"
                                               : record.master.ToAddress();
  text +=
      " epoch " + std::to_string(record.epoch) + (record.lineage_fits ? " fits" : " foreign") + "; reports:";
  for (const auto& report : evidence.reports) {
    text += ' ' + report.master.ToAddress() + '@' + std::to_string(report.config_epoch);
  }
  text += " of " + std::to_string(evidence.registered) + "; acting:";
  for (const auto& master : evidence.acting_masters) text += ' ' + master.ToAddress();
  return text;
}

struct Row {
  const char* name;
  Evidence evidence;
  std::optional<Endpoint> master;
  std::uint64_t epoch = 0;
};

void Check(std::initializer_list<Row> rows) {
  for (const auto& row : rows) {
    Evidence evidence = row.evidence;
    if (evidence.members.empty()) evidence.members = kAllMembers;
    const auto verdict = Judge(evidence);
    EXPECT_EQ(verdict.master, row.master) << row.name << ": " << verdict.reason;
    EXPECT_EQ(verdict.epoch, row.epoch) << row.name << ": " << verdict.reason;
    EXPECT_FALSE(verdict.reason.empty()) << row.name;
  }
}

TEST(JudgeTest, WhatNoSentinelMadeStaysUntilTheyHear) {
  Record recovered = Recorded(kB, 8);
  recovered.origin = store::Origin::kUnelected;
  const std::vector<SentinelReport> unaware{Names(kA, 5), Names(kA, 5), Names(kA, 5)};
  Check({{"all name the old master, and both act", {recovered, unaware, 3, {kA, kB}, {}}, {}},
         {"all name the old master, and the recorded one is gone", {recovered, unaware, 3, {kA}, {}}, kA, 5},
         {"the recorded one is about to be promoted, and the old one is back",
          {recovered, unaware, 3, {kA}, {kA, kB}, true},
          {}},
         {"the recorded one follows the old one again", {recovered, unaware, 3, {kA}, {kA, kB}}, kA, 5},
         {"a newer failover while it is about to be promoted",
          {recovered, {Names(kA, 9)}, 3, {kA}, {kA, kB}, true},
          kA,
          9},
         {"a failover that nobody had seen has the same epoch",
          {recovered, {Names(kC, 8)}, 3, {kA, kB}, {kA, kB, kC}},
          kC,
          8},
         {"the same, and others have heard of the recovery",
          {recovered, {Names(kB, 8), Names(kC, 8), Names(kB, 8)}, 3, {kB, kC}, {kA, kB, kC}},
          kC,
          8},
         {"most have heard of the recovery: it is a master like any other now",
          {recovered, {Names(kB, 8), Names(kB, 8)}, 3, {kB}, {kA, kB, kC}},
          kB,
          8},
         {"and one that names another at that epoch is late",
          {Recorded(kB, 8), {Names(kB, 8), Names(kC, 8), Names(kB, 8)}, 3, {kB, kC}, {kA, kB, kC}},
          {}},
         {"made by Sentinels", {Recorded(kB, 8), unaware, 3, {kA, kB}, {}}, kA, 5},
         {"a newer failover", {recovered, {Names(kA, 9)}, 3, {kA, kB}, {}}, kA, 9}});
}

TEST(WhomToAskTest, AsksWhereTheRecordIsInDoubt) {
  struct Doubt {
    const char* name;
    Evidence evidence;
    std::set<Endpoint> asked;
  };
  for (const auto& [name, evidence, asked] : std::initializer_list<Doubt>{
           {"the record is true", {Recorded(kA, 2), {Names(kA, 2), Names(kA, 2)}, 3, {}}, {}},
           {"no majority", {Recorded(kA, 2), {Names(kB, 2)}, 3, {}}, {}},
           {"nobody answers", {Recorded(kA, 2), {}, 3, {}}, {}},
           {"another master", {Recorded(kA, 2), {Names(kB, 2), Names(kB, 2)}, 3, {}}, {kA, kB}},
           {"another epoch", {Recorded(kA, 2), {Names(kA, 1), Names(kA, 1)}, 3, {}}, {kA}},
           {"a foreign record", {Foreign(kA, 2), {Names(kA, 2), Names(kA, 2)}, 3, {}}, {kA}},
           {"no record", {kNobody, {Names(kB, 0), Names(kB, 0)}, 3, {}}, {kB}},
           {"garbage", {kGarbage, {Names(kB, 0), Names(kB, 0)}, 3, {}}, {kB}}}) {
    EXPECT_EQ(WhomToAsk(evidence), asked) << name;
  }
}

TEST(JudgeTest, BelievesOneSentinelWithANewerEpoch) {
  Check(
      {{"alone of three", {Recorded(kA, 1), {Names(kB, 2)}, 3, {}}, kB, 2},
       {"against two that have not heard",
        {Recorded(kA, 1), {Names(kA, 1), Names(kB, 2), Names(kA, 1)}, 3, {kA}},
        kB,
        2},
       {"the newest of several", {Recorded(kA, 1), {Names(kB, 2), Names(kC, 3)}, 3, {}}, kC, 3},
       {"several that agree", {Recorded(kA, 1), {Names(kB, 2), Names(kB, 2)}, 3, {}}, kB, 2},
       {"many epochs later", {Recorded(kA, 1), {Names(kB, 900)}, 3, {}}, kB, 900},
       {"the same master again", {Recorded(kA, 1), {Names(kA, 2)}, 3, {}}, kA, 2},
       {"first failover of all", {Recorded(kA, 0), {Names(kB, 1)}, 3, {}}, kB, 1},
       {"nobody recorded", {kNobody, {Names(kB, 1)}, 3, {}}, kB, 1},
       {"unreadable record", {kGarbage, {Names(kB, 1)}, 3, {}}, kB, 1},
       {"foreign record, newer epoch", {Foreign(kA, 1), {Names(kB, 2)}, 3, {}}, kB, 2},
       {"foreign record, epoch that was recorded before it", {Foreign(kA, 1), {Names(kB, 1)}, 3, {}}, kB, 1},
       {"foreign record before any epoch", {Foreign(kA, 0), {Names(kB, 1)}, 3, {kA}}, kB, 1}});
}

TEST(JudgeTest, BelievesNobodyWithoutProof) {
  Check({{"no reports", {Recorded(kA, 1), {}, 3, {kA}}, {}},
         {"no reports and no record", {kNobody, {}, 3, {kA}}, {}},
         {"older epoch", {Recorded(kA, 2), {Names(kB, 1)}, 3, {kB}}, {}},
         {"same epoch, another master, one voice", {Recorded(kA, 2), {Names(kB, 2)}, 3, {kB}}, {}},
         {"epoch 0 of one for nobody", {kNobody, {Names(kB, 0)}, 3, {kB}}, {}},
         {"epoch 0 of one against a foreign record", {Foreign(kA, 0), {Names(kB, 0)}, 3, {kB}}, {}},
         {"older than before a foreign record", {Foreign(kA, 2), {Names(kB, 1)}, 3, {kB}}, {}},
         {"newest epoch disputed", {Recorded(kA, 1), {Names(kB, 2), Names(kC, 2)}, 3, {kB, kC}}, {}},
         {"half of them", {Recorded(kA, 1), {Names(kB, 1), Names(kB, 1)}, 4, {kB}}, {}},
         {"majority of the answers, not of the registered",
          {kNobody, {Names(kB, 0), Names(kB, 0)}, 4, {kB}},
          {}}});
}

TEST(JudgeTest, KeepsARecordThatIsTrue) {
  for (const std::uint64_t epoch : {0U, 1U, 7U}) {
    const auto verdict =
        Judge({Recorded(kA, epoch), {Names(kA, epoch), Names(kA, epoch), Names(kA, epoch)}, 3, {kA}});
    EXPECT_FALSE(verdict.master);
    EXPECT_EQ(verdict.reason, "the record is right: most Sentinels name its master");
  }
  EXPECT_FALSE(Judge({Recorded(kA, 1), {Names(kA, 1), Names(kA, 1)}, 3, {}}).master)
      << "also while it is down";
}

TEST(JudgeTest, LetsAMajorityMendTheRecord) {
  Check(
      {{"nobody recorded, before any failover", {kNobody, {Names(kA, 0), Names(kA, 0)}, 3, {kA}}, kA, 0},
       {"unreadable record", {kGarbage, {Names(kA, 0), Names(kA, 0)}, 3, {kA}}, kA, 0},
       {"foreign record of the same master", {Foreign(kA, 0), {Names(kA, 0), Names(kA, 0)}, 3, {kA}}, kA, 0},
       {"foreign record of another", {Foreign(kB, 0), {Names(kA, 0), Names(kA, 0)}, 3, {kA}}, kA, 0},
       {"foreign record of another that acts, too",
        {Foreign(kB, 0), {Names(kA, 0), Names(kA, 0)}, 3, {kA, kB}},
        kA,
        0},
       {"recorded one does not act", {Recorded(kB, 1), {Names(kA, 1), Names(kA, 1)}, 3, {kA}}, kA, 1},
       {"all know only an older epoch", {Recorded(kB, 9), {Names(kA, 0), Names(kA, 0)}, 2, {kA}}, kA, 0},
       {"all know only an older epoch of the same",
        {Recorded(kA, 9), {Names(kA, 1), Names(kA, 1), Names(kA, 1)}, 3, {kA}},
        kA,
        1},
       {"disputed, but not among the majority",
        {Recorded(kC, 1), {Names(kA, 2), Names(kA, 2), Names(kB, 2)}, 3, {kA}},
        kA,
        2}});
}

TEST(JudgeTest, AsksOfAMajorityThatItsMasterActs) {
  Check({{"nobody acts", {kNobody, {Names(kA, 0), Names(kA, 0)}, 3, {}}, {}},
         {"another acts", {kNobody, {Names(kA, 0), Names(kA, 0)}, 3, {kB}}, {}},
         {"the recorded one acts as well", {Recorded(kB, 1), {Names(kA, 1), Names(kA, 1)}, 3, {kA, kB}}, {}},
         {"the recorded one acts alone", {Recorded(kB, 1), {Names(kA, 1), Names(kA, 1)}, 3, {kB}}, {}},
         {"all know only an older epoch, nobody acts",
          {Recorded(kB, 9), {Names(kA, 0), Names(kA, 0)}, 2, {}},
          {}}});
}

TEST(JudgeTest, WaitsForSentinelsThatMayNotHaveHeard) {
  Check({{"two of three know an older epoch", {Recorded(kB, 2), {Names(kA, 1), Names(kA, 1)}, 3, {kA}}, {}},
         {"two of three, the third knows the record's",
          {Recorded(kB, 2), {Names(kA, 1), Names(kA, 1), Names(kB, 2)}, 3, {kA}},
          {}},
         {"the newest is disputed, the majority older",
          {Recorded(kC, 1), {Names(kA, 1), Names(kA, 1), Names(kA, 1), Names(kB, 2), Names(kC, 2)}, 5, {kA}},
          {}}});
}

TEST(JudgeTest, AsksWhoSaysSo) {
  const std::set<Endpoint> a_member{kA};
  Check({{"no id, newer epoch, a member", {Recorded(kA, 1), {Claims(kB, 2)}, 3, {kB}}, {}},
         {"an id, newer epoch, no member", {Recorded(kA, 1), {Names(kB, 2)}, 3, {kB}, a_member}, {}},
         {"an id beside a stranger's newer epoch",
          {Recorded(kA, 1), {Claims(kC, 9), Names(kB, 2)}, 3, {kC}, {kA, kB}},
          kB,
          2},
         {"all name a server with the data of another group, and the master is gone",
          {Recorded(kA, 1), {Names(kB, 9), Names(kB, 9), Names(kB, 9)}, 3, {kB}, {kA, kC}, false, {kB}},
          {}},
         {"the originals fail over, their old master is gone",
          {Recorded(kA, 1), {Claims(kB, 2), Claims(kB, 2)}, 3, {kB}, {kC}},
          kB,
          2},
         {"the originals fail over, their old master still acts",
          {Recorded(kA, 1), {Claims(kB, 2), Claims(kB, 2)}, 3, {kA, kB}, {kC}},
          kB,
          2},
         {"the originals fail over, and do not answer as master yet",
          {Recorded(kA, 1), {Claims(kB, 2), Claims(kB, 2)}, 3, {}, {kC}},
          {}},
         {"the originals fail over to a member of ours",
          {Recorded(kA, 1), {Claims(kB, 2), Claims(kB, 2)}, 3, {kB}, {kB}},
          kB,
          2},
         {"a member of ours fails over to an original",
          {Recorded(kA, 1), {Claims(kB, 2), Claims(kB, 2), Names(kB, 2)}, 3, {kB}, a_member},
          kB,
          2},
         {"all of them name no member, and a member acts",
          {Recorded(kA, 1), {Names(kB, 9), Names(kB, 9), Names(kB, 9)}, 3, {kA, kB}, a_member},
          {}},
         {"a foreign record of a member that acts",
          {Foreign(kA, 0), {Claims(kB, 9), Claims(kB, 9)}, 3, {kA, kB}, a_member},
          {}},
         {"of a majority one is a stranger", {Recorded(kA, 1), {Names(kA, 1), Claims(kB, 9)}, 3, {kB}}, {}}});
}

// The same Sentinels with and without the ids of their registrations, the same masters as members and not.
template <class Use>
void ForEveryIdentity(Evidence evidence, const Use& use) {
  for (const auto& members : {kAllMembers, std::set<Endpoint>{kA}, std::set<Endpoint>{}}) {
    evidence.members = members;
    for (const std::size_t identified : {std::size_t{0}, std::size_t{1}, evidence.reports.size()}) {
      for (std::size_t i = 0; i < evidence.reports.size(); ++i)
        evidence.reports[i].identified = i < identified;
      use(evidence);
    }
  }
}

// What an Evidence of three registered Sentinels can be.
template <class Use>
void ForEveryEvidence(const Use& use) {
  std::vector<Record> records;
  for (const std::uint64_t epoch : {0U, 1U, 2U}) {
    for (const auto& master : {kA, kB, kC}) {
      records.push_back(Recorded(master, epoch));
      records.push_back(Foreign(master, epoch));
    }
    for (auto unknown : {kNobody, kGarbage}) {
      unknown.epoch = epoch;
      records.push_back(unknown);
    }
  }
  std::vector<std::optional<SentinelReport>> answers{std::nullopt};
  for (const std::uint64_t epoch : {0U, 1U, 2U}) {
    for (const auto& master : {kA, kB}) answers.push_back(Names(master, epoch));
  }
  const std::vector<std::set<Endpoint>> acting{{}, {kA}, {kB}, {kA, kB}, {kA, kC}, {kC}};
  for (const auto& record : records) {
    // The order of the answers does not matter, as a test of its own shows.
    for (auto first = answers.begin(); first != answers.end(); ++first) {
      for (auto second = first; second != answers.end(); ++second) {
        for (auto third = second; third != answers.end(); ++third) {
          for (const auto& masters : acting) {
            Evidence evidence{record, {}, 3, masters, kAllMembers};
            for (const auto& answer : {*first, *second, *third}) {
              if (answer) evidence.reports.push_back(*answer);
            }
            ForEveryIdentity(evidence, use);
          }
        }
      }
    }
  }
}

std::size_t CountVotes(const Evidence& evidence, const Endpoint& master) {
  return static_cast<std::size_t>(
      std::count_if(evidence.reports.begin(), evidence.reports.end(),
                    [&master](const auto& report) { return report.master == master; }));
}

bool IsProof(const Evidence& evidence, const SentinelReport& report) {
  return report.identified && evidence.members.contains(report.master);
}

// Rule 1 of verdict.h: an epoch that is newer than any recorded, of a member, by a Sentinel that is the one
// it should be, and nobody disputes whose it is.
bool HasANewerEpoch(const Evidence& evidence, const Verdict& verdict) {
  const auto& record = evidence.record;
  const auto& reports = evidence.reports;
  const bool newer = record.lineage_fits ? verdict.epoch > record.epoch : verdict.epoch >= record.epoch;
  const bool proven = std::any_of(reports.begin(), reports.end(), [&](const SentinelReport& report) {
    return IsProof(evidence, report) && report.master == *verdict.master &&
           report.config_epoch == verdict.epoch;
  });
  const auto contradicts = [&](const SentinelReport& report) {
    return (IsProof(evidence, report) && report.config_epoch > verdict.epoch) ||
           (report.config_epoch == verdict.epoch && report.master != *verdict.master);
  };
  return newer && proven && verdict.epoch > 0 && std::none_of(reports.begin(), reports.end(), contradicts);
}

// Rule 2 of verdict.h: most of the registered Sentinels name it, it acts, and nothing speaks for another.
bool HasTheMajority(const Evidence& evidence, const Verdict& verdict) {
  const auto& record = evidence.record;
  const std::size_t votes = CountVotes(evidence, *verdict.master);
  const bool all = votes == evidence.registered;
  const bool newer = record.lineage_fits ? verdict.epoch > record.epoch : true;
  const bool old_one_acts =
      record.master != *verdict.master && evidence.acting_masters.contains(record.master);
  const bool leaves_a_member =
      old_one_acts && evidence.members.contains(record.master) && !evidence.members.contains(*verdict.master);
  const bool outdated = verdict.epoch < record.epoch && !all;
  const bool newer_known =
      std::any_of(evidence.reports.begin(), evidence.reports.end(),
                  [&verdict](const auto& report) { return report.config_epoch > verdict.epoch; });
  return votes * 2 > evidence.registered && evidence.acting_masters.contains(*verdict.master) &&
         (!old_one_acts || all || newer) && !leaves_a_member && !outdated && !newer_known;
}

TEST(JudgeInvariantTest, EveryChangeFollowsOneOfTheTwoRules) {
  ForEveryEvidence([](const Evidence& evidence) {
    const auto verdict = Judge(evidence);
    if (!verdict.master) return;
    EXPECT_TRUE(HasANewerEpoch(evidence, verdict) || HasTheMajority(evidence, verdict)) << Describe(evidence);
  });
}

TEST(JudgeInvariantTest, EveryUndisputedNewerEpochIsAccepted) {
  ForEveryEvidence([](const Evidence& evidence) {
    for (const auto& report : evidence.reports) {
      const Verdict wanted{.master = report.master, .epoch = report.config_epoch};
      if (!HasANewerEpoch(evidence, wanted)) continue;
      const auto verdict = Judge(evidence);
      EXPECT_EQ(verdict.master, wanted.master) << Describe(evidence);
      EXPECT_EQ(verdict.epoch, wanted.epoch) << Describe(evidence);
    }
  });
}

TEST(JudgeInvariantTest, OnlyAllSentinelsTogetherCanLowerTheEpoch) {
  ForEveryEvidence([](const Evidence& evidence) {
    const auto verdict = Judge(evidence);
    if (!verdict.master || verdict.epoch >= evidence.record.epoch) return;
    EXPECT_EQ(CountVotes(evidence, *verdict.master), evidence.registered) << Describe(evidence);
    EXPECT_TRUE(evidence.acting_masters.contains(*verdict.master)) << Describe(evidence);
  });
}

TEST(JudgeInvariantTest, OnlyAnEpochOfAReportIsWritten) {
  ForEveryEvidence([](const Evidence& evidence) {
    const auto verdict = Judge(evidence);
    if (!verdict.master) return;
    EXPECT_TRUE(std::any_of(evidence.reports.begin(), evidence.reports.end(), [&verdict](const auto& report) {
      return report.master == *verdict.master && report.config_epoch == verdict.epoch;
    })) << Describe(evidence);
  });
}

TEST(JudgeInvariantTest, TheSameEvidenceIsSoonUsedUp) {
  ForEveryEvidence([](Evidence evidence) {
    // Where one proves an epoch, and a majority that proves nothing knows a still newer one, each has its
    // turn.
    for (int turn = 0; turn < 2; ++turn) {
      const auto verdict = Judge(evidence);
      if (!verdict.master) return;
      evidence.record = Recorded(*verdict.master, verdict.epoch);
    }
    const auto last = Judge(evidence);
    EXPECT_FALSE(last.master) << Describe(evidence) << ": " << last.reason;
  });
}

TEST(JudgeInvariantTest, TheOrderOfTheAnswersDoesNotMatter) {
  ForEveryEvidence([](Evidence evidence) {
    const auto forwards = Judge(evidence);
    for (std::size_t turn = 0; turn < 2 * evidence.reports.size(); ++turn) {
      if (turn == evidence.reports.size()) std::reverse(evidence.reports.begin(), evidence.reports.end());
      std::rotate(evidence.reports.begin(), evidence.reports.begin() + 1, evidence.reports.end());
      const auto reordered = Judge(evidence);
      EXPECT_EQ(forwards.master, reordered.master) << Describe(evidence);
      EXPECT_EQ(forwards.epoch, reordered.epoch) << Describe(evidence);
    }
  });
}

TEST(JudgeInvariantTest, EveryVerdictSaysWhyInOneLine) {
  ForEveryEvidence([](const Evidence& evidence) {
    const std::string reason = Judge(evidence).reason;
    EXPECT_FALSE(reason.empty()) << Describe(evidence);
    EXPECT_EQ(reason.find('\n'), std::string::npos) << reason;
  });
}

// A group that has failed over three times: A, then B, then back to A, then C. Three Sentinels learn of that
// one after the other, in any order; watchers ask any of them at any moment, while any of the masters may
// still act as one.
class HistoryTest : public ::testing::Test {
 protected:
  struct Moment {
    std::array<std::uint64_t, 3> known{};  // by each Sentinel: the newest epoch
    std::optional<std::uint64_t> recorded;

    auto operator<=>(const Moment&) const = default;
  };

  static Record RecordOf(const Moment& moment) {
    return moment.recorded ? Recorded(kMasters.at(*moment.recorded), *moment.recorded) : kNobody;
  }

  // Calls `judged(before, verdict)` for whatever any watcher can conclude at any moment of any course that
  // this history can take.
  template <class Judged>
  static std::size_t Explore(const Judged& judged) {
    std::set<Moment> seen{Moment{}};
    std::deque<Moment> waiting{Moment{}};
    const auto reach = [&](const Moment& moment) {
      if (seen.insert(moment).second) waiting.push_back(moment);
    };
    while (!waiting.empty()) {
      const Moment moment = waiting.front();
      waiting.pop_front();
      for (std::size_t learner = 0; learner < moment.known.size(); ++learner) {
        Moment later = moment;
        if (++later.known.at(learner) < kMasters.size()) reach(later);
      }
      for (unsigned answering = 0; answering < 8; ++answering) {
        for (unsigned acting = 0; acting < 8; ++acting) {
          Evidence evidence{RecordOf(moment), {}, moment.known.size(), {}, kAllMembers};
          for (std::size_t i = 0; i < moment.known.size(); ++i) {
            if ((answering >> i & 1U) == 0) continue;
            evidence.reports.push_back(Names(kMasters.at(moment.known.at(i)), moment.known.at(i)));
          }
          for (unsigned i = 0; i < 3; ++i) {
            if ((acting >> i & 1U) != 0) evidence.acting_masters.insert(std::array{kA, kB, kC}.at(i));
          }
          const auto verdict = Judge(evidence);
          judged(moment, verdict);
          if (!verdict.master) continue;
          Moment later = moment;
          later.recorded = verdict.epoch;
          reach(later);
        }
      }
    }
    return seen.size();
  }

  // By epoch.
  static inline const std::vector<Endpoint> kMasters{kA, kB, kA, kC};
};

TEST_F(HistoryTest, TheRecordNeverReturnsToAnOlderConfiguration) {
  const std::size_t moments = Explore([](const Moment& before, const Verdict& verdict) {
    if (!verdict.master) return;
    EXPECT_EQ(*verdict.master, kMasters.at(verdict.epoch)) << "what is written has been true";
    if (before.recorded) {
      EXPECT_GT(verdict.epoch, *before.recorded);
    }
  });
  EXPECT_GT(moments, 100U) << "all of it was looked at";
}

TEST_F(HistoryTest, TheRecordArrivesWhereTheSentinelsAre) {
  // Whatever is recorded, one answer of a Sentinel that knows the newest epoch is enough.
  for (std::uint64_t recorded = 0; recorded < kMasters.size(); ++recorded) {
    const Moment moment{{3, 1, 0}, recorded};
    const auto verdict = Judge({RecordOf(moment), {Names(kC, 3)}, 3, {}, kAllMembers});
    EXPECT_EQ(verdict.master.value_or(RecordOf(moment).master), kC);
  }
}

}  // namespace
}  // namespace redis_zk::testing::verdict_test
