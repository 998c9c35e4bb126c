#include "daemon/expiry_notice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <initializer_list>
#include <string>

#include "base/unix_time.h"
#include "net/certificate_dates.h"
#include "support/authority.h"
#include "unit/files.h"
#include "unit/log_fixture.h"

namespace redis_zk::testing::expiry_notice_test {
namespace {

using daemon::DescribeDistance;
using daemon::Judge;
using daemon::Validity;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr std::int64_t kHour = 3'600'000;
constexpr std::int64_t kDay = 24 * kHour;
constexpr std::int64_t kEnd = 1'900'000'000'000;

TEST(JudgeTest, TellsInTime) {
  struct Row {
    const char* name;
    std::int64_t before;  // its end
    Validity validity;
    const char* distance;
  };
  for (const auto& [name, before, validity, distance] : std::initializer_list<Row>{
           {"for years", 1000 * kDay, Validity::kGood, "in 1000 days"},
           {"for thirty days", 30 * kDay, Validity::kGood, "in 30 days"},
           {"for almost thirty days", 30 * kDay - 1, Validity::kEndsSoon, "in 29 days"},
           {"for two days", 2 * kDay, Validity::kEndsSoon, "in 2 days"},
           {"for a day", kDay, Validity::kEndsSoon, "in 24 hours"},
           {"for an hour", kHour, Validity::kEndsSoon, "in 1 hour"},
           {"for a moment", 1, Validity::kEndsSoon, "in 0 hours"},
           {"not any more", 0, Validity::kExpired, "0 hours ago"},
           {"for long not any more", -50 * kDay, Validity::kExpired, "50 days ago"},
       }) {
    EXPECT_EQ(Judge(kEnd, kEnd - before), validity) << name;
    EXPECT_EQ(DescribeDistance(kEnd, kEnd - before), distance) << name;
  }
}

TEST(FirstExpiryTest, IsTheEarliestOfAFile) {
  const Authority authority;
  const auto now = UnixTime();
  const auto early = authority.Certify("early", {.ends = 3600});
  const auto late = authority.Certify("late", {.ends = 7200});
  for (const auto& order : {std::pair{early, late}, std::pair{late, early}}) {
    // With a key between them, as many such files have.
    const auto both =
        ReadFile(order.first.certificate) + ReadFile(order.first.key) + ReadFile(order.second.certificate);
    const auto first = FindExpiry(both, WhichExpiry::kFirst);
    ASSERT_TRUE(first);
    EXPECT_EQ(first->subject, "CN=early");
    EXPECT_NEAR(static_cast<double>(first->at - now), 3'600'000, 5000);
  }
  EXPECT_FALSE(FindExpiry(ReadFile(early.key), WhichExpiry::kFirst)) << "a key alone";
}

class ExpiryNoticeTest : public ::testing::Test {
 protected:
  // How often this was logged.
  long Count(const std::string& text) const {
    const std::string all = log_.text();
    long count = 0;
    for (auto at = all.find(text); at != std::string::npos; at = all.find(text, at + 1)) ++count;
    return count;
  }

  const CapturedLog log_;
  const Authority authority_;
  TimePoint now_ = Clock::now();
};

TEST_F(ExpiryNoticeTest, IsGivenOnceADayAndWhenTheEndHasCome) {
  const auto files = authority_.Certify("node", {.ends = 90L * 24 * 3600});
  daemon::ExpiryNotice notice({authority_.ca(), files.certificate, ""});
  ASSERT_EQ(notice.files().size(), 2U);
  const std::int64_t end = notice.files().back().expires;
  EXPECT_EQ(notice.files().back().path, files.certificate);
  notice.Look(now_, end - 31 * kDay);
  EXPECT_THAT(log_.text(), IsEmpty());
  notice.Look(now_ += 24h, end - 30 * kDay + 1);
  EXPECT_EQ(Count("CN=node in " + files.certificate + " expires in 29 days; write the next one"), 1)
      << log_.text();
  // The authority ends in the same moment.
  EXPECT_EQ(Count("CN=authority"), 1) << log_.text();
  for (int second = 0; second < 5; ++second) notice.Look(now_ += 1s, end - 29 * kDay);
  EXPECT_EQ(Count("CN=node"), 1) << "once a day";
  notice.Look(now_ += 24h, end - 28 * kDay);
  EXPECT_EQ(Count("CN=node"), 2);
  EXPECT_EQ(Count(" expires in "), 4);
  EXPECT_EQ(Count(" expired "), 0);
  notice.Look(now_ += 1s, end);
  EXPECT_EQ(Count("CN=node in " + files.certificate + " expired 0 hours ago: new connections"), 1)
      << log_.text();
  notice.Look(now_ += 1s, end + 5);
  EXPECT_EQ(Count(" expired "), 2);
  notice.Look(now_ += 24h, end + 3 * kDay);
  EXPECT_EQ(Count("expired 3 days ago"), 2);
}

TEST_F(ExpiryNoticeTest, EndsWithTheNextCertificate) {
  const auto files = authority_.Certify("node", {.ends = 3600});
  daemon::ExpiryNotice notice({files.certificate});
  notice.Look(now_, UnixTime());
  EXPECT_EQ(Count(" expires in "), 1);
  authority_.Certify("node", {.ends = 7200});
  notice.Read();
  notice.Look(now_ += 1s, UnixTime());
  EXPECT_EQ(Count(" expires in "), 2) << "the next one is told of at once";
  authority_.Certify("node", {.ends = 80L * 24 * 3600});
  notice.Read();
  notice.Look(now_ += 24h, UnixTime());
  EXPECT_EQ(Count(" expires in "), 2);
  EXPECT_GT(notice.files().at(0).expires, UnixTime() + 79 * kDay);
}

}  // namespace
}  // namespace redis_zk::testing::expiry_notice_test
