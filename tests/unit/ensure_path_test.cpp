// A path and its missing parents: made at once, whatever others do meanwhile.
#include <gtest/gtest.h>

#include "support/fault_site.h"

namespace redis_zk::testing::ensure_path_test {
namespace {

using zookeeper::kAnyVersion;
using zookeeper::Lifetime;
using zookeeper::Watch;
using Call = FailingSession::Call;

bool Exists(zookeeper::Session& session, const std::string& path) {
  return session.Exists(path, Watch::kNo).value().has_value();
}

TEST(EnsurePathTest, LeavesNoParentWithoutItsChildWhicheverCallFails) {
  AtEveryCall([](int number, Fault fault) {
    FaultSite site;
    auto& other = *site.other_session;
    EXPECT_TRUE(other.EnsurePath("/a"));
    site.session.FailCall(number, fault);
    (void)site.session.EnsurePath("/a/b/c");
    const bool happened = site.session.faults() > 0;
    site.session.Heal();
    EXPECT_EQ(Exists(other, "/a/b"), Exists(other, "/a/b/c"));
    EXPECT_TRUE(site.session.EnsurePath("/a/b/c"));
    EXPECT_TRUE(Exists(other, "/a/b/c"));
    return happened;
  });
}

TEST(EnsurePathTest, TakesWhatAnotherClientMakesMeanwhile) {
  for (const std::string path : {"/a", "/a/b", "/a/b/c"}) {
    FaultSite site;
    site.session.BeforeEvery(Call::kCommit, [&] { EXPECT_TRUE(site.other_session->EnsurePath(path)); });
    EXPECT_TRUE(site.session.EnsurePath("/a/b/c")) << path;
    EXPECT_TRUE(Exists(*site.other_session, "/a/b/c")) << path;
  }
}

TEST(EnsurePathTest, DoesNotRaceForever) {
  FaultSite site;
  auto& other = *site.other_session;
  site.session.BeforeEvery(Call::kExists, [&] { (void)other.Delete("/a", kAnyVersion); });
  site.session.BeforeEvery(Call::kCommit,
                           [&] { EXPECT_TRUE(other.Create("/a", "", Lifetime::kPersistent)); });
  const auto made = site.session.EnsurePath("/a");
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().kind, ErrorKind::kAlreadyExists);
  EXPECT_EQ(made.error().message.rfind("cannot create /a: ", 0), 0U) << made.error().message;
}

}  // namespace
}  // namespace redis_zk::testing::ensure_path_test
