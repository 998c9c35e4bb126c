// What anybody may send to a watcher: paths, Accept headers, tokens.
#include "fuzz/fuzz.h"
#include "watcher/admin.h"
#include "watcher/web/answers.h"

namespace redis_zk::watcher {

FUZZ_TARGET(text) {
  using fuzz::Check;
  Topology topology;
  topology.groups["master1"] = {.state = store::Record::State::kMaster, .master = {"10.0.0.1", 6379}};
  const auto split = text.find('\n');
  const auto head = text.substr(0, split);
  const auto rest = split == std::string_view::npos ? std::string_view() : text.substr(split + 1);
  const web::Request request{.path = head,
                             .accept = rest,
                             .addr = rest,
                             .group = rest,
                             .form = rest,
                             .now = TimePoint{},
                             .pick = [](std::size_t) { return std::size_t{0}; }};
  if (const auto answer = web::AnswerFor(request, topology)) {
    Check(answer->status >= 200 && answer->status < 600);
    // A header cannot be broken by what is told.
    Check(answer->content_type.find('\n') == std::string::npos &&
          answer->version.find('\n') == std::string::npos);
  }
  if (const auto route = web::AdminAt(head)) Check(route->group.find('/') == std::string_view::npos);
  // The scheme in any case (RFC 9110, 11.1), the token as it is.
  const bool granted =
      Authorize({{.name = "alice", .text = "0123456789abcdef"}}, text).access == Access::kGranted;
  Check(!granted || text.ends_with(" 0123456789abcdef"));
  if (const auto tokens = ParseAdminTokens(text)) {
    Check(!tokens->empty());
    for (const auto& token : *tokens) Check(token.text.find(':') == std::string::npos);
  }
}

}  // namespace redis_zk::watcher
