#include "net/resolver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "support/fake_time.h"

namespace redis_zk::testing::resolver_test {
namespace {

using ::testing::HasSubstr;

constexpr int kPatienceMs = 10'000;

// A name server. Threads of look-ups may outlive the test.
class NameServer {
 public:
  Resolver::Ask Ask() const {
    return [zone = zone_](const std::string& host) { return zone->Answer(host); };
  }
  void Set(const std::string& host, Resolver::Addresses addresses) {
    const std::lock_guard lock(zone_->mutex);
    zone_->names.insert_or_assign(host, std::move(addresses));
    zone_->changed.notify_all();
  }
  // Until it is set again, a question about it is not answered.
  void Hang(const std::string& host) {
    const std::lock_guard lock(zone_->mutex);
    zone_->names.erase(host);
  }
  int asked(const std::string& host) const {
    const std::lock_guard lock(zone_->mutex);
    return zone_->asked[host];
  }

 private:
  struct Zone {
    Resolver::Addresses Answer(const std::string& host) {
      std::unique_lock lock(mutex);
      ++asked[host];
      changed.notify_all();
      changed.wait(lock, [&] { return names.contains(host); });
      return names.at(host);
    }
    std::mutex mutex;
    std::condition_variable changed;
    std::map<std::string, Resolver::Addresses> names;
    std::map<std::string, int> asked;
  };
  const std::shared_ptr<Zone> zone_ = std::make_shared<Zone>();
};

Resolver::Addresses NoSuchName(const std::string& host) {
  return Fail(ErrorKind::kUnavailable, host + ": Name or service not known");
}

class ResolverTest : public ::testing::Test {
 protected:
  ~ResolverTest() override {
    // The threads that hang end.
    for (const auto& host : hung_) server_.Set(host, NoSuchName(host));
  }

  void Hang(const std::string& host) {
    server_.Hang(host);
    hung_.push_back(host);
  }
  // Waits for what is under way, as its owner does.
  Result<std::string> Await(const std::string& host) {
    for (auto found = resolver_.Find(host);; found = resolver_.Find(host)) {
      if (found.address) return *found.address;
      pollfd waiting{found.news->fd(), POLLIN, 0};
      EXPECT_EQ(poll(&waiting, 1, kPatienceMs), 1) << host;
    }
  }
  // What it says at once; empty: nothing yet.
  std::string Now(const std::string& host) {
    const auto found = resolver_.Find(host);
    if (!found.address) return "";
    return *found.address ? **found.address : found.address->error().message;
  }
  // A look-up in the background has ended when this returns.
  void AwaitAsked(const std::string& host, int times) {
    while (server_.asked(host) < times) std::this_thread::yield();
    // The name's next question begins only when the answer has been taken.
    while (Now(host) != "10.0.0.2") std::this_thread::yield();
  }

  FakeTime time_;
  NameServer server_;
  Resolver resolver_{server_.Ask()};

 private:
  std::vector<std::string> hung_;
};

TEST_F(ResolverTest, AnswersFromWhatItKnows) {
  server_.Set("redis", std::vector<std::string>{"2001:db8::1", "10.0.0.1", "10.0.0.2"});
  EXPECT_EQ(Await("redis"), "10.0.0.1") << "IPv4 first";
  time_.Advance(Resolver::kFreshFor - 1ms);
  EXPECT_EQ(Now("redis"), "10.0.0.1");
  EXPECT_EQ(server_.asked("redis"), 1);
  server_.Set("six", std::vector<std::string>{"2001:db8::1"});
  EXPECT_EQ(Await("six"), "2001:db8::1");
}

TEST_F(ResolverTest, ANameThatMovesIsFoundThereWithoutAWait) {
  server_.Set("redis", std::vector<std::string>{"10.0.0.1"});
  EXPECT_EQ(Await("redis"), "10.0.0.1");
  server_.Set("redis", std::vector<std::string>{"10.0.0.2"});
  time_.Advance(Resolver::kFreshFor);
  const auto at_once = Now("redis");
  EXPECT_TRUE(at_once == "10.0.0.1" || at_once == "10.0.0.2") << at_once;
  AwaitAsked("redis", 2);
  EXPECT_EQ(Now("redis"), "10.0.0.2");
  EXPECT_EQ(server_.asked("redis"), 2);
}

TEST_F(ResolverTest, WhatIsKnownServesForABoundedTimeWhileNoNameServerAnswers) {
  server_.Set("redis", std::vector<std::string>{"10.0.0.1"});
  EXPECT_EQ(Await("redis"), "10.0.0.1");
  Hang("redis");
  time_.Advance(Resolver::kServesFor - 1ms);
  EXPECT_EQ(Now("redis"), "10.0.0.1");
  time_.Advance(Resolver::kLongestLookUp);
  EXPECT_THAT(Now("redis"), HasSubstr("redis: no name server answers"));
}

TEST_F(ResolverTest, WhatIsKnownServesForABoundedTimeWhileLookUpsFail) {
  server_.Set("redis", std::vector<std::string>{"10.0.0.1"});
  EXPECT_EQ(Await("redis"), "10.0.0.1");
  server_.Set("redis", NoSuchName("redis"));
  time_.Advance(Resolver::kFreshFor);
  EXPECT_EQ(Now("redis"), "10.0.0.1");
  time_.Advance(Resolver::kServesFor - Resolver::kFreshFor);
  EXPECT_FALSE(Await("redis"));
}

TEST_F(ResolverTest, AFailureIsNotQuestionedForAMoment) {
  server_.Set("redis", NoSuchName("redis"));
  const auto failed = Await("redis");
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().kind, ErrorKind::kUnavailable);
  time_.Advance(Resolver::kFailedFor - 1ms);
  EXPECT_THAT(Now("redis"), HasSubstr("not known"));
  EXPECT_EQ(server_.asked("redis"), 1);
  server_.Set("redis", std::vector<std::string>{"10.0.0.1"});
  time_.Advance(1ms);
  EXPECT_EQ(Await("redis"), "10.0.0.1");
}

TEST_F(ResolverTest, ANameThatHangsHoldsUpNoOther) {
  Hang("hangs");
  server_.Set("redis", std::vector<std::string>{"10.0.0.1"});
  EXPECT_EQ(Now("hangs"), "");
  EXPECT_EQ(Await("redis"), "10.0.0.1");
  time_.Advance(Resolver::kLongestLookUp);
  EXPECT_EQ(Now("hangs"), "hangs: no name server answers") << "its owners wait no longer";
  EXPECT_EQ(Now("hangs"), "hangs: no name server answers");
  EXPECT_LE(server_.asked("hangs"), 1) << "one thread, however often it is asked";
  server_.Set("hangs", std::vector<std::string>{"10.0.0.2"});
  AwaitAsked("hangs", 1);
  EXPECT_EQ(server_.asked("hangs"), 1) << "its late answer counts";
}

TEST_F(ResolverTest, ThreadsThatHangAreBounded) {
  const auto host = [](std::size_t i) { return "hangs-" + std::to_string(i); };
  server_.Set("redis", std::vector<std::string>{"10.0.0.1"});
  EXPECT_EQ(Await("redis"), "10.0.0.1");
  for (std::size_t i = 0; i < Resolver::kMostLookUps; ++i) {
    Hang(host(i));
    EXPECT_EQ(Now(host(i)), "");
  }
  EXPECT_THAT(Now("another"), HasSubstr("another: too many look-ups of host names hang"));
  time_.Advance(Resolver::kFreshFor);
  EXPECT_EQ(Now("redis"), "10.0.0.1") << "what is known serves on";
  server_.Set(host(0), std::vector<std::string>{"10.0.0.2"});
  server_.Set("another", std::vector<std::string>{"10.0.0.3"});
  AwaitAsked(host(0), 1);
  time_.Advance(Resolver::kFailedFor);
  EXPECT_EQ(Await("another"), "10.0.0.3");
}

TEST_F(ResolverTest, IsGoneBeforeItsLookUps) {
  Hang("hangs");
  {
    Resolver resolver(server_.Ask());
    EXPECT_FALSE(resolver.Find("hangs").address);
  }
  SUCCEED() << "the thread ends by itself";
}

}  // namespace
}  // namespace redis_zk::testing::resolver_test
