// Where a request ends in the bytes of a connection, and which bytes are none: functions of values.
//
// HTTP/1.0 and 1.1 with a body of Content-Length alone. Whatever two readers could take for different
// requests is refused: what follows it would be taken for the next request.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <variant>

namespace redis_zk::watcher::web {

inline constexpr std::size_t kLongestRequestLine = 8190;
inline constexpr std::size_t kLongestHeaderLine = 8190;
inline constexpr std::size_t kMostHeaderBytes = std::size_t{16} * 1024;
inline constexpr std::size_t kMostHeaders = 64;
inline constexpr std::size_t kLongestBody = std::size_t{64} * 1024;

// The request is not complete yet.
struct NeedMore {
  bool begun = false;  // false: nothing but empty lines before a request
};

// A complete request. The views are into the bytes.
struct Framed {
  std::string_view bytes;    // from the request line to the end of the body
  std::size_t consumed = 0;  // with the empty lines before it
  std::string_view method;
  std::string_view target;
  bool is_http10 = false;
  bool keeps_alive = true;  // the connection may be used again
};

// The connection is of no use after the answer.
struct Refused {
  int status = 400;
  std::string why;
};

using Framing = std::variant<NeedMore, Framed, Refused>;

// The first request in `bytes`. Refuses as soon as what has come cannot become a request any more.
Framing Frame(std::string_view bytes);

}  // namespace redis_zk::watcher::web
