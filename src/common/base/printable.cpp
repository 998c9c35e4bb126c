#include "base/printable.h"

#include <algorithm>
#include <cstddef>

namespace redis_zk {

namespace {

// The length of the UTF-8 character of several bytes that `text` begins with; 0 when there is none. The
// control characters U+0080 to U+009F count as none.
std::size_t Utf8Length(std::string_view text) {
  const auto at = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = at(0);
  const std::size_t length = first >= 0xF0 && first < 0xF5   ? 4
                             : first >= 0xE0 && first < 0xF0 ? 3
                             : first >= 0xC2 && first < 0xE0 ? 2
                                                             : 0;
  if (length == 0 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((at(i) & 0xC0U) != 0x80) return 0;
  }
  const bool control = first == 0xC2 && at(1) < 0xA0;
  const bool overlong = (first == 0xE0 && at(1) < 0xA0) || (first == 0xF0 && at(1) < 0x90);
  const bool surrogate = first == 0xED && at(1) >= 0xA0;
  return control || overlong || surrogate ? 0 : length;
}

}  // namespace

std::string Printable(std::string_view text, std::size_t most) {
  std::string shown;
  while (!text.empty() && shown.size() < most) {
    const bool ascii = text.front() >= ' ' && text.front() <= '~';
    const std::size_t length = ascii ? 1 : Utf8Length(text);
    if (length == 0) {
      shown += '?';
    } else {
      shown += text.substr(0, length);
    }
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  if (!text.empty()) shown += "...";
  return shown;
}

}  // namespace redis_zk
