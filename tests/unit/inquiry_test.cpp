#include "base/inquiry.h"

#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <memory>
#include <string>

namespace redis_zk::testing::inquiry_test {
namespace {

using Question = Inquiry<std::string>;

TEST(InquiryTest, SaysWhenItIsDoneAndIsTakenOnce) {
  std::promise<void> done;
  auto begun = Question::Begin([] { return std::string("answer"); }, [&done] { done.set_value(); });
  ASSERT_TRUE(begun) << begun.error().message;
  ASSERT_EQ(done.get_future().wait_for(std::chrono::seconds(10)), std::future_status::ready);
  EXPECT_EQ((*begun)->Take(), "answer");
  EXPECT_FALSE((*begun)->Take().has_value());
}

TEST(InquiryTest, IsLeftBehind) {
  auto go_on = std::make_shared<std::promise<void>>();
  auto over = std::make_shared<std::promise<void>>();
  bool told = false;
  auto begun = Question::Begin(
      [go_on, over] {
        go_on->get_future().wait();
        over->set_value();
        return std::string("answer");
      },
      [&told] { told = true; });
  ASSERT_TRUE(begun) << begun.error().message;
  begun->reset();
  go_on->set_value();
  ASSERT_EQ(over->get_future().wait_for(std::chrono::seconds(10)), std::future_status::ready);
  EXPECT_FALSE(told);
}

}  // namespace
}  // namespace redis_zk::testing::inquiry_test
