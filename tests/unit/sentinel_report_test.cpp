#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <vector>

#include "sentinel/reports.h"

namespace redis_zk::testing::sentinel_report_test {
namespace {

using redis::Reply;
using sentinel::FindMajority;
using sentinel::ParseSentinelReport;
using sentinel::SentinelReport;

const Endpoint kSentinel{"10.0.0.5", 26379};
const Endpoint kA{"10.0.0.1", 6379};
const Endpoint kB{"10.0.0.2", 6379};
const Endpoint kC{"10.0.0.3", 6379};

Reply Nil() { return {}; }
Reply Text(const std::string& text) { return {.type = Reply::Type::kText, .text = text}; }
Reply ErrorReply(const std::string& text) { return {.type = Reply::Type::kError, .text = text}; }
Reply Number(std::int64_t number) { return {.type = Reply::Type::kInteger, .integer = number}; }
Reply Array(const std::vector<std::string>& texts) {
  Reply reply{.type = Reply::Type::kArray};
  for (const auto& text : texts) reply.items.push_back(Text(text));
  return reply;
}

const Reply kAddress = Array({"10.0.0.1", "6379"});

Reply Details(const std::string& flags = "master") {
  return Array({"name", "master1", "ip", "10.0.0.9", "port", "1", "flags", flags, "config-epoch", "7",
                "num-slaves", "2", "num-other-sentinels", "4", "quorum", "3"});
}

TEST(ParseSentinelReportTest, TakesAddressAndDetails) {
  const auto report = ParseSentinelReport(kSentinel, {kAddress, Details()});
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->sentinel, kSentinel);
  EXPECT_EQ(report->master, kA) << "not the one of the details";
  EXPECT_EQ(report->config_epoch, 7U);
  EXPECT_EQ(report->known_replicas, 2U);
  EXPECT_EQ(report->known_sentinels, 4U);
  EXPECT_EQ(report->quorum, 3U);
  EXPECT_FALSE(report->master_down);
  EXPECT_FALSE(report->failover_in_progress);
}

TEST(ParseSentinelReportTest, ReadsTheFlags) {
  struct Row {
    const char* flags;
    bool down;
    bool failing_over;
  };
  for (const auto& [flags, down, failing_over] :
       std::initializer_list<Row>{{"master", false, false},
                                  {"s_down,master", true, false},
                                  {"master,s_down,o_down", true, false},
                                  {"o_down", true, false},
                                  {"s_down,o_down,master,disconnected", true, false},
                                  {"master,failover_in_progress", false, true},
                                  {"s_down,o_down,master,failover_in_progress,force_failover", true, true},
                                  {"master,disconnected", false, false},
                                  {"", false, false},
                                  {"xs_down,o_downx,failover_in_progress_not", false, false},
                                  {"s_down o_down", false, false}}) {
    const auto report = ParseSentinelReport(kSentinel, {kAddress, Details(flags)});
    ASSERT_TRUE(report) << flags;
    EXPECT_EQ(report->master_down, down) << flags;
    EXPECT_EQ(report->failover_in_progress, failing_over) << flags;
  }
}

TEST(ParseSentinelReportTest, RefusesWhatIsNoReport) {
  struct Row {
    const char* name;
    std::vector<Reply> replies;
    ErrorKind kind;
  };
  for (const auto& [name, replies, kind] : std::initializer_list<Row>{
           {"nothing", {}, ErrorKind::kProtocol},
           {"one answer", {kAddress}, ErrorKind::kProtocol},
           {"three answers", {kAddress, Details(), Details()}, ErrorKind::kProtocol},
           {"unknown group", {Nil(), ErrorReply("ERR No such master with that name")}, ErrorKind::kNotFound},
           {"unknown group, half", {kAddress, ErrorReply("ERR No such master")}, ErrorKind::kNotFound},
           {"no password given", {ErrorReply("NOAUTH"), ErrorReply("NOAUTH")}, ErrorKind::kRefused},
           {"no Sentinel", {ErrorReply("ERR unknown command"), ErrorReply("ERR")}, ErrorKind::kRefused},
           {"address of one word", {Array({"10.0.0.1"}), Details()}, ErrorKind::kProtocol},
           {"address of three words", {Array({"10.0.0.1", "1", "x"}), Details()}, ErrorKind::kProtocol},
           {"empty address", {Array({}), Details()}, ErrorKind::kProtocol},
           {"address as text", {Text("10.0.0.1 6379"), Details()}, ErrorKind::kProtocol},
           {"address as number", {Number(1), Details()}, ErrorKind::kProtocol},
           {"no host", {Array({"", "6379"}), Details()}, ErrorKind::kProtocol},
           {"port 0", {Array({"10.0.0.1", "0"}), Details()}, ErrorKind::kProtocol},
           {"unreadable host", {Array({"10.0.0.256", "6379"}), Details()}, ErrorKind::kProtocol},
           {"empty details", {kAddress, Array({})}, ErrorKind::kProtocol},
           {"details as text", {kAddress, Text("OK")}, ErrorKind::kProtocol},
           {"details without an epoch", {kAddress, Array({"flags", "master"})}, ErrorKind::kProtocol},
           {"epoch without a value", {kAddress, Array({"config-epoch"})}, ErrorKind::kProtocol}}) {
    const auto report = ParseSentinelReport(kSentinel, replies);
    ASSERT_FALSE(report) << name;
    EXPECT_EQ(report.error().kind, kind) << name;
    EXPECT_NE(report.error().message.find(kSentinel.ToAddress()), std::string::npos) << name;
  }
}

// A Sentinel's report that names `master` with `epoch`.
SentinelReport Names(const Endpoint& master, std::uint64_t epoch) {
  return {.sentinel = kSentinel, .master = master, .config_epoch = epoch};
}

TEST(FindMajorityTest, NeedsMoreThanHalfOfThoseAsked) {
  struct Row {
    const char* name;
    std::vector<SentinelReport> reports;
    std::size_t asked;
    std::size_t votes;  // 0: no majority
    std::uint64_t epoch;
  };
  for (const auto& [name, reports, asked, votes, epoch] : std::initializer_list<Row>{
           {"nobody asked", {}, 0, 0, 0},
           {"nobody answers", {}, 3, 0, 0},
           {"one of one", {Names(kA, 1)}, 1, 1, 1},
           {"one of two", {Names(kA, 1)}, 2, 0, 0},
           {"two of two", {Names(kA, 1), Names(kA, 1)}, 2, 2, 1},
           {"one each", {Names(kA, 1), Names(kB, 2)}, 2, 0, 0},
           {"one of three", {Names(kA, 1)}, 3, 0, 0},
           {"two of three", {Names(kA, 1), Names(kA, 1)}, 3, 2, 1},
           {"two against one", {Names(kB, 9), Names(kA, 1), Names(kA, 1)}, 3, 2, 1},
           {"three of three", {Names(kA, 1), Names(kA, 1), Names(kA, 1)}, 3, 3, 1},
           {"all different", {Names(kA, 1), Names(kB, 1), Names(kC, 1)}, 3, 0, 0},
           {"two of four", {Names(kA, 1), Names(kA, 1)}, 4, 0, 0},
           {"two against two", {Names(kA, 1), Names(kA, 1), Names(kB, 1), Names(kB, 1)}, 4, 0, 0},
           {"three of five", {Names(kA, 1), Names(kB, 1), Names(kA, 1), Names(kA, 1)}, 5, 3, 1},
           {"highest epoch of those who agree", {Names(kA, 1), Names(kA, 5), Names(kA, 3)}, 3, 3, 5},
           {"highest epoch, not the others'", {Names(kA, 1), Names(kA, 2), Names(kB, 9)}, 3, 2, 2},
           {"epoch 0", {Names(kA, 0), Names(kA, 0)}, 2, 2, 0}}) {
    const auto majority = FindMajority(reports, asked);
    ASSERT_EQ(majority.has_value(), votes > 0) << name;
    if (!majority) continue;
    EXPECT_EQ(majority->master, kA) << name;
    EXPECT_EQ(majority->votes, votes) << name;
    EXPECT_EQ(majority->config_epoch, epoch) << name;
  }
}

TEST(FindMajorityTest, TellsPortsApart) {
  const Endpoint other{kA.host, 6380};
  EXPECT_FALSE(FindMajority({Names(kA, 1), Names(other, 1)}, 2));
}

}  // namespace
}  // namespace redis_zk::testing::sentinel_report_test
