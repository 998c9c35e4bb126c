#include "redis-wrapper/copy_lock.h"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "support/failing_session.h"

namespace redis_zk::testing::copy_lock_test {
namespace {

using redis_wrapper::CopyLock;

// A server that knows CONFIG, and whose answers fail on demand.
class ConfigServer final : public redis::KeptServer {
 public:
  ConfigServer() : KeptServer({"10.0.0.1", 6379}) {}

  Result<redis::Replies> Ask(const std::vector<redis::Command>& commands) override {
    if (const auto late = std::exchange(late_, nullptr)) late();
    const int call = calls_++;
    const bool fails = fault && call == fails_at;
    if (fails && fault == Fault::kBefore) return Fail(ErrorKind::kUnavailable, "Connection refused");
    if (fails && fault == Fault::kLate) {
      late_ = [this, commands] { (void)Carry(commands); };
      return Fail(ErrorKind::kTimeout, "no answer in time");
    }
    auto replies = Carry(commands);
    if (fails) return Fail(ErrorKind::kTimeout, "no answer in time");
    return replies;
  }

  std::map<std::string, std::string> settings{{"masterauth", "secret"}, {"masteruser", "replica"}};
  std::optional<Fault> fault;
  int fails_at = 0;

  int calls() const { return calls_; }

 private:
  redis::Replies Carry(const std::vector<redis::Command>& commands) {
    redis::Replies replies;
    for (const auto& command : commands) {
      redis::Reply reply;
      if (command.at(1) == "GET") {
        reply.items.resize(2);
        reply.items[0].text = command.at(2);
        reply.items[1].text = settings.at(command.at(2));
      } else {
        settings.at(command.at(2)) = command.at(3);
      }
      replies.push_back(std::move(reply));
    }
    return replies;
  }

  std::function<void()> late_;
  int calls_ = 0;
};

const std::map<std::string, std::string> kUsers{{"masterauth", "secret"}, {"masteruser", "replica"}};

void Until(const std::function<bool()>& done) {
  for (int attempt = 0; attempt < 5; ++attempt) {
    if (done()) return;
  }
  FAIL() << "it never worked";
}

// What a request does whose answer is lost, or which is carried out late, must not be taken for the user's.
TEST(CopyLockTest, GivesTheUsersLoginBackWhicheverRequestFails) {
  for (const auto fault : {Fault::kBefore, Fault::kAfter, Fault::kLate}) {
    for (int number = 0; number < 10; ++number) {
      SCOPED_TRACE("call " + std::to_string(number) + ", fault " + std::to_string(static_cast<int>(fault)));
      ConfigServer server;
      server.fault = fault;
      server.fails_at = number;
      CopyLock lock(server);
      for (int round = 0; round < 2; ++round) {
        Until([&] { return lock.Close(); });
        EXPECT_NE(server.settings.at("masterauth"), "secret");
        EXPECT_EQ(server.settings.at("masteruser"), "");
        Until([&] { return lock.Open(); });
        // A late request arrives with the next one at the latest.
        (void)server.Ask({{"CONFIG", "GET", "masterauth"}});
        Until([&] { return lock.Open(); });
        EXPECT_EQ(server.settings, kUsers);
      }
    }
  }
}

TEST(CopyLockTest, KeepsWhatTheUserSetsWhileItIsClosed) {
  ConfigServer server;
  CopyLock lock(server);
  ASSERT_TRUE(lock.Close());
  server.settings["masterauth"] = "another";
  ASSERT_TRUE(lock.Open());
  EXPECT_EQ(server.settings.at("masterauth"), "another");
  EXPECT_EQ(server.settings.at("masteruser"), "replica");
}

TEST(CopyLockTest, ClosesWithAnotherTextEachTime) {
  ConfigServer server;
  CopyLock lock(server);
  ASSERT_TRUE(lock.Close());
  const std::string first = server.settings.at("masterauth");
  ASSERT_TRUE(lock.Open());
  ASSERT_TRUE(lock.Close());
  EXPECT_NE(server.settings.at("masterauth"), first);
}

}  // namespace
}  // namespace redis_zk::testing::copy_lock_test
