#include "sentinel-wrapper/identity.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <vector>

#include "base/random_id.h"

namespace redis_zk::testing::identity_test {
namespace {

using sentinel_wrapper::ChooseIdentity;
using sentinel_wrapper::EpochIn;
using sentinel_wrapper::IdentityChoice;
using sentinel_wrapper::IdentitySeen;
using sentinel_wrapper::IsLost;
using store::FleetEpoch;
using store::Identity;
using Kind = IdentityChoice::Kind;

const Endpoint kOwn{"10.0.0.1", 26379};
const Endpoint kOther{"10.0.0.2", 26379};
const Endpoint kThird{"10.0.0.3", 26379};

IdentitySeen Free(const char* uuid, const Endpoint& endpoint) {
  return {{.uuid = uuid, .endpoint = endpoint, .epoch = 3, .taken = false}, false};
}
IdentitySeen Used(const char* uuid, const Endpoint& endpoint) {
  return {{.uuid = uuid, .endpoint = endpoint, .epoch = 3, .taken = true}, true};
}
// Its Sentinel is dead or has not started yet.
IdentitySeen Silent(const char* uuid, const Endpoint& endpoint) {
  return {{.uuid = uuid, .endpoint = endpoint, .epoch = 3, .taken = true}, false};
}
// Its wrapper has lost its session.
IdentitySeen Abandoned(const char* uuid, const Endpoint& endpoint) {
  return {{.uuid = uuid, .endpoint = endpoint, .epoch = 3, .taken = false}, true};
}

struct ChoiceRow {
  const char* name;
  std::vector<IdentitySeen> identities;
  Kind kind;
  const char* uuid;
};

void Check(bool may_wait, std::initializer_list<ChoiceRow> rows) {
  for (const auto& row : rows) {
    const auto choice = ChooseIdentity(row.identities, kOwn, may_wait);
    EXPECT_EQ(choice.kind, row.kind) << row.name << ": " << choice.reason;
    EXPECT_EQ(choice.identity.uuid, row.uuid) << row.name << ": " << choice.reason;
    EXPECT_FALSE(choice.reason.empty()) << row.name;
  }
}

TEST(ChooseIdentityTest, TakesItsOwnIdentityBeforeAnyOther) {
  for (const bool may_wait : {true, false}) {
    Check(may_wait,
          {{"alone", {Free("b", kOwn)}, Kind::kTake, "b"},
           {"another free one comes first", {Free("a", kOther), Free("b", kOwn)}, Kind::kTake, "b"},
           {"one of two that were ours", {Silent("a", kOwn), Free("b", kOwn)}, Kind::kTake, "b"},
           {"the first of two that were ours", {Free("c", kOwn), Free("b", kOwn)}, Kind::kTake, "b"},
           {"another one may be dead", {Silent("a", kOther), Free("b", kOwn)}, Kind::kTake, "b"}});
  }
}

TEST(ChooseIdentityTest, WaitsForItsPredecessorToBeForgotten) {
  Check(true, {{"killed a moment ago", {Silent("b", kOwn)}, Kind::kWait, "b"},
               {"its Sentinel still ends", {Used("b", kOwn)}, Kind::kWait, "b"},
               {"though another identity is free", {Free("a", kOther), Silent("b", kOwn)}, Kind::kWait, "b"},
               {"though its session has ended", {Abandoned("b", kOwn)}, Kind::kWait, "b"}});
  Check(false, {{"in vain", {Silent("b", kOwn)}, Kind::kNew, ""},
                {"in vain, and another is free", {Free("c", kOther), Silent("b", kOwn)}, Kind::kTake, "c"},
                {"in vain, and its Sentinel lives", {Abandoned("b", kOwn)}, Kind::kNew, ""}});
}

TEST(ChooseIdentityTest, TakesOverFromOneThatIsGone) {
  for (const bool may_wait : {true, false}) {
    Check(may_wait,
          {{"the only one", {Free("a", kOther)}, Kind::kTake, "a"},
           {"the first by uuid", {Free("c", kOther), Free("b", kThird)}, Kind::kTake, "b"},
           {"beside one in use", {Used("a", kOther), Free("b", kThird)}, Kind::kTake, "b"},
           {"rather than one that may be dead", {Silent("a", kOther), Free("b", kThird)}, Kind::kTake, "b"},
           {"not from one that lives without a session",
            {Abandoned("a", kOther), Free("b", kThird)},
            Kind::kTake,
            "b"}});
  }
}

TEST(ChooseIdentityTest, WaitsForOneThatMayBeDead) {
  Check(true, {{"alone", {Silent("a", kOther)}, Kind::kWait, "a"},
               {"beside one in use", {Used("a", kOther), Silent("b", kThird)}, Kind::kWait, "b"},
               {"the first by uuid", {Silent("b", kOther), Silent("a", kThird)}, Kind::kWait, "a"}});
  Check(false, {{"in vain", {Silent("a", kOther), Used("b", kThird)}, Kind::kNew, ""}});
}

TEST(ChooseIdentityTest, TakesANewOneWhereNoneIsFree) {
  for (const bool may_wait : {true, false}) {
    Check(may_wait, {{"the first of all", {}, Kind::kNew, ""},
                     {"all in use", {Used("a", kOther), Used("b", kThird)}, Kind::kNew, ""},
                     {"one lives without a session", {Abandoned("a", kOther)}, Kind::kNew, ""}});
  }
}

TEST(IsLostTest, ToldByTheEndpoint) {
  const Identity ours{.uuid = "b", .endpoint = kOwn, .epoch = 3, .taken = true};
  struct Row {
    const char* name;
    std::vector<Identity> identities;
    bool lost;
  };
  for (const auto& [name, identities, lost] : std::initializer_list<Row>{
           {"an earlier session of ours", {{"b", kOwn, 3, true}}, false},
           {"free", {{"b", kOwn, 3, false}}, false},
           {"free again after another had it", {{"b", kOther, 3, false}}, false},
           {"another sits there", {{"a", kThird, 3, true}, {"b", kOther, 4, true}}, true},
           {"others sit elsewhere", {{"a", kThird, 3, true}, {"c", kOther, 4, true}}, false},
           {"taken away", {}, false}}) {
    EXPECT_EQ(IsLost(identities, ours), lost) << name;
  }
}

TEST(FleetEpochTest, IsTheHighestOfAll) {
  EXPECT_EQ(FleetEpoch({}, 0), 0U);
  EXPECT_EQ(FleetEpoch({}, 5), 5U);
  EXPECT_EQ(FleetEpoch({{"a", kOwn, 7, false}, {"b", kOther, 9, true}, {"c", kThird, 8, true}}, 5), 9U);
  EXPECT_EQ(FleetEpoch({{"a", kOwn, 7, false}}, 12), 12U);
  EXPECT_EQ(FleetEpoch({{"a", kOwn, 7, false}, {"b", kOther, store::kMostToldEpoch + 1, false}}, 5), 7U)
      << "one that was made up does not count";
}

TEST(EpochInTest, ReadsWhatSentinelWrites) {
  struct Row {
    const char* name;
    std::string conf;
    std::uint64_t epoch;
  };
  for (const auto& [name, conf, epoch] : std::initializer_list<Row>{
           {"nothing", "", 0},
           {"among others",
            "port 26379\nsentinel myid aa\nsentinel monitor g 10.0.0.1 6379 2\nsentinel current-epoch 12\n"
            "sentinel config-epoch g 11\nsentinel leader-epoch g 13\n",
            12},
           {"the last line without an end", "port 1\nsentinel current-epoch 4", 4},
           {"the last counts", "sentinel current-epoch 4\nsentinel current-epoch 5\n", 5},
           {"a comment", "# sentinel current-epoch 4\n", 0},
           {"cut off", "sentinel current-epoch ", 0},
           {"not a number", "sentinel current-epoch x\n", 0},
           {"beyond all numbers", "sentinel current-epoch 99999999999999999999\n", 0},
           {"the greatest", "sentinel current-epoch 18446744073709551615\n", 18446744073709551615U}}) {
    EXPECT_EQ(EpochIn(conf), epoch) << name;
  }
}

}  // namespace
}  // namespace redis_zk::testing::identity_test
