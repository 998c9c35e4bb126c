// The bytes of a connection to a watcher, from anybody.
#include <variant>

#include "fuzz/fuzz.h"
#include "watcher/web/answers.h"
#include "watcher/web/framing.h"

namespace redis_zk::watcher::web {

FUZZ_TARGET(text) {
  using fuzz::Check;
  const auto framing = Frame(text);
  if (const auto* refused = std::get_if<Refused>(&framing)) {
    Check(refused->status >= 400 && !refused->why.empty() && refused->why.find('\n') == std::string::npos);
    return;
  }
  const auto* framed = std::get_if<Framed>(&framing);
  if (framed == nullptr) return;
  Check(framed->consumed <= text.size() && framed->bytes.size() <= framed->consumed);
  Check(framed->bytes.size() <= kLongestRequestLine + kMostHeaderBytes + kLongestBody + 8);
  LaneOf(framed->method, framed->target);
  // What follows changes nothing, and less than all of it is no request.
  const auto alone = Frame(framed->bytes);
  const auto* same = std::get_if<Framed>(&alone);
  Check(same != nullptr && same->bytes.size() == framed->bytes.size());
  Check(std::holds_alternative<NeedMore>(Frame(framed->bytes.substr(0, framed->bytes.size() - 1))));
}

}  // namespace redis_zk::watcher::web
