// Who we are to ZooKeeper, what is open to others, and the command and the audit that find it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/exit_code.h"
#include "daemon/connect.h"
#include "unit/log_fixture.h"
#include "unit/watcher_fixture.h"
#include "watcher/acl_audit.h"
#include "watcher/cli/secure.h"
#include "zookeeper/security.h"
#include "zookeeper/tree_walk.h"

namespace redis_zk::testing::zookeeper_security_test {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;
using ::testing::UnorderedElementsAreArray;
using watcher::OpenZnodes;
using watcher::cli::Secured;
using zookeeper::Acl;
using zookeeper::AclFor;
using zookeeper::AclPolicy;
using zookeeper::DigestOf;
using zookeeper::Lifetime;
using zookeeper::Security;
using zookeeper::TreeWalk;
using zookeeper::Watch;
namespace permission = zookeeper::permission;

Security Known(AclPolicy acl, const std::string& password = "secret") {
  return {.credentials = {"redis", password}, .acl = acl};
}

TEST(ZooKeeperDigestTest, IsThatOfZooKeeper) {
  // From DigestAuthenticationProvider's own documentation, and of a user without a password.
  EXPECT_EQ(DigestOf({"super", "admin"}), "super:xQJmxLMiHGwaqBvst5y6rkB6HQs=");
  EXPECT_EQ(DigestOf({}), "");
}

TEST(ZooKeeperAclTest, IsOpenWhereOthersMayDoMoreThanIsMeant) {
  const Acl own{{permission::kAll, "digest", DigestOf({"redis", "secret"})}};
  const auto with = [&own](std::int32_t allowed, const char* scheme, const std::string& id) {
    Acl acl = own;
    acl.push_back({allowed, scheme, id});
    return acl;
  };
  struct Row {
    const char* name;
    Acl acl;
    bool open_if_private;
    bool open_if_readable;
  };
  for (const auto& [name, acl, open_if_private, open_if_readable] : std::initializer_list<Row>{
           {"our own", own, false, false},
           {"nobody's", {}, false, false},
           {"everybody's", AclFor({}), true, true},
           {"readable", with(permission::kRead, "world", "anyone"), true, false},
           {"writable", with(permission::kWrite, "world", "anyone"), true, true},
           {"may be filled", with(permission::kCreate, "world", "anyone"), true, true},
           {"may be emptied", with(permission::kDelete, "world", "anyone"), true, true},
           {"may be taken over", with(permission::kAdmin, "ip", "10.0.0.0/8"), true, true},
           {"the same user with another password",
            with(permission::kAll, "digest", DigestOf({"redis", "old"})), true, true},
           {"an identity without a right", with(0, "world", "anyone"), false, false}}) {
    EXPECT_EQ(IsOpen(acl, Known(AclPolicy::kPrivate)), open_if_private) << name;
    EXPECT_EQ(IsOpen(acl, Known(AclPolicy::kReadable)), open_if_readable) << name;
    EXPECT_EQ(IsOpen(acl, Known(AclPolicy::kOpen)), open_if_readable) << name;
  }
}

TEST(ZooKeeperAclTest, IsShownWithoutHashes) {
  EXPECT_EQ(Describe(AclFor({})), "world:anyone:cdrwa");
  EXPECT_EQ(Describe(AclFor(Known(AclPolicy::kPrivate))), "digest:redis:cdrwa");
  EXPECT_EQ(Describe(AclFor(Known(AclPolicy::kReadable))), "digest:redis:cdrwa,world:anyone:r");
}

// A tree of an earlier deployment without credentials, and one who has them now.
struct TreeSite {
  FakeTime time;
  FakeZooKeeper zookeeper;

  TreeSite() {
    for (const char* path : {"/redis/master", "/redis/masters/g", "/other/redis/master"})
      EXPECT_TRUE(old->EnsurePath(path));
    EXPECT_TRUE(old->Create("/redis/sentinel", "", Lifetime::kEphemeral));
    EXPECT_TRUE(old->Create("/redis/master/lock-", "", Lifetime::kEphemeralSequential));
  }
  std::unique_ptr<zookeeper::Session> Open(const Security& security) {
    auto session = zookeeper.Factory()({}, security, 2s, [](const zookeeper::SessionEvent&) {});
    session->Maintain(Clock::now());
    return session;
  }
  Result<Secured> Secure(zookeeper::Session& session, const Security& security, bool check = false) {
    told.clear();
    complaints.clear();
    return watcher::cli::SecureTree(
        session, "/redis", security, check, [this](const auto& line) { told.push_back(line); },
        [this](const auto& line) { complaints.push_back(line); });
  }

  std::unique_ptr<zookeeper::Session> old = Open({});
  std::vector<std::string> told;
  std::vector<std::string> complaints;
};

const std::vector<std::string> kTree{"/redis",         "/redis/master",    "/redis/master/lock-0000000000",
                                     "/redis/masters", "/redis/masters/g", "/redis/sentinel"};

TEST(TreeWalkTest, GoesThroughAllInPiecesParentsFirst) {
  for (const std::size_t most : {1U, 2U, 100U}) {
    TreeSite site;
    TreeWalk walk(*site.old, "/redis");
    std::vector<std::string> seen;
    for (auto piece = walk.Next(most).value(); !piece.empty(); piece = walk.Next(most).value()) {
      EXPECT_LE(piece.size(), most);
      for (const auto& [path, acl] : piece) {
        const auto parent = path.substr(0, path.rfind('/'));
        if (!parent.empty()) {
          EXPECT_THAT(seen, Contains(parent)) << path;
        }
        seen.push_back(path);
      }
    }
    EXPECT_THAT(seen, UnorderedElementsAreArray(kTree));
  }
}

TEST(TreeWalkTest, LeavesOutWhatVanishesAndWhatIsForOthersWithAllBelow) {
  TreeSite site;
  const auto stranger = site.Open(Known(AclPolicy::kPrivate, "another"));
  ASSERT_TRUE(stranger->SetAcl("/redis/masters", AclFor(Known(AclPolicy::kPrivate, "another"))));
  TreeWalk walk(*site.old, "/redis");
  EXPECT_EQ(walk.Next(1).value().front().path, "/redis");
  EXPECT_EQ(walk.Next(1).value().front().path, "/redis/master");
  // It has been listed.
  ASSERT_TRUE(site.old->Delete("/redis/sentinel", zookeeper::kAnyVersion));
  std::vector<std::string> denied;
  for (auto piece = walk.Next(1).value(); !piece.empty(); piece = walk.Next(1).value()) {
    for (const auto& [path, acl] : piece) {
      EXPECT_THAT(path, Not(StartsWith("/redis/masters/")));
      EXPECT_NE(path, "/redis/sentinel");
      if (!acl) denied.push_back(path);
    }
  }
  EXPECT_THAT(denied, ElementsAre("/redis/masters"));
}

TEST(TreeWalkTest, GoesOnAfterAFaultWhereItWas) {
  AtEveryCall([](int number, Fault fault) {
    TreeSite site;
    FailingSession session(site.Open({}));
    session.FailCall(number, fault);
    TreeWalk walk(session, "/redis");
    std::vector<std::string> seen;
    while (true) {
      const auto piece = walk.Next(2);
      if (piece && piece->empty()) break;
      if (!piece) continue;
      for (const auto& entry : *piece) seen.push_back(entry.path);
    }
    EXPECT_THAT(seen, UnorderedElementsAreArray(kTree));
    return session.faults() > 0;
  });
}

TEST(SecureTest, ClosesAnOpenTreeOnceAndNothingBesideIt) {
  for (const AclPolicy policy : {AclPolicy::kPrivate, AclPolicy::kReadable}) {
    TreeSite site;
    const Security security = Known(policy);
    const auto session = site.Open(security);
    const auto checked = site.Secure(*session, security, /*check=*/true);
    ASSERT_TRUE(checked);
    EXPECT_EQ(checked->open, kTree.size());
    EXPECT_EQ(checked->changed, 0U);
    EXPECT_THAT(site.told, AllOf(SizeIs(kTree.size()), Each(HasSubstr(" world:anyone:cdrwa"))));
    EXPECT_TRUE(site.old->Set("/redis/master", "", zookeeper::kAnyVersion)) << "a check changes nothing";

    EXPECT_EQ(site.Secure(*session, security)->changed, kTree.size());
    for (const auto& acl : session->Acls(kTree)) EXPECT_EQ(acl.value(), AclFor(security));
    EXPECT_FALSE(site.old->Set("/redis/master", "", zookeeper::kAnyVersion));
    EXPECT_FALSE(site.old->Delete("/redis/sentinel", zookeeper::kAnyVersion)) << "although it is its own";
    EXPECT_EQ(site.old->Get("/redis/master", Watch::kNo).has_value(), policy == AclPolicy::kReadable);
    EXPECT_TRUE(site.old->Set("/other/redis/master", "", zookeeper::kAnyVersion));

    const auto again = site.Secure(*session, security);
    EXPECT_EQ(again->changed, 0U);
    EXPECT_EQ(again->seen, kTree.size());
    EXPECT_THAT(site.told, IsEmpty());
    EXPECT_EQ(site.Secure(*session, security, /*check=*/true)->open, 0U);

    const Security open = Known(AclPolicy::kOpen);
    EXPECT_EQ(site.Secure(*session, open)->changed, kTree.size()) << "the way back";
    EXPECT_TRUE(site.old->Set("/redis/master", "", zookeeper::kAnyVersion));
  }
}

TEST(SecureTest, NamesWhatItMayNotChange) {
  TreeSite site;
  const Security security = Known(AclPolicy::kPrivate);
  const auto session = site.Open(security);
  ASSERT_TRUE(session->SetAcl("/redis/masters", AclFor(Known(AclPolicy::kReadable, "another"))));
  ASSERT_TRUE(session->SetAcl("/redis/sentinel", AclFor(Known(AclPolicy::kPrivate, "another"))));
  for (const bool check : {true, false}) {
    const auto done = site.Secure(*session, security, check);
    ASSERT_TRUE(done);
    EXPECT_EQ(done->failed, check ? 1U : 2U) << "what can be read is open, what cannot be changed fails";
    EXPECT_THAT(site.complaints, Contains(HasSubstr("/redis/sentinel")));
  }
  EXPECT_THAT(site.complaints, Contains(HasSubstr("/redis/masters")));
}

TEST(SecureTest, EndsWithAnErrorWhenZooKeeperGoesAway) {
  TreeSite site;
  const Security security = Known(AclPolicy::kPrivate);
  const auto session = site.Open(security);
  site.zookeeper.Stop();
  EXPECT_EQ(site.Secure(*session, security).error().kind, ErrorKind::kUnavailable);
}

// --- the audit

struct AuditSite : TreeSite {
  explicit AuditSite(const Security& security) : session(Open(security)) {
    common.zk_root = "/redis";
    common.zk_security = security;
  }
  // As the loop does. Whether anything changed.
  bool LookFor(Duration duration) {
    bool changed = false;
    for (const TimePoint end = Clock::now() + duration; Clock::now() < end; time.Advance(1s))
      changed = audit.Step(Clock::now()) || changed;
    return changed;
  }

  CommonOptions common;
  std::unique_ptr<zookeeper::Session> session;
  watcher::AclAudit audit{common, *session};
};

TEST(AclAuditTest, FindsWhatIsOpenAndThatItNoLongerIs) {
  const CapturedLog log;
  const Security security = Known(AclPolicy::kPrivate);
  AuditSite site(security);
  EXPECT_FALSE(site.audit.found());
  EXPECT_TRUE(site.LookFor(10s));
  EXPECT_EQ(site.audit.found(), (OpenZnodes{kTree.size(), "/redis"}));
  EXPECT_THAT(log.text(), HasSubstr("/redis for one"));
  EXPECT_FALSE(site.LookFor(1min)) << "it is no news";
  ASSERT_TRUE(site.Secure(*site.session, security));
  EXPECT_TRUE(site.LookFor(1min));
  EXPECT_EQ(site.audit.found(), OpenZnodes{});
  ASSERT_TRUE(site.session->SetAcl("/redis/masters/g", AclFor({})));
  EXPECT_FALSE(site.LookFor(4min)) << "it looks seldom";
  EXPECT_TRUE(site.LookFor(2min));
  EXPECT_EQ(site.audit.found(), (OpenZnodes{1, "/redis/masters/g"}));
}

TEST(AclAuditTest, AZnodeThatItMayNotReadIsOpenToItsOwner) {
  const Security security = Known(AclPolicy::kPrivate);
  AuditSite site(security);
  ASSERT_TRUE(site.Secure(*site.session, security));
  ASSERT_TRUE(site.session->SetAcl("/redis/masters", AclFor(Known(AclPolicy::kPrivate, "another"))));
  EXPECT_TRUE(site.LookFor(10s));
  EXPECT_EQ(site.audit.found(), (OpenZnodes{1, "/redis/masters"}));
}

TEST(AclAuditTest, AsksNothingWithoutCredentialsAndLittleWithThem) {
  for (const bool known : {false, true}) {
    const Security security = known ? Known(AclPolicy::kPrivate) : Security{};
    TreeSite site;
    FailingSession session(site.Open(security));
    CommonOptions common;
    common.zk_root = "/redis";
    common.zk_security = security;
    watcher::AclAudit audit(common, session);
    ASSERT_TRUE(!known || site.Secure(session, security));
    const int before = session.calls();
    for (int turn = 0; turn < 280; ++turn, site.time.Advance(1s)) audit.Step(Clock::now());
    EXPECT_EQ(audit.found().has_value(), known);
    EXPECT_LE(session.calls() - before, known ? 10 : 0) << "one walk";
  }
}

TEST(AclAuditTest, LooksAgainAfterAFault) {
  AtEveryCall([](int number, Fault fault) {
    TreeSite site;
    CommonOptions common;
    common.zk_root = "/redis";
    common.zk_security = Known(AclPolicy::kPrivate);
    FailingSession session(site.Open(common.zk_security));
    session.FailCall(number, fault);
    watcher::AclAudit audit(common, session);
    for (int turn = 0; turn < 100 && !audit.found(); ++turn, site.time.Advance(1s)) audit.Step(Clock::now());
    EXPECT_EQ(audit.found(), (OpenZnodes{kTree.size(), "/redis"}));
    return session.faults() > 0;
  });
}

// --- the start

struct StartSite : TreeSite {
  // Its exit code; nothing: it goes on.
  std::optional<int> Connect(zookeeper::Session& session) {
    const auto pump = [&](TimePoint /*deadline*/) {
      time.Advance(100ms);
      session.Maintain(Clock::now());
    };
    return daemon::ConnectZooKeeper(session, common, pump, [] { return false; });
  }
  std::optional<int> Connect(const Security& security) {
    common.zk_security = security;
    const auto session = zookeeper.Factory()({}, security, 2s, [](const zookeeper::SessionEvent&) {});
    return Connect(*session);
  }

  CommonOptions common{.zk_root = "/redis", .zk_connect_timeout = 2s, .master_name = "master1"};
};

TEST(ConnectTest, EndsWith78WhereTheTreeIsForOthersAndNamesIt) {
  struct Row {
    const char* name;
    AclPolicy tree;
    Security security;
    std::optional<int> code;
    bool warns = false;
  };
  for (const auto& [name, tree, security, code, warns] : std::initializer_list<Row>{
           {"open, without credentials", AclPolicy::kOpen, {}, std::nullopt},
           {"open, with any", AclPolicy::kOpen, Known(AclPolicy::kPrivate, "wrong"), std::nullopt, true},
           {"open, and meant so", AclPolicy::kOpen, Known(AclPolicy::kOpen), std::nullopt},
           {"private, with the right ones", AclPolicy::kPrivate, Known(AclPolicy::kReadable), std::nullopt},
           {"private, with a wrong password", AclPolicy::kPrivate, Known(AclPolicy::kOpen, "wrong"),
            kExitConfig},
           {"private, without credentials", AclPolicy::kPrivate, {}, kExitConfig},
           {"readable, without credentials", AclPolicy::kReadable, {}, kExitConfig}}) {
    const CapturedLog log;
    StartSite site;
    ASSERT_TRUE(site.old->SetAcl("/redis", AclFor(Known(tree))));
    const auto before = site.Open(Known(tree))->Children("/redis", Watch::kNo).value();
    EXPECT_EQ(site.Connect(security), code) << name;
    EXPECT_EQ(site.Open(Known(tree))->Children("/redis", Watch::kNo).value(), before) << "nothing is left";
    if (code) {
      EXPECT_THAT(log.text(), HasSubstr("exiting: cannot use ZK_ROOT /redis: ")) << name;
    }
    const auto warning = HasSubstr("ZK_ROOT /redis is open to other users of ZooKeeper (world:anyone:cdrwa)");
    EXPECT_EQ(::testing::Value(log.text(), warning), warns) << name << log.text();
    EXPECT_THAT(log.text(), Not(HasSubstr("permission-probe"))) << "nobody would find it";
    EXPECT_THAT(log.text(), Not(HasSubstr("secret")));
  }
}

TEST(ConnectTest, SaysWhatHelpsWhereTheRootMayNotBeCreated) {
  const CapturedLog log;
  StartSite site;
  site.common.zk_root = "/closed/redis";
  ASSERT_TRUE(site.old->EnsurePath("/closed"));
  ASSERT_TRUE(site.old->SetAcl("/closed", AclFor(Known(AclPolicy::kReadable, "of an administrator"))));
  EXPECT_EQ(site.Connect(Known(AclPolicy::kPrivate)), kExitConfig);
  EXPECT_THAT(log.text(), HasSubstr("exiting: cannot create ZK_ROOT /closed/redis: "));
  EXPECT_THAT(log.text(),
              HasSubstr("or let an administrator create /closed/redis with an ACL for ZK_USERNAME"));
}

TEST(ConnectTest, EndsWith78WhereCredentialsAreRefused) {
  const CapturedLog log;
  StartSite site;
  site.zookeeper.RefuseCredentials();
  EXPECT_EQ(site.Connect(Known(AclPolicy::kPrivate)), kExitConfig);
  EXPECT_THAT(log.text(), HasSubstr("takes no digest credentials"));
  EXPECT_EQ(site.Connect(Security{}), std::nullopt);
}

TEST(ConnectTest, MakesTheRootWithItsAclWhicheverCallFails) {
  AtEveryCall([](int number, Fault fault) {
    StartSite site;
    site.common.zk_root = "/parent/root";
    const Security security = Known(AclPolicy::kPrivate);
    FailingSession session(site.Open(security));
    session.FailCall(number, fault);
    EXPECT_EQ(site.Connect(session), std::nullopt);
    const bool happened = session.faults() > 0;
    session.Heal();
    for (const auto& acl : session.Acls({"/parent", "/parent/root"}))
      EXPECT_EQ(acl.value(), AclFor(security));
    EXPECT_THAT(session.Children("/parent/root", Watch::kNo).value(), ElementsAre("masters"))
        << "a client that may delete in its parent could delete an empty one";
    return happened;
  });
}

}  // namespace
}  // namespace redis_zk::testing::zookeeper_security_test
