#include "watcher/web/answers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <initializer_list>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/unix_time.h"

namespace redis_zk::testing::answers_test {
namespace {

using Json = nlohmann::json;
using store::Record;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using watcher::Topology;
using watcher::web::Answer;
using watcher::web::AnswerFor;
using watcher::web::EntityTagOf;
using watcher::web::NamesEntityTag;
using watcher::web::Request;
using watcher::web::WantsJson;

const TimePoint kNow = TimePoint{} + 100h;

Topology Healthy() {
  Topology topology{
      .default_group = "master1",
      .sentinels = {{"u1", {"10.0.0.1", 26379}}, {"u2", {"::1", 26380}}, {"u3", {"10.0.0.3", 26379}}},
      .known_at = kNow - 90s,
      .zookeeper_connected = true,
      .following = Endpoint{"10.0.0.1", 26379}};
  topology.groups["master1"] =
      Record{.state = Record::State::kMaster, .master = {"10.0.0.9", 6379}, .epoch = 7, .lineage_fits = true};
  topology.groups["orders"] = Record{.state = Record::State::kMaster, .master = {"10.0.0.8", 6379}};
  return topology;
}

Json At(const char* host, int port, const char* address) {
  return {{"host", host}, {"port", port}, {"address", address}};
}

std::size_t PickSecond(std::size_t size) {
  EXPECT_GT(size, 1U);
  return 1;
}

std::optional<Answer> Ask(std::string_view path, const Topology& topology, std::string_view accept = "",
                          std::string_view addr = "") {
  return AnswerFor({.path = path, .accept = accept, .addr = addr, .now = kNow, .pick = PickSecond}, topology);
}

TEST(AnswerForTest, WritesTextAsTheOriginalDoes) {
  struct Row {
    const char* path;
    const char* body;
  };
  for (const auto& [path, body] :
       std::initializer_list<Row>{{"/sentinels", "10.0.0.1:26379,[::1]:26380,10.0.0.3:26379"},
                                  {"/sentinel", "::1 26380"},
                                  {"/master", "10.0.0.9 6379"},
                                  {"/masters/orders", "10.0.0.8 6379"},
                                  {"/masters", "master1 10.0.0.9 6379\norders 10.0.0.8 6379"},
                                  {"/healthz", "ok"},
                                  {"/readyz", "ready"}}) {
    const auto answer = Ask(path, Healthy());
    ASSERT_TRUE(answer) << path;
    EXPECT_EQ(answer->status, 200) << path;
    EXPECT_THAT(answer->content_type, StartsWith("text/plain")) << path;
    EXPECT_EQ(answer->body, body) << "no line end either";
    EXPECT_FALSE(answer->age) << path;
  }
  EXPECT_EQ(Ask("/", Healthy())->status, 200);
}

TEST(AnswerForTest, WritesTheSentinelsAsClientsTakeThem) {
  struct Row {
    const char* name;
    std::string group;
    std::string form;
    bool tls;
    int status;
    const char* body;
  };
  for (const auto& [name, group, form, tls, status, body] : std::initializer_list<Row>{
           {"of a group", "orders", "", false, 200, "10.0.0.1:26379,[::1]:26380,10.0.0.3:26379"},
           {"a URL", "orders", "url", false, 200,
            "redis+sentinel://10.0.0.1:26379,[::1]:26380,10.0.0.3:26379/orders"},
           {"of the watcher's group, with TLS", "", "url", true, 200,
            "rediss+sentinel://10.0.0.1:26379,[::1]:26380,10.0.0.3:26379/master1"},
           {"for Lettuce", "orders", "lettuce", false, 200,
            "redis-sentinel://10.0.0.1:26379,[::1]:26380,10.0.0.3:26379?sentinelMasterId=orders"},
           {"for Lettuce, with TLS", "orders", "lettuce", true, 200,
            "rediss-sentinel://10.0.0.1:26379,[::1]:26380,10.0.0.3:26379?sentinelMasterId=orders"},
           {"for Celery", "", "celery", false, 200,
            "sentinel://10.0.0.1:26379;sentinel://[::1]:26380;sentinel://10.0.0.3:26379"},
           {"no such group", "nobody", "url", false, 404, "no such group; /masters lists the groups"},
           {"no such form", "", "yaml", false, 400, "form: found \"yaml\", expected url, lettuce or celery"},
       }) {
    auto topology = Healthy();
    topology.redis_tls = tls;
    const auto answer =
        AnswerFor({.path = "/sentinels", .accept = "", .group = group, .form = form}, topology);
    ASSERT_TRUE(answer) << name;
    EXPECT_EQ(answer->status, status) << name;
    EXPECT_EQ(answer->body, body) << name;
    EXPECT_EQ(answer->version.empty(), status != 200) << name;
  }
}

TEST(AnswerForTest, WritesJsonWhenAskedTo) {
  struct Row {
    const char* path;
    Json body;
  };
  const Json master1{{"name", "master1"}, {"master", At("10.0.0.9", 6379, "10.0.0.9:6379")}, {"epoch", 7}};
  const Json orders{{"name", "orders"}, {"master", At("10.0.0.8", 6379, "10.0.0.8:6379")}, {"epoch", 0}};
  for (const auto& [path, body] : std::initializer_list<Row>{
           {"/sentinels",
            {{"sentinels",
              {At("10.0.0.1", 26379, "10.0.0.1:26379"), At("::1", 26380, "[::1]:26380"),
               At("10.0.0.3", 26379, "10.0.0.3:26379")}}}},
           {"/sentinel", {{"sentinel", At("::1", 26380, "[::1]:26380")}}},
           {"/master", master1},
           {"/masters/orders", orders},
           {"/masters", {{"masters", Json::array({master1, orders})}}}}) {
    const auto answer = Ask(path, Healthy(), "application/json");
    ASSERT_TRUE(answer) << path;
    EXPECT_EQ(answer->status, 200) << path;
    EXPECT_EQ(answer->content_type, "application/json") << path;
    auto found = Json::parse(answer->body);
    EXPECT_EQ(found.value("version", ""), answer->version) << path;
    found.erase("version");
    EXPECT_EQ(found, body) << path;
  }
}

TEST(AnswerForTest, TellsTheStatusOfWhatIsRecorded) {
  auto topology = Healthy();
  const auto ask = [&topology] { return Json::parse(Ask("/status", topology)->body); };
  EXPECT_EQ(Ask("/status", topology)->content_type, "application/json") << "whatever was accepted";
  EXPECT_EQ(Ask("/status", topology)->cache_control, "no-store");
  EXPECT_EQ(ask()["zookeeper"], (Json{{"connected", true}, {"age_ms", 0}}));
  EXPECT_EQ(ask()["observed_age_ms"], nullptr);
  EXPECT_EQ(ask()["groups"].size(), 2U);
  EXPECT_EQ(ask()["groups"][0]["record"]["master"], At("10.0.0.9", 6379, "10.0.0.9:6379"));
  EXPECT_EQ(ask()["groups"][0]["master"]["state"], "not asked yet");
  EXPECT_EQ(ask()["groups"][0]["summary"],
            "master 10.0.0.9:6379, 0 of 0 replicas attached, 0 of 0 Sentinels agree");
  EXPECT_EQ(ask()["observed"], "the servers are not asked");
  topology.zookeeper_connected = false;
  EXPECT_EQ(ask()["zookeeper"]["age_ms"], 90'000);
  topology.known_at = {};
  EXPECT_EQ(ask()["zookeeper"]["age_ms"], nullptr) << "never read";
  topology.groups["master1"] = Record{.state = Record::State::kUnreadable, .found = "x"};
  EXPECT_EQ(ask()["groups"][0]["record"]["master"], nullptr);
  EXPECT_EQ(ask()["groups"][0]["master"], nullptr);
  topology.groups["master1"].reason = "not \xff UTF-8";
  EXPECT_THAT(std::string(ask()["groups"][0]["record"]["reason"]), StartsWith("not "));
}

TEST(AnswerForTest, ListsTheFailoversOfAGroupAlone) {
  const Topology topology = Healthy();
  namespace kind = watcher::event_kind;
  const Endpoint master{"10.0.0.1", 6379};
  const Endpoint other{"::2", 6379};
  const watcher::History history{
      {.id = "1-1", .kind = kind::kMasterChanged, .group = "master1", .fields = {{"to", master}}},
      {.id = "1-2",
       .kind = kind::kMasterChanged,
       .group = "master1",
       .fields = {{"from", master}, {"to", other}},
       .sentence = "master1: the master is another one"},
      {.id = "1-3",
       .kind = kind::kMasterChanged,
       .group = "orders",
       .fields = {{"from", master}, {"to", other}}},
      {.id = "1-4", .kind = kind::kCleanUp, .group = "master1"}};
  const auto answer = AnswerFor({.path = "/status", .now = kNow, .history = &history}, topology);
  const auto failovers = Json::parse(answer->body)["groups"][0]["failovers"];
  ASSERT_EQ(failovers.size(), 1U) << "a first master is no failover";
  EXPECT_EQ(failovers[0], (Json{{"id", "1-2"},
                                {"time", 0},
                                {"from", At("10.0.0.1", 6379, "10.0.0.1:6379")},
                                {"to", At("::2", 6379, "[::2]:6379")},
                                {"sentence", "the master is another one"},
                                {"steps", Json::array()}}));
}

TEST(AnswerForTest, WritesAListOfOneAsAList) {
  auto topology = Healthy();
  topology.sentinels.resize(1);
  EXPECT_EQ(Ask("/sentinels", topology)->body, "10.0.0.1:26379");
  EXPECT_EQ(Json::parse(Ask("/sentinels", topology, "application/json")->body)["sentinels"].size(), 1U);
}

TEST(AnswerForTest, AnswersForItsOwnGroup) {
  auto topology = Healthy();
  topology.default_group = "orders";
  EXPECT_EQ(Ask("/master", topology)->body, "10.0.0.8 6379");
}

TEST(AnswerForTest, KnowsNoOtherPath) {
  for (const char* path : {"",
                           "/x",
                           "/sentinels/",
                           "//sentinels",
                           "/Sentinels",
                           "/SENTINELS",
                           "/sentinels?x",
                           "/sentinel s",
                           "sentinels",
                           "/sentinelss",
                           "/master/",
                           "/metric",
                           "/masters/",
                           "/masters//is-master",
                           "/masters/orders/",
                           "/masters/a/b",
                           "/masters/a/b/is-master",
                           "/masters/orders/is-masters",
                           "/readyz/",
                           "/..",
                           "*",
                           "/sentinels%2f"}) {
    EXPECT_FALSE(Ask(path, Healthy())) << path;
  }
}

TEST(AnswerForTest, SaysWhatItLacksWith503) {
  auto no_sentinels = Healthy();
  no_sentinels.sentinels.clear();
  auto no_zookeeper = Healthy();
  no_zookeeper.zookeeper_connected = false;
  auto no_subscription = Healthy();
  no_subscription.following.reset();
  auto no_record = Healthy();
  no_record.groups["master1"] = Record{};
  auto garbage = Healthy();
  garbage.groups["master1"] = Record{.state = Record::State::kUnreadable, .found = "garbage"};
  auto no_group = Healthy();
  no_group.groups.erase("master1");

  struct Row {
    const char* name;
    const char* path;
    Topology topology;
    const char* why;
  };
  for (const auto& [name, path, topology, why] : std::initializer_list<Row>{
           {"no Sentinels", "/sentinels", no_sentinels, "no Sentinel is registered"},
           {"no Sentinel", "/sentinel", no_sentinels, "no Sentinel is registered"},
           {"no record", "/master", no_record, "no master is recorded"},
           {"unreadable record", "/master", garbage, "no master is recorded"},
           {"unknown group", "/master", no_group, "no master is recorded"},
           {"nothing known yet", "/master", Topology{}, "no master is recorded"},
           {"a group without a record", "/masters/master1", no_record, "no master is recorded"},
           {"not ready without ZooKeeper", "/readyz", no_zookeeper, "ZooKeeper is not connected"},
           {"not ready without Sentinels", "/readyz", no_sentinels, "no Sentinel is registered"},
           {"not ready without events", "/readyz", no_subscription, "no Sentinel is followed"},
           {"not ready at first", "/readyz", Topology{}, "ZooKeeper"}}) {
    const auto text = Ask(path, topology);
    ASSERT_TRUE(text) << name;
    EXPECT_EQ(text->status, 503) << name;
    EXPECT_THAT(text->body, HasSubstr(why)) << name;
    EXPECT_THAT(text->content_type, StartsWith("text/plain")) << name;
    const auto machine = Ask(path, topology, "application/json");
    EXPECT_EQ(machine->status, 503) << name;
    EXPECT_EQ(Json::parse(machine->body)["error"], text->body) << name;
    EXPECT_EQ(machine->content_type, "application/json") << name;
  }
}

TEST(AnswerForTest, IsReadyAlthoughZnodesAreOpenAndSaysSo) {
  auto topology = Healthy();
  EXPECT_THAT(Ask("/metrics", topology)->body, Not(HasSubstr("open_znodes"))) << "it is not known";
  topology.open_znodes = watcher::OpenZnodes{};
  EXPECT_THAT(Ask("/metrics", topology)->body, HasSubstr("redis_zk_zookeeper_open_znodes 0\n"));
  EXPECT_EQ(Ask("/readyz", topology)->body, "ready");
  topology.open_znodes = watcher::OpenZnodes{2, "/redis/x"};
  EXPECT_EQ(Ask("/readyz", topology)->status, 200);
  EXPECT_THAT(Ask("/readyz", topology)->body,
              AllOf(StartsWith("ready, but 2 znodes "), HasSubstr("/redis/x")));
  EXPECT_THAT(Ask("/metrics", topology)->body, HasSubstr("redis_zk_zookeeper_open_znodes 2\n"));
}

TEST(AnswerForTest, TellsHowManyServersAreOpen) {
  auto topology = Healthy();
  EXPECT_THAT(Ask("/metrics", topology)->body,
              AllOf(HasSubstr("redis_zk_open_servers{kind=\"redis\"} 0\n"),
                    HasSubstr("redis_zk_open_servers{kind=\"sentinel\"} 0\n")));
  for (const char* host : {"10.0.0.1", "10.0.0.2"})
    topology.wrappers.push_back(
        {.process = {.daemon = "redis-wrapper", .endpoint = {host, 6379}}, .open = true});
  EXPECT_THAT(Ask("/metrics", topology)->body,
              AllOf(HasSubstr("redis_zk_open_servers{kind=\"redis\"} 2\n"),
                    HasSubstr("redis_zk_open_servers{kind=\"sentinel\"} 0\n")));
  EXPECT_THAT(Ask("/status", topology)->body,
              HasSubstr("no password at 10.0.0.1:6379, 10.0.0.2:6379: any host"));
}

TEST(AnswerForTest, TellsHowTheWrappersAre) {
  auto topology = Healthy();
  const auto wrapper = [](const char* host, const char* group) {
    return store::Report{
        .process = {.daemon = "redis-wrapper", .group = group, .endpoint = {host, 6379}, .version = "1"},
        .launches = 1,
        .past = {.exits = 1, .last_exit = 137, .last_exit_at = UnixTime()}};
  };
  topology.wrappers = {wrapper("10.0.0.2", "master1"), wrapper("10.0.0.1", "orders"),
                       wrapper("10.0.0.1", "master1")};
  const auto status = nlohmann::json::parse(Ask("/status", topology)->body);
  ASSERT_EQ(status["wrappers"].size(), 3U);
  const auto& first = status["wrappers"][0];
  EXPECT_EQ(first["address"], "10.0.0.1:6379");
  EXPECT_EQ(first["group"], "master1");
  EXPECT_EQ(first["role"], nullptr);
  EXPECT_EQ(first["last_exit"]["code"], 137);
  EXPECT_EQ(first["last_error"], nullptr);
  EXPECT_THAT(first["remarks"][0].get<std::string>(), StartsWith("its server exited by itself "));
  const auto of_group = nlohmann::json::parse(
      AnswerFor({.path = "/status", .group = "master1", .now = kNow, .pick = PickSecond}, topology)->body);
  EXPECT_EQ(of_group["wrappers"].size(), 2U);
}

TEST(AnswerForTest, TellsWhenCertificatesExpire) {
  auto topology = Healthy();
  topology.certificates = {
      {.daemon = "redis-wrapper",
       .endpoint = {"10.0.0.1", 6379},
       .files = {{"/node.crt", 1'900'000'000'000}}},
      // A wrapper that was replaced: its znode is still there.
      {.daemon = "redis-wrapper",
       .endpoint = {"10.0.0.1", 6379},
       .files = {{"/node.crt", 1'800'000'000'500}}},
      {.daemon = "watcher", .endpoint = {}, .files = {{"/http.crt", 1'700'000'000'000}}}};
  topology.expiring = {"1 certificate expired"};
  EXPECT_THAT(
      Ask("/metrics", topology)->body,
      AllOf(HasSubstr(
                "redis_zk_certificate_expiry_timestamp_seconds{member=\"10.0.0.1:6379\",file=\"/node.crt\"} "
                "1800000000.5\n"),
            HasSubstr("redis_zk_certificate_expiry_timestamp_seconds{member=\"watcher\",file=\"/http.crt\"} "
                      "1700000000\n")));
  EXPECT_THAT(Ask("/status", topology)->body, HasSubstr("1 certificate expired"));
}

TEST(AnswerForTest, LeavesOutGroupsWithoutAMaster) {
  auto topology = Healthy();
  topology.groups["orders"] = Record{};
  EXPECT_EQ(Ask("/masters", topology)->body, "master1 10.0.0.9 6379");
  topology.groups.clear();
  EXPECT_EQ(Ask("/masters", topology)->status, 200);
  EXPECT_EQ(Ask("/masters", topology)->body, "");
  EXPECT_EQ(Json::parse(Ask("/masters", topology, "application/json")->body)["masters"], Json::array());
}

TEST(AnswerForTest, TellsALoadBalancerWhetherAServerIsTheMaster) {
  auto no_record = Healthy();
  no_record.groups["orders"] = Record{};
  struct Row {
    const char* name;
    Topology topology;
    const char* path;
    const char* addr;
    int status;
    const char* text;
  };
  for (const auto& [name, topology, path, addr, status, text] : std::initializer_list<Row>{
           {"it is", Healthy(), "/masters/orders/is-master", "10.0.0.8:6379", 200, "it is the master"},
           {"it is not", Healthy(), "/masters/orders/is-master", "10.0.0.9:6379", 503,
            "10.0.0.8:6379 is the master"},
           {"another port", Healthy(), "/masters/orders/is-master", "10.0.0.8:6380", 503, "10.0.0.8:6379 is"},
           {"nobody is", no_record, "/masters/orders/is-master", "10.0.0.8:6379", 503,
            "no master is recorded"},
           {"no such group", Healthy(), "/masters/x/is-master", "10.0.0.8:6379", 404, "no such group"},
           {"no such group at all", Healthy(), "/masters/x", "", 404, "no such group; /masters lists"},
           {"nobody was asked about", Healthy(), "/masters/orders/is-master", "", 400,
            "addr: found \"\", expected"},
           {"no port", Healthy(), "/masters/orders/is-master", "10.0.0.8", 400, "addr: found \"10.0.0.8\""},
           {"garbage", Healthy(), "/masters/orders/is-master", "a\nb", 400, "addr: found \"a?b\""}}) {
    const auto answer = Ask(path, topology, "", addr);
    ASSERT_TRUE(answer) << name;
    EXPECT_EQ(answer->status, status) << name;
    EXPECT_THAT(answer->body, HasSubstr(text)) << name;
    const auto machine = Ask(path, topology, "application/json", addr);
    EXPECT_EQ(machine->status, status) << name;
    EXPECT_EQ(Json::parse(machine->body).contains("error"), status != 200) << name;
  }
}

TEST(AnswerForTest, NamesAVersionThatChangesWithWhatIsTold) {
  auto changed = Healthy();
  changed.groups["master1"].epoch = 8;
  changed.sentinels.pop_back();
  for (const char* path : {"/sentinels", "/master", "/masters", "/masters/master1"}) {
    const std::string version = Ask(path, Healthy())->version;
    EXPECT_EQ(version.size(), 16U) << path;
    EXPECT_EQ(Ask(path, Healthy(), "application/json")->version, version) << path << ": in either form";
    auto elsewhere = Healthy();
    elsewhere.following.reset();
    elsewhere.known_at = kNow;
    EXPECT_EQ(Ask(path, elsewhere)->version, version) << path << ": at every watcher";
    EXPECT_NE(Ask(path, changed)->version, version) << path;
  }
  EXPECT_EQ(Ask("/master", Topology{})->version, "none") << "one can wait for the first, too";
  EXPECT_EQ(Ask("/sentinels", Topology{})->version, "none");
  for (const char* path : {"/", "/sentinel", "/healthz", "/readyz"})
    EXPECT_EQ(Ask(path, Healthy())->version, "") << path;
}

TEST(EntityTagTest, DiffersBetweenTextAndJson) {
  const Answer text = *Ask("/sentinels", Healthy());
  const Answer json = *Ask("/sentinels", Healthy(), "application/json");
  EXPECT_EQ(EntityTagOf(text), "W/\"" + text.version + "\"") << "the version, for since";
  EXPECT_EQ(EntityTagOf(json), "W/\"" + text.version + "-json\"");
}

TEST(EntityTagTest, IsNamedByIfNoneMatch) {
  struct Row {
    const char* header;
    bool names;
  };
  for (const auto& [header, names] : std::initializer_list<Row>{{R"(W/"a1")", true},
                                                                {R"("a1")", true},
                                                                {R"( W/"x", W/"a1" )", true},
                                                                {R"("x","a1","y")", true},
                                                                {R"("x,y", "a1")", true},
                                                                {"*", true},
                                                                {" * ", true},
                                                                {"", false},
                                                                {" ", false},
                                                                {"a1", false},
                                                                {R"(W/"a1)", false},
                                                                {R"(W/"a1-json")", false},
                                                                {R"("x", "y")", false},
                                                                {R"("*")", false}}) {
    EXPECT_EQ(NamesEntityTag(header, R"(W/"a1")"), names) << header;
  }
}

TEST(AnswerForTest, IsHealthyAsLongAsItsLoopTurns) {
  // Neither ZooKeeper nor Sentinel is a reason for a scheduler to restart the watcher.
  EXPECT_EQ(Ask("/healthz", Topology{})->status, 200);
  const Request stuck{.path = "/healthz", .now = kNow, .pick = PickSecond, .loop_alive = false};
  EXPECT_EQ(AnswerFor(stuck, Healthy())->status, 503);
}

TEST(AnswerForTest, AgesWhileZooKeeperIsAway) {
  auto away = Healthy();
  away.zookeeper_connected = false;
  struct Row {
    const char* path;
    bool ages;
  };
  for (const auto& [path, ages] : std::initializer_list<Row>{{"/sentinels", true},
                                                             {"/sentinel", true},
                                                             {"/master", true},
                                                             {"/masters", true},
                                                             {"/masters/orders", true},
                                                             {"/", false},
                                                             {"/healthz", false},
                                                             {"/readyz", false}}) {
    EXPECT_EQ(Ask(path, away)->age, ages ? std::optional(std::chrono::seconds(90)) : std::nullopt) << path;
    EXPECT_FALSE(Ask(path, Healthy())->age)
        << path << ": nothing is old while ZooKeeper would tell of changes";
  }
  EXPECT_EQ(Ask("/sentinels", away)->status, 200) << "the last known answer is still one";
  away.known_at = kNow - 1999ms;
  EXPECT_EQ(Ask("/master", away)->age, std::chrono::seconds(1)) << "whole seconds";
  away.known_at = kNow;
  EXPECT_EQ(Ask("/master", away)->age, std::chrono::seconds(0));
  away.known_at = {};
  EXPECT_FALSE(Ask("/master", away)->age) << "what was never known has no age";
}

TEST(WantsJsonTest, GoesByTheFirstTypeThereIs) {
  struct Row {
    const char* accept;
    bool wants_json;
  };
  for (const auto& [accept, wants_json] :
       std::initializer_list<Row>{{"application/json", true},
                                  {" application/json ", true},
                                  {"application/json;q=0.9", true},
                                  {"application/json; charset=utf-8", true},
                                  {"application/json ; q=1", true},
                                  {"application/json, text/plain", true},
                                  {"application/json,*/*", true},
                                  {"*/*, application/json", true},
                                  {"image/png, application/json", true},
                                  {"application/xml;q=0.9,application/json;q=0.8", true},
                                  {",application/json", true},
                                  {"", false},
                                  {" ", false},
                                  {",", false},
                                  {";", false},
                                  {"*/*", false},
                                  {"text/plain", false},
                                  {"text/plain, application/json", false},
                                  {"text/html,application/xhtml+xml,application/json;q=0.9,*/*;q=0.8", false},
                                  {"application/jsonp", false},
                                  {"application/json5, */*", false},
                                  {"application/vnd.api+json", false},
                                  {"json", false},
                                  {"application", false},
                                  {"x-application/json", false},
                                  {"image/png;x=application/json", false},
                                  {"\xff\xfe", false}}) {
    EXPECT_EQ(WantsJson(accept), wants_json) << accept;
  }
}

}  // namespace
}  // namespace redis_zk::testing::answers_test
