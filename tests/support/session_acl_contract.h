// What every zookeeper::Session may do with the znodes of others, as tests; see session_contract.h.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "support/session_contract.h"

namespace redis_zk::testing {

class SessionAclContract : public SessionContract {
 protected:
  using Acl = zookeeper::Acl;
  using Policy = zookeeper::AclPolicy;
  using Security = zookeeper::Security;

  static Security Known(Policy acl, const std::string& password = "se cret:#") {
    return {.credentials = {"redis", password}, .acl = acl};
  }
  std::unique_ptr<ContractSession> Connected(const Security& security, const std::string& chroot = "") {
    auto session = world_->Open(chroot, security);
    EXPECT_TRUE(session->Connect());
    return session;
  }
  // A small tree at a_: a child, an ephemeral one and a contender.
  void MakeTree(zookeeper::Session& owner) {
    ASSERT_TRUE(owner.Create(a_, "data", kPersistent));
    ASSERT_TRUE(owner.EnsurePath(a_ + "/child"));
    ASSERT_TRUE(owner.Create(a_ + "/ephemeral", "", kEphemeral));
    contender_ = owner.Create(a_ + "/lock-", "", kSequential).value();
  }
  std::vector<std::string> Tree() const { return {a_, a_ + "/child", a_ + "/ephemeral", contender_}; }

  void ExpectCannotRead(zookeeper::Session& stranger) {
    for (const auto& path : Tree()) {
      EXPECT_EQ(KindOf(stranger.Get(path, Watch::kNo)), ErrorKind::kDenied) << path;
      EXPECT_EQ(KindOf(stranger.GetAll({path}, Watch::kNo).front()), ErrorKind::kDenied) << path;
      EXPECT_EQ(KindOf(stranger.Children(path, Watch::kNo)), ErrorKind::kDenied) << path;
      EXPECT_EQ(KindOf(stranger.Acls({path}).front()), ErrorKind::kDenied) << path;
      Transaction check;
      check.Add(Transaction::CheckOp{path, kAnyVersion});
      EXPECT_EQ(KindOf(stranger.Commit(check)), ErrorKind::kDenied) << path;
      // Whether a znode exists is no secret of ZooKeeper's.
      EXPECT_TRUE(stranger.Exists(path, Watch::kNo).value().has_value()) << path;
    }
  }
  void ExpectCannotChange(zookeeper::Session& stranger) {
    for (const auto& path : Tree()) {
      EXPECT_EQ(KindOf(stranger.Set(path, "", kAnyVersion)), ErrorKind::kDenied) << path;
      EXPECT_EQ(KindOf(stranger.SetAcl(path, zookeeper::AclFor({}))), ErrorKind::kDenied) << path;
      Transaction set;
      set.Add(Transaction::SetOp{path, "", kAnyVersion});
      const auto refused = stranger.Commit(set);
      ASSERT_EQ(KindOf(refused), ErrorKind::kDenied) << path;
      EXPECT_THAT(refused.error().message, ::testing::HasSubstr(path)) << "it names the znode";
    }
    for (const auto& child : {a_ + "/child", a_ + "/ephemeral", contender_})
      EXPECT_EQ(KindOf(stranger.Delete(child, kAnyVersion)), ErrorKind::kDenied) << child;
    for (const auto lifetime : {kPersistent, kEphemeral, kSequential})
      EXPECT_EQ(KindOf(stranger.Create(a_ + "/new", "", lifetime)), ErrorKind::kDenied);
    EXPECT_EQ(KindOf(stranger.EnsurePath(a_ + "/new/below")), ErrorKind::kDenied);
    Transaction several;
    several.Add(Transaction::CheckOp{root_, kAnyVersion});
    several.Add(Transaction::CreateOp{a_ + "/new", "", kPersistent});
    EXPECT_EQ(KindOf(stranger.Commit(several)), ErrorKind::kDenied);
  }

  std::string contender_;
};

TEST_P(SessionAclContract, KeepsStrangersOutOfWhatIsPrivate) {
  const auto owner = Connected(Known(Policy::kPrivate));
  MakeTree(**owner);
  const auto wrong = Connected(Known(Policy::kPrivate, "another"));
  for (auto* stranger : {&mine(), static_cast<RecordingSession*>(wrong.get())}) {
    ExpectCannotRead(**stranger);
    ExpectCannotChange(**stranger);
  }
  const auto friendly = Connected(Known(Policy::kOpen));
  EXPECT_EQ((*friendly)->Get(a_, Watch::kNo)->data, "data");
  EXPECT_TRUE((*friendly)->Set(a_ + "/child", "x", kAnyVersion));
  EXPECT_TRUE((*friendly)->Delete(contender_, kAnyVersion));
}

TEST_P(SessionAclContract, LetsOthersReadWhatIsReadable) {
  const auto owner = Connected(Known(Policy::kReadable));
  MakeTree(**owner);
  ExpectCannotChange(*mine());
  EXPECT_EQ(mine()->Get(a_, Watch::kYes)->data, "data");
  EXPECT_EQ(mine()->Children(a_, Watch::kNo)->size(), 3U);
  ASSERT_TRUE((*owner)->Set(a_, "changed", kAnyVersion));
  EXPECT_TRUE(mine().Saw(Kind::kNodeChanged, a_));
}

TEST_P(SessionAclContract, OpensWhatIsOpenToAll) {
  const auto owner = Connected(Known(Policy::kOpen));
  MakeTree(**owner);
  EXPECT_TRUE(mine()->Set(a_, "x", kAnyVersion));
  EXPECT_TRUE(mine()->Delete(contender_, kAnyVersion));
  EXPECT_EQ(mine()->Acls({a_}).front().value(), zookeeper::AclFor({}));
}

TEST_P(SessionAclContract, LetsTheParentDecideOnADeletion) {
  const auto owner = Connected(Known(Policy::kPrivate));
  ASSERT_TRUE((*owner)->Create(a_, "", kPersistent));
  EXPECT_TRUE(mine()->Delete(a_, kAnyVersion)) << "the root of this test is open";
}

TEST_P(SessionAclContract, ProtectsWhatATransactionCreates) {
  const auto owner = Connected(Known(Policy::kPrivate));
  Transaction create;
  create.Add(Transaction::CreateOp{a_, "", kPersistent});
  create.Add(Transaction::CreateOp{a_ + "/child", "", kEphemeral});
  create.Add(Transaction::SetOp{a_ + "/child", "x", 0});
  ASSERT_TRUE((*owner)->Commit(create));
  for (const auto& path : {a_, a_ + "/child"})
    EXPECT_EQ(KindOf(mine()->Get(path, Watch::kNo)), ErrorKind::kDenied) << path;
}

TEST_P(SessionAclContract, IsTheSameUserAfterItsConnectionAndItsSession) {
  const auto owner = Connected(Known(Policy::kPrivate));
  MakeTree(**owner);
  owner->Disconnect();
  owner->Reconnect();
  ASSERT_TRUE(owner->Connect());
  EXPECT_TRUE((*owner)->Set(a_, "x", kAnyVersion));
  ExpectCannotChange(*mine());
  const auto id = (*owner)->id();
  owner->Expire();
  EXPECT_EQ(KindOf(mine()->Create(a_ + "/ephemeral", "", kEphemeral)), ErrorKind::kDenied);
  ASSERT_TRUE(owner->Until([&] { return (*owner)->connected() && (*owner)->id() != id; }));
  EXPECT_TRUE((*owner)->Set(a_, "y", kAnyVersion));
  EXPECT_TRUE((*owner)->Create(a_ + "/ephemeral", "", kEphemeral));
  EXPECT_EQ(KindOf(mine()->Set(a_ + "/ephemeral", "", kAnyVersion)), ErrorKind::kDenied);
}

TEST_P(SessionAclContract, ReadsAndChangesAcls) {
  const Security security = Known(Policy::kPrivate);
  const auto owner = Connected(security);
  Put(a_);
  Put(a_ + "/child");
  EXPECT_EQ((*owner)->Acls({a_}).front().value(), zookeeper::AclFor({}));
  ASSERT_TRUE((*owner)->SetAcl(a_, zookeeper::AclFor(security)));
  const auto acls = (*owner)->Acls({a_, root_ + "/none", a_ + "/child"});
  ASSERT_EQ(acls.size(), 3U);
  EXPECT_EQ(acls[0].value(), zookeeper::AclFor(security));
  EXPECT_EQ(KindOf(acls[1]), ErrorKind::kNotFound);
  EXPECT_EQ(acls[2].value(), zookeeper::AclFor({})) << "children keep theirs";
  EXPECT_EQ(KindOf((*owner)->SetAcl(root_ + "/none", zookeeper::AclFor({}))), ErrorKind::kNotFound);
  EXPECT_EQ(KindOf(other()->Set(a_, "", kAnyVersion)), ErrorKind::kDenied);
  EXPECT_TRUE((*owner)->Acls({}).empty());

  const Acl readable = zookeeper::AclFor(Known(Policy::kReadable));
  ASSERT_TRUE((*owner)->SetAcl(a_, readable));
  EXPECT_EQ((*owner)->Acls({a_}).front().value(), readable);
  const auto shown = mine()->Acls({a_}).front();
  ASSERT_TRUE(shown);
  EXPECT_EQ(Describe(*shown), Describe(readable));
  EXPECT_NE(*shown, readable) << "the hash is not for everybody";
}

TEST_P(SessionAclContract, ProtectsItsChrootAndTheParentsOfThat) {
  const auto inside = Connected(Known(Policy::kPrivate), a_ + "/deep");
  ASSERT_TRUE((*inside)->EnsurePath("/x"));
  for (const auto& path : {a_, a_ + "/deep", a_ + "/deep/x"})
    EXPECT_EQ(KindOf(mine()->Create(path + "/new", "", kPersistent)), ErrorKind::kDenied) << path;
  const auto stranger = Connected(Known(Policy::kPrivate, "another"), a_ + "/deeper");
  EXPECT_EQ(KindOf((*stranger)->EnsurePath("/x")), ErrorKind::kDenied);
}

}  // namespace redis_zk::testing
