// What a server says about its configuration when it refuses it (config.c and sentinel.c, loaderr):
//
//   *** FATAL CONFIG FILE ERROR (Redis 7.0.15) ***
//   Reading the configuration file, at line 2
//   >>> 'maxclients many'
//   argument couldn't be parsed into an integer
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "redis/conf_file.h"

namespace redis_zk::redis {

struct ConfComplaint {
  std::string text{};       // the line; may hold a secret. Empty: it is about no line
  bool cut_off = false;     // `text` is its beginning
  std::int64_t number = 0;  // of the line, in the file that the server read
  std::string why{};        // without a secret
};

// Hears what a server writes, line by line. One thread hears; another may ask when that one has ended.
class ComplaintReader {
 public:
  // The line as it may be logged: a line of the configuration may hold a secret.
  std::string Hear(std::string_view line);

  const std::optional<ConfComplaint>& complaint() const { return complaint_; }

 private:
  enum class Next { kNothing, kLineOrReason, kRestOfLine, kReason };

  Next next_ = Next::kNothing;
  ConfComplaint heard_;
  std::optional<ConfComplaint> complaint_;
};

// The complaint for people: with the place of the line among the user's, where it is one of those, and else
// with `path`.
std::string Describe(const ConfComplaint& complaint, const Conf& users, const std::string& path);

}  // namespace redis_zk::redis
