#include "options/password_file.h"

#include <fmt/core.h>

#include <cctype>
#include <vector>

#include "base/file.h"

namespace redis_zk {

Result<PasswordLines> ParsePasswordLines(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const auto end = text.find('\n');
    std::string line(text.substr(0, end));
    while (!line.empty() && std::isspace(static_cast<unsigned char>(line.back())) != 0) line.pop_back();
    lines.push_back(std::move(line));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  while (!lines.empty() && lines.back().empty()) lines.pop_back();
  const auto expect = [](const std::string& found) {
    return Fail(ErrorKind::kInvalid,
                "a file whose first line is the password, and whose second, if there is one, is the old one; "
                "it has " +
                    found);
  };
  if (lines.empty()) return expect("no line");
  if (lines.front().empty()) return expect("an empty first line");
  if (lines.size() > 2) return expect(fmt::format("{} lines", lines.size()));
  PasswordLines passwords{.password = lines.front()};
  if (lines.size() == 2 && lines.back() != lines.front()) passwords.old_password = lines.back();
  return passwords;
}

Result<PasswordFile> ReadPasswordFile(std::string_view path) {
  PasswordFile file{.path = AbsolutePath(std::string(path))};
  const auto text = ReadTextFile(file.path);
  if (!text)
    return Fail(text.error().kind,
                fmt::format("a readable file with one line or two ({})", text.error().message));
  auto lines = ParsePasswordLines(*text);
  if (!lines) return tl::unexpected(lines.error());
  file.lines = std::move(*lines);
  return file;
}

}  // namespace redis_zk
