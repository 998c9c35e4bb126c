// Files with a password, and below it, while it is changed, the one before. Values; any thread.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace redis_zk {

struct PasswordLines {
  std::string password;
  std::string old_password{};  // empty: none is accepted beside
};
struct PasswordFile {
  std::string path{};  // absolute; empty: there is none
  PasswordLines lines{};
};
// As the options gave it.
struct PasswordOption {
  std::string text;  // outranks the file
  PasswordFile file;
};

// Without blanks at the ends of lines, and empty lines at the end. The error says what was expected.
Result<PasswordLines> ParsePasswordLines(std::string_view text);
Result<PasswordFile> ReadPasswordFile(std::string_view path);

}  // namespace redis_zk
