#include "watcher/behaviors/webhook.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <optional>
#include <string>

namespace redis_zk::testing::webhook_test {
namespace {

using watcher::HookAnswer;
using watcher::HookVerdict;
using watcher::ParseHookHeader;
using watcher::ParseHookUrl;
using Kind = HookVerdict::Kind;

TEST(WebhookTest, JudgesAnswers) {
  struct Row {
    const char* name;
    HookAnswer answer;
    Kind kind;
    Duration pause;
  };
  for (const auto& [name, answer, kind, pause] :
       std::initializer_list<Row>{{"taken", {200}, Kind::kDone, 0s},
                                  {"taken, and nothing to say", {204}, Kind::kDone, 0s},
                                  {"no answer", {0, "", "no answer"}, Kind::kRetry, 0s},
                                  {"moved", {301}, Kind::kGiveUp, 0s},
                                  {"not modified", {304}, Kind::kGiveUp, 0s},
                                  {"wrong request", {400}, Kind::kGiveUp, 0s},
                                  {"not allowed", {401}, Kind::kGiveUp, 0s},
                                  {"not allowed, later perhaps", {403, "5"}, Kind::kGiveUp, 0s},
                                  {"no such path", {404}, Kind::kGiveUp, 0s},
                                  {"too slow", {408}, Kind::kRetry, 0s},
                                  {"gone", {410}, Kind::kGiveUp, 0s},
                                  {"too many", {429}, Kind::kRetry, 0s},
                                  {"too many, with a pause", {429, "7"}, Kind::kRetry, 7s},
                                  {"too many, with no pause", {429, "0"}, Kind::kRetry, 0s},
                                  {"broken", {500}, Kind::kRetry, 0s},
                                  {"away, with a pause", {503, "120"}, Kind::kRetry, 2min},
                                  {"away for long", {503, "86400"}, Kind::kRetry, 5min},
                                  {"away for ever", {503, "99999999999999999999"}, Kind::kRetry, 5min},
                                  {"a date", {503, "Wed, 21 Oct 2026 07:28:00 GMT"}, Kind::kRetry, 0s},
                                  {"a negative pause", {503, "-5"}, Kind::kRetry, 0s},
                                  {"half a second", {503, "0.5"}, Kind::kRetry, 0s},
                                  {"a pause and more", {503, "5 s"}, Kind::kRetry, 0s}}) {
    const auto verdict = Judge(answer);
    EXPECT_EQ(verdict.kind, kind) << name;
    EXPECT_EQ(verdict.pause, pause) << name;
  }
}

TEST(WebhookTest, TakesUrlsApart) {
  struct Row {
    std::string url;
    std::optional<std::string> server;
    std::string target;
  };
  for (const auto& [url, server, target] :
       std::initializer_list<Row>{{"http://h", "h:80", "/"},
                                  {"https://h", "h:443", "/"},
                                  {"http://h/", "h:80", "/"},
                                  {"http://h:8000/a/b?c=d&e=/f", "h:8000", "/a/b?c=d&e=/f"},
                                  {"http://h?c", "h:80", "/?c"},
                                  {"http://10.0.0.1:80/", "10.0.0.1:80", "/"},
                                  {"http://[fe80::a]:8000/x", "[fe80::a]:8000", "/x"},
                                  {"http://h/a%20b@c:d", "h:80", "/a%20b@c:d"},
                                  {"", std::nullopt, ""},
                                  {"http://", std::nullopt, ""},
                                  {"http://:80/", std::nullopt, ""},
                                  {"http://h:/", std::nullopt, ""},
                                  {"http://h:0/", std::nullopt, ""},
                                  {"http://u:p@h/", std::nullopt, ""},
                                  {"http://h/a b", std::nullopt, ""},
                                  {"http://h/a\r\nX: y", std::nullopt, ""},
                                  {"http://h/\xc3\xa4", std::nullopt, ""},
                                  {"http://h/#a", std::nullopt, ""},
                                  {"HTTP://h/", std::nullopt, ""},
                                  {"//h/", std::nullopt, ""},
                                  {"unix:///run/x", std::nullopt, ""}}) {
    const auto parsed = ParseHookUrl(url);
    EXPECT_EQ(parsed.has_value(), server.has_value()) << url;
    if (!parsed || !server) continue;
    EXPECT_EQ(parsed->server.ToAddress(), *server) << url;
    EXPECT_EQ(parsed->target, target) << url;
    EXPECT_EQ(parsed->tls, url.starts_with("https")) << url;
  }
}

TEST(WebhookTest, ReadsHeaders) {
  struct Row {
    std::string line;
    std::optional<std::string> value;
  };
  for (const auto& [line, value] : std::initializer_list<Row>{{"Authorization: Bearer x", "Bearer x"},
                                                              {"X-Token:x", "x"},
                                                              {"X-Token: a:b \r", "a:b"},
                                                              {"", std::nullopt},
                                                              {"Bearer x", std::nullopt},
                                                              {": x", std::nullopt},
                                                              {"X-Token:", std::nullopt},
                                                              {"X-Token:  ", std::nullopt},
                                                              {"X Token: x", std::nullopt},
                                                              {"X-Token: a\rb", std::nullopt}}) {
    const auto header = ParseHookHeader(line);
    EXPECT_EQ(header ? std::optional(header->value) : std::nullopt, value) << line;
  }
}

}  // namespace
}  // namespace redis_zk::testing::webhook_test
