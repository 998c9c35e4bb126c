#include "watcher/admin.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <vector>

#include "watcher/deletion.h"
#include "watcher/web/answers.h"

namespace redis_zk::testing::admin_test {
namespace {

using watcher::Access;
using watcher::AdminOutcome;
using watcher::AdminRequest;
using watcher::AdminToken;
using watcher::Authorize;
using watcher::DeletionView;
using watcher::FindLife;
using watcher::Permission;

constexpr const char* kToken = "0123456789abcdef";
const Endpoint kA{"10.0.0.1", 6379};
const Endpoint kB{"10.0.0.2", 6379};
const Endpoint kS{"10.0.0.7", 26379};

TEST(AuthorizeTest, GrantsTheRightTokenOnly) {
  struct Row {
    const char* name;
    std::string token;  // empty: there is none
    std::string header;
    Access access;
  };
  for (const auto& [name, token, header, access] : std::initializer_list<Row>{
           {"the token", kToken, "Bearer 0123456789abcdef", Access::kGranted},
           {"the scheme in any case", kToken, "bEARER 0123456789abcdef", Access::kGranted},
           {"no token is set", "", "Bearer 0123456789abcdef", Access::kOff},
           {"none is set, none is sent", "", "", Access::kOff},
           {"none is set, an empty one is sent", "", "Bearer ", Access::kOff},
           {"no header", kToken, "", Access::kDenied},
           {"an empty token", kToken, "Bearer ", Access::kDenied},
           {"the scheme alone", kToken, "Bearer", Access::kDenied},
           {"no scheme", kToken, "0123456789abcdef", Access::kDenied},
           {"another scheme", kToken, "Basic 0123456789abcdef", Access::kDenied},
           {"a longer scheme", kToken, "XBearer 0123456789abcdef", Access::kDenied},
           {"a beginning", kToken, "Bearer 0123456789abcde", Access::kDenied},
           {"one byte more", kToken, "Bearer 0123456789abcdef0", Access::kDenied},
           {"twice", kToken, "Bearer 0123456789abcdef0123456789abcdef", Access::kDenied},
           {"one byte another", kToken, "Bearer 0123456789abcdeF", Access::kDenied},
           {"a blank more", kToken, "Bearer  0123456789abcdef", Access::kDenied},
           {"a blank after it", kToken, "Bearer 0123456789abcdef ", Access::kDenied},
       }) {
    std::vector<AdminToken> tokens;
    if (!token.empty()) tokens.push_back({"", token});
    EXPECT_EQ(Authorize(tokens, header), Permission{access}) << name;
  }
}

TEST(AuthorizeTest, NamesTheOneWhoseTokenItIs) {
  const std::vector<AdminToken> tokens{
      {"alice", "0123456789abcdef"}, {"bob", "0123456789abcdefg"}, {"carol", "another-0123456789"}};
  struct Row {
    const char* token;
    Permission permission;
  };
  for (const auto& [token, permission] : std::initializer_list<Row>{
           {"0123456789abcdef", {Access::kGranted, "alice"}},
           {"0123456789abcdefg", {Access::kGranted, "bob"}},
           {"another-0123456789", {Access::kGranted, "carol"}},
           {"alice:0123456789abcdef", {Access::kDenied}},
           {"alice", {Access::kDenied}},
           {"0123456789abcdefgh", {Access::kDenied}},
           {"", {Access::kDenied}},
       })
    EXPECT_EQ(Authorize(tokens, std::string("Bearer ") + token), permission) << token;
}

TEST(RequesterTest, HasANameWhereTheTokenHas) {
  EXPECT_EQ(store::Requester("alice", "10.0.0.9:1"), "alice (10.0.0.9:1)");
  EXPECT_EQ(store::Requester("", "10.0.0.9:1"), "10.0.0.9:1");
}

TEST(FindLifeTest, LetsOnlyEmptyGroupsGo) {
  const DeletionView empty{.group = "cache", .own_group = "master1"};
  DeletionView first = empty;
  first.group = "master1";
  first.own_group = "other";
  DeletionView own = empty;
  own.own_group = "cache";
  DeletionView member = empty;
  member.members = {{.uuid = "u", .endpoint = kB}};
  DeletionView answering = empty;
  answering.answering = {kA};
  DeletionView seen = empty;
  seen.reports = {{.sentinel = kS, .master = kA}};
  DeletionView seen_by_one = empty;
  seen_by_one.reports = {{.sentinel = kS, .master = kA, .master_down = true}, {.sentinel = kS, .master = kA}};
  DeletionView down = empty;
  down.reports = {{.sentinel = kS, .master = kA, .master_down = true}};
  DeletionView unlinked = empty;
  unlinked.reports = {{.sentinel = kS, .master = kA, .master_connected = false}};
  struct Row {
    const char* name;
    DeletionView view;
    std::string life;
  };
  const std::string alive = "Sentinel 10.0.0.7:26379 reports the master 10.0.0.1:6379 as up";
  for (const auto& [name, view, life] : std::initializer_list<Row>{
           {"nobody is left", empty, ""},
           {"a Sentinel calls its master down", down, ""},
           {"a Sentinel has no link to its master", unlinked, ""},
           {"the default group", first, "master1 cannot be deleted: watchers always create this group"},
           {"the watcher's own group", own, "cache cannot be deleted: watchers always create this group"},
           {"a member is registered", member, "10.0.0.2:6379 is still registered in cache; stop it first"},
           {"its master answers", answering,
            "10.0.0.1:6379 still answers as a master of cache; stop it first"},
           {"a Sentinel sees it", seen, alive},
           {"one of two Sentinels sees it", seen_by_one, alive},
       })
    EXPECT_EQ(FindLife(view).value_or(""), life) << name;
}

TEST(AdminAtTest, KnowsItsPaths) {
  using Action = AdminRequest::Action;
  struct Row {
    std::string path;
    std::string method;  // empty: no such path
    Action action;
    std::string group;
  };
  for (const auto& [path, method, action, group] : std::initializer_list<Row>{
           {"/masters/master1/failover", "POST", Action::kFailOver, "master1"},
           {"/masters/master1", "DELETE", Action::kDeleteGroup, "master1"},
           {"/pause", "POST", Action::kPauseChanges, ""},
           {"/resume", "POST", Action::kResumeChanges, ""},
           {"/", "", {}, ""},
           {"/masters", "", {}, ""},
           {"/masters/", "", {}, ""},
           {"/masters//failover", "", {}, ""},
           {"/masters/a/b/failover", "", {}, ""},
           {"/masters/a/failover/", "", {}, ""},
           {"/failover", "", {}, ""},
           {"/pause/", "", {}, ""},
           {"/status", "", {}, ""},
       }) {
    const auto route = watcher::web::AdminAt(path);
    EXPECT_EQ(route ? route->method : "", method) << path;
    if (!route) continue;
    EXPECT_EQ(route->action, action) << path;
    EXPECT_EQ(route->group, group) << path;
  }
}

TEST(AnswerOfTest, TellsTheOutcome) {
  const AdminOutcome done{
      .told = "handed over",
      .failed_over = {{.from = kA, .to = kB, .took = 1200ms, .paused = 300ms, .epoch = 7}}};
  struct Row {
    const char* name;
    AdminOutcome outcome;
    std::string accept;
    int status;
    std::string body;
  };
  const std::string json = R"({"from":{"host":"10.0.0.1","port":6379,"address":"10.0.0.1:6379"},)"
                           R"("to":{"host":"10.0.0.2","port":6379,"address":"10.0.0.2:6379"},)"
                           R"("took_ms":1200,"paused_ms":300,"epoch":7,"sentence":"handed over"})";
  for (const auto& [name, outcome, accept, status, body] : std::initializer_list<Row>{
           {"a failover", done, "", 200, json},
           {"a failover, text asked for", done, "text/plain", 200, json},
           {"a pause", {.told = "paused"}, "", 200, "paused"},
           {"a pause as JSON", {.told = "paused"}, "application/json", 200, R"({"told":"paused"})"},
           {"a refusal", {.status = 409, .told = "no"}, "", 409, "no"},
           {"a refusal as JSON", {.status = 409, .told = "no"}, "application/json", 409, R"({"error":"no"})"},
       }) {
    const auto answer = watcher::web::AnswerOf(outcome, accept);
    EXPECT_EQ(answer.status, status) << name;
    EXPECT_EQ(answer.body, body) << name;
  }
}

}  // namespace
}  // namespace redis_zk::testing::admin_test
