// What of the session and the registry needs no server.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <vector>

#include "daemon/connect.h"
#include "store/registry.h"
#include "zookeeper/client_handle.h"
#include "zookeeper/client_session.h"
#include "zookeeper/requests.h"

namespace redis_zk::testing::session_offline_test {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using zookeeper::ConnectString;
using zookeeper::kAnyVersion;
using zookeeper::Lifetime;
using zookeeper::Watch;

TEST(ConnectStringTest, IsOfOddLength) {
  struct Row {
    std::vector<std::string> addresses;
    const char* chroot;
    const char* text;
  };
  for (const auto& [addresses, chroot, text] :
       std::initializer_list<Row>{{{"a:1"}, "", "a:1"},
                                  {{"a:1"}, "/x/y", "a:1/x/y"},
                                  {{"a:1", "b:2"}, "", "a:1,b:2,a:1"},
                                  {{"a:1", "b:2"}, "/x", "a:1,b:2,a:1/x"},
                                  {{"a:1", "b:2", "c:3"}, "", "a:1,b:2,c:3"},
                                  {{"a:1", "b:2", "c:3", "d:4"}, "", "a:1,b:2,c:3,d:4,a:1"},
                                  {{"::1:1", "::2:2"}, "", "::1:1,::2:2,::1:1"}}) {
    EXPECT_EQ(ConnectString(addresses, chroot), text);
  }
}

TEST(DescribeHostsTest, WritesThemAsTheyAreTyped) {
  EXPECT_EQ(zookeeper::Describe({{{"zk1", 2181}}, ""}), "zk1:2181");
  EXPECT_EQ(zookeeper::Describe({{{"zk1", 2181}, {"::1", 2182}}, "/x"}), "zk1:2181,[::1]:2182/x");
}

TEST(ClientPrefixTest, LeavesWhatIsSaid) {
  EXPECT_EQ(
      zookeeper::WithoutClientPrefix("2026-11-27 22:44:46,301:7(0x7f):ZOO_INFO@check_events@2461: session "
                                     "establishment complete on server [::1:2181]\n"),
      "session establishment complete on server [::1:2181]");
  EXPECT_EQ(zookeeper::WithoutClientPrefix("without a prefix: it stays\n\n"), "without a prefix: it stays");
  EXPECT_EQ(zookeeper::WithoutClientPrefix("of a function@that says nothing"),
            "of a function@that says nothing");
  EXPECT_EQ(zookeeper::WithoutClientPrefix(""), "");
}

// Whether a request may be repeated, and whether anything was done, hangs on these.
TEST(ClientErrorTest, HasTheKindThatCallersActOn) {
  struct Row {
    int code;
    ErrorKind kind;
  };
  for (const auto& [code, kind] : std::initializer_list<Row>{{ZNONODE, ErrorKind::kNotFound},
                                                             {ZNODEEXISTS, ErrorKind::kAlreadyExists},
                                                             {ZBADVERSION, ErrorKind::kConflict},
                                                             {ZNOTEMPTY, ErrorKind::kConflict},
                                                             {ZNOAUTH, ErrorKind::kDenied},
                                                             {ZNOCHILDRENFOREPHEMERALS, ErrorKind::kRefused},
                                                             {ZINVALIDSTATE, ErrorKind::kUnavailable},
                                                             {ZCONNECTIONLOSS, ErrorKind::kUnknownOutcome},
                                                             {ZOPERATIONTIMEOUT, ErrorKind::kUnknownOutcome},
                                                             {ZSESSIONEXPIRED, ErrorKind::kUnknownOutcome},
                                                             {ZAUTHFAILED, ErrorKind::kUnknownOutcome},
                                                             {ZCLOSING, ErrorKind::kUnknownOutcome},
                                                             {ZBADARGUMENTS, ErrorKind::kInvalid},
                                                             {ZMARSHALLINGERROR, ErrorKind::kInternal},
                                                             {-12345, ErrorKind::kInternal}}) {
    const auto error = zookeeper::ErrorOfClient(code);
    EXPECT_EQ(error.kind, kind) << code;
    EXPECT_FALSE(error.message.empty()) << code;
  }
  EXPECT_THAT(zookeeper::ErrorOfClient(-12345).message, EndsWith("(-12345)"));
  // Of a server that enforces quotas; the client's library does not know it.
  EXPECT_EQ(zookeeper::ErrorOfClient(-125).kind, ErrorKind::kRefused);
  EXPECT_THAT(zookeeper::ErrorOfClient(-125).message, HasSubstr("quota"));
  // Of a server that enforces authentication.
  EXPECT_EQ(zookeeper::ErrorOfClient(ZSESSIONCLOSEDREQUIRESASLAUTH).kind, ErrorKind::kDenied);
  EXPECT_THAT(zookeeper::ErrorOfClient(ZSESSIONCLOSEDREQUIRESASLAUTH).message, HasSubstr("set ZK_USERNAME"));
}

class OfflineSessionTest : public ::testing::Test {
 protected:
  zookeeper::ClientSession session_{
      zookeeper::Hosts{{{"127.0.0.1", 1}}, ""}, {}, 10s, [](zookeeper::SessionEvent) {}};
};

TEST_F(OfflineSessionTest, FailsAtOnceAndNamesWhatItCouldNotDo) {
  EXPECT_FALSE(session_.connected());
  EXPECT_EQ(session_.id(), 0);
  struct Row {
    const char* message;
    Error error;
  };
  for (const auto& [message, error] : std::initializer_list<Row>{
           {"cannot read /a", session_.Get("/a", Watch::kYes).error()},
           {"cannot look at /a", session_.Exists("/a", Watch::kYes).error()},
           {"cannot list /a", session_.Children("/a", Watch::kYes).error()},
           {"cannot create /a", session_.Create("/a", "", Lifetime::kEphemeral).error()},
           {"cannot write /a", session_.Set("/a", "", kAnyVersion).error()},
           {"cannot delete /a", session_.Delete("/a", kAnyVersion).error()},
           {"cannot commit", session_.Commit({}).error()},
           {"cannot read the ACL of /a", session_.Acls({"/a"}).front().error()},
           {"cannot change the ACL of /a", session_.SetAcl("/a", {}).error()},
           {"cannot look at /a/b", session_.EnsurePath("/a/b").error()}}) {
    EXPECT_EQ(error.kind, ErrorKind::kUnavailable) << message;
    EXPECT_THAT(error.message, StartsWith(message));
  }
}

TEST_F(OfflineSessionTest, RegistryKnowsWhereTheTruthStands) {
  const store::Registry registry(session_, "/redis");
  EXPECT_EQ(registry.records.Path("master1"), "/redis/master");
  EXPECT_EQ(registry.records.Path("orders"), "/redis/masters/orders");
  EXPECT_EQ(registry.records.Path("master"), "/redis/masters/master");
}

}  // namespace
}  // namespace redis_zk::testing::session_offline_test
