#include "store/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <initializer_list>
#include <string>

namespace redis_zk::testing::report_test {
namespace {

using store::ParsePast;
using store::ParseReport;
using store::Report;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr std::int64_t kTime = 1'700'000'000'000;

Report Full() {
  const Report::Process process{.daemon = "redis-wrapper",
                                .group = "g",
                                .endpoint = {"10.0.0.1", 6379},
                                .version = "0.2.0",
                                .started = kTime};
  return {.process = process,
          .role = "master",
          .fenced = true,
          .open = true,
          .wait = store::Wait{.group = "g",
                              .daemon = "redis-wrapper",
                              .endpoint = {"10.0.0.1", 6379},
                              .name = "start-lock",
                              .sentence = "waiting for \"it\"",
                              .since = kTime,
                              .until = kTime + 60'000,
                              .needs_person = true},
          .certificates = {{"/ca.pem", kTime}, {"/a \"b\".crt", kTime + 1}},
          .error = store::LoggedLine{kTime, "server-exited", "it exited"},
          .warning = store::LoggedLine{kTime + 1, "fence-leftover", "it was up"},
          .slow_turn = store::SlowTurn{kTime, 2500},
          .launches = 2,
          .zookeeper = {.sessions = 3, .since = kTime},
          .past = {.exits = 4,
                   .last_exit = 137,
                   .last_exit_at = kTime,
                   .handover = store::HandoverEnd{kTime, true, "handed over"}}};
}

TEST(ReportTest, IsReadAsItWasWritten) {
  Report of_a_sentinel{.process = {.daemon = "sentinel-wrapper", .endpoint = {"::1", 26379}}};
  Report plain_wait = Full();
  plain_wait.wait->until.reset();
  plain_wait.wait->needs_person = false;
  for (const auto& report : {Full(), plain_wait, of_a_sentinel}) {
    EXPECT_EQ(ParseReport(Render(report)).value(), report) << Render(report);
    EXPECT_EQ(ParsePast(Render(report.past)).value(), report.past) << Render(report.past);
  }
}

TEST(ReportTest, IsShortWhateverItIsMadeOf) {
  Report report = Full();
  const std::string huge(1'000'000, '"');
  report.wait->sentence = report.error->sentence = report.warning->sentence = huge;
  report.past.handover->sentence = huge;
  report.certificates.assign(1000, {huge, kTime});
  EXPECT_LT(Render(report).size(), 20'000U);
  EXPECT_THAT(ParseReport(Render(report)).value().certificates, SizeIs(10));
}

TEST(ParseReportTest, TakesNothingThatWouldSpoilALogOrAMetric) {
  for (const char* text :
       {"", "[]", "{}", R"({"daemon":"a"})", R"({"endpoint":"10.0.0.1"})",
        R"({"endpoint":"10.0.0.1 6379","wait":{}})", R"({"endpoint":"10.0.0.1 6379","wait":{"name":"a b"}})",
        R"({"endpoint":"10.0.0.1 6379","wait":{"name":"A"}})",
        R"({"endpoint":"10.0.0.1 6379","wait":{"name":7}})",
        R"({"endpoint":"10.0.0.1 6379","wait":{"name":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}})"}) {
    EXPECT_FALSE(ParseReport(text)) << text;
  }
  const auto read = [](const std::string& fields) {
    return ParseReport(R"({"endpoint":"10.0.0.1 6379",)" + fields + "}").value();
  };
  EXPECT_EQ(read(R"("daemon":"a\nb","later":1)").process.daemon, "a?b");
  EXPECT_EQ(read(R"("group":"a\nb")").process.group, "a?b");
  EXPECT_EQ(read(R"("role":"king")").role, "");
  EXPECT_EQ(read(R"("started":-1,"launches":"x","fenced":1)"), read(R"("started":0)"));
  const auto wait =
      read(R"("wait":{"name":"a","sentence":"one\ntwo","since":"x","until":-5,"later":1})").wait.value();
  EXPECT_EQ(wait.sentence, "one?two");
  EXPECT_EQ(wait.since, 0);
  EXPECT_FALSE(wait.until);
  EXPECT_FALSE(read(R"("error":{"time":1,"event":"a b","sentence":"s"})").error) << "no code";
  EXPECT_FALSE(read(R"("error":{"event":"a","sentence":"s"})").error) << "no time";
  EXPECT_EQ(read(R"("error":{"time":1,"event":"a","sentence":"\u001b[31m"})").error->sentence, "?[31m");
  EXPECT_FALSE(read(R"("slow_turn":{"time":1,"took":-1})").slow_turn);
  EXPECT_EQ(read(R"("past":{"exits":-1,"last_exit":-9})").past, store::Past{});
  EXPECT_EQ(read(R"("past":{"exits":1,"last_exit":1000})").past.last_exit, 255);
  EXPECT_THAT(read(R"("certificates":{})").certificates, IsEmpty());
  EXPECT_EQ(
      read(R"("certificates":[1,[],{"path":"x"},{"path":"a\nb","expires":1},{"path":"y","expires":-1}])")
          .certificates,
      (std::vector<store::CertificateFile>{{"a?b", 1}}));
}

}  // namespace
}  // namespace redis_zk::testing::report_test
