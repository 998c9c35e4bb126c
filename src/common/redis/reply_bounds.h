// Bounds what a server can make us allocate: its replies are looked through before hiredis reads them.
// hiredis 0.14 allocates what the header of an array promises, and no version bounds a string.
//
// The form of replies: https://redis.io/docs/latest/develop/reference/protocol-spec/ (RESP2, which is all
// that is ever asked for). A value. What has been refused once stays refused.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace redis_zk::redis {

class ReplyBounds {
 public:
  static constexpr std::int64_t kMostElements = 100'000;  // of one reply, its arrays' elements too
  static constexpr std::int64_t kLongestText = std::int64_t{1024} * 1024;  // bytes
  static constexpr std::int64_t kLargestReply = 16 * kLongestText;         // bytes

  // The bytes that came next. kProtocol: they are not to be read; the message says what was found, and what
  // was expected.
  Status Check(std::string_view bytes);

 private:
  Status TakeLine();
  Status TakeNumber(std::int64_t most, const char* of_what);
  void EndValue();

  std::string line_;          // as far as it has come, without its end; the first character is the type
  std::int64_t payload_ = 0;  // bytes of a string, and its line end, that are still to come
  std::int64_t number_ = 0;   // of the line that was taken last
  std::int64_t missing_ = 0;  // values until the reply is complete; 0: none has begun
  std::int64_t elements_ = 0;
  std::int64_t size_ = 0;
};

}  // namespace redis_zk::redis
