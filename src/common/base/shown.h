// Foreign text for a log line or an error: one line, printable, and not too long, whatever somebody wrote.
#pragma once

#include <string>
#include <string_view>

namespace redis_zk {

// At most 120 bytes of `text`, then "..."; what is neither printable ASCII nor well-formed UTF-8 becomes '?'.
std::string Shown(std::string_view text);

}  // namespace redis_zk
