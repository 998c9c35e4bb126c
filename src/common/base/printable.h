// Foreign text for a log line or an error: one line, printable, and not too long, whatever was written.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace redis_zk {

inline constexpr std::size_t kMostPrintable = 120;

// At most `most` bytes of `text`, then "..."; what is neither printable ASCII nor well-formed UTF-8 becomes
// '?'.
std::string Printable(std::string_view text, std::size_t most = kMostPrintable);

}  // namespace redis_zk
