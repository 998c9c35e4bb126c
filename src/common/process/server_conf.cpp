#include "process/server_conf.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

namespace redis_zk::process {

std::string QuoteForConf(std::string_view word) {
  const auto plain = [](unsigned char c) {
    return std::isgraph(c) != 0 && c != '"' && c != '\'' && c != '\\' && c != '#';
  };
  if (!word.empty() && std::all_of(word.begin(), word.end(), plain)) return std::string(word);
  std::string quoted = "\"";
  for (const char c : word) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (byte < ' ' || byte == 127) {
      quoted += fmt::format("\\x{:02x}", byte);
    } else {
      quoted += c;
    }
  }
  return quoted + '"';
}

Status WriteConf(const std::string& path, std::string_view text) {
  const auto failure = [&path] {
    return Fail(ErrorKind::kInvalid, fmt::format("cannot write {}: {}", path, std::strerror(errno)));
  };
  const std::string draft = path + ".new";
  unlink(draft.c_str());
  const int fd = open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return failure();
  const ssize_t written = write(fd, text.data(), text.size());
  const int write_errno = written < 0 ? errno : ENOSPC;
  // Else a power failure could leave the new name with nothing behind it.
  fdatasync(fd);
  close(fd);
  if (written != static_cast<ssize_t>(text.size())) {
    errno = write_errno;
    return failure();
  }
  if (std::rename(draft.c_str(), path.c_str()) != 0) return failure();
  return {};
}

std::vector<std::string> CheckReadable(std::string_view name, const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::is_regular_file(path, ignored) && access(path.c_str(), R_OK) == 0) return {};
  return {fmt::format("{}: found \"{}\", expected a readable file", name, path)};
}

std::string AbsolutePath(const std::string& path) {
  std::error_code ignored;
  const auto absolute = std::filesystem::absolute(path, ignored);
  return ignored ? path : absolute.lexically_normal().string();
}

}  // namespace redis_zk::process
