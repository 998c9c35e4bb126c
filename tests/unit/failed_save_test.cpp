#include "redis-wrapper/failed_save.h"

#include <gmock/gmock.h>

#include <initializer_list>

#include "base/exit_code.h"
#include "unit/log_fixture.h"
#include "unit/serving_fixture.h"

namespace redis_zk::testing::failed_save_test {
namespace {

using redis_wrapper::FailedSave;
using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(FailedSaveTest, ASnapshotIsOrderedWhereThatCanHelp) {
  struct Step {
    const char* name;
    Duration at;
    redis::ServerInfo own;
    FailedSave::View view;
    bool orders;
  };
  const redis::ServerInfo failed{.save_failed = true};
  const redis::ServerInfo saving{.saving = true, .save_failed = true};
  const redis::ServerInfo rewriting{.rewriting_aof = true, .save_failed = true};
  const FailedSave::View rejects{.rejects = true, .has_room = true};
  FailedSave save;
  for (const auto& [name, at, own, view, orders] : std::initializer_list<Step>{
           {"it takes writes all the same", 0s, failed, {.rejects = false, .has_room = true}, false},
           {"no room", 0s, failed, {.rejects = true, .has_room = false}, false},
           {"its append-only file is being rewritten", 1s, rewriting, rejects, false},
           {"it saves by itself", 2s, saving, rejects, false},
           {"that failed, too", 3s, failed, rejects, true},
           {"at once again", 3s, failed, rejects, false},
           {"after a pause", 5s, failed, rejects, true},
           {"a longer one", 6s, failed, rejects, false},
           {"no room any more", 20s, failed, {.rejects = true, .has_room = false}, false},
           {"for long", 120s, failed, rejects, true},
           {"succeeded", 121s, {}, {.rejects = false, .has_room = true}, false},
           {"the next failure is not paused for", 122s, failed, rejects, true},
       })
    EXPECT_EQ(save.Next(own, view, TimePoint{} + 1h + at), orders) << name;
}

class FailedSaveServingTest : public ServingTest {};

TEST_F(FailedSaveServingTest, TheServerIsWholeAgainByItself) {
  WrapperSite site;
  const CapturedLog log;
  site.After(kServes, [&] { site.own().save_failed = true; });
  site.LookAfter(kServes + 3s, [&] { EXPECT_EQ(Orders(site, "BGSAVE"), 1); });
  EXPECT_EQ(site.Run(signals()), kExitStopped);
  EXPECT_TRUE(site.looked);
  EXPECT_THAT(log.text(), AllOf(HasSubstr("its last snapshot in"), HasSubstr("ordered a snapshot"),
                                HasSubstr("takes writes again")));
}

}  // namespace
}  // namespace redis_zk::testing::failed_save_test
