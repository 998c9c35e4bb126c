#include "daemon/passwords.h"

#include <fmt/core.h>

#include <filesystem>
#include <utility>

#include "base/printable.h"

namespace redis_zk::daemon {

namespace {

std::vector<std::string> PathsOf(const auto& sources) {
  std::vector<std::string> paths;
  for (const auto& source : sources) paths.push_back(source.path);
  return paths;
}

}  // namespace

Passwords::Passwords(const CommonOptions& common)
    : strict_(common.strict_secrets), sources_(SourcesOf(common)), files_(PathsOf(sources_)) {
  // They may have changed since the options were read.
  files_.ForgetRead();
}

std::vector<Passwords::Source> Passwords::SourcesOf(const CommonOptions& common) {
  std::vector<Source> sources;
  const auto add = [&sources](const std::string& name, const PasswordOption& option,
                              const redis::CredentialsSource& credentials) {
    const std::string& path = option.file.path;
    std::error_code error;
    if (option.text.empty() && !path.empty() && std::filesystem::is_regular_file(path, error))
      sources.push_back({name + "_FILE", path, credentials});
  };
  add("REDIS_PASSWORD", common.passwords.redis, common.credentials.redis);
  add("SENTINEL_PASSWORD", common.passwords.sentinel, common.credentials.sentinel);
  return sources;
}

void Passwords::Look(TimePoint now) {
  if (files_.HaveChanged(now)) Read();
}

void Passwords::Reload() {
  log_problem_.Reset();
  files_.Look();
  Read();
}

void Passwords::Read() {
  bool changed = false;
  std::string problems;
  for (const auto& source : sources_) {
    const auto read = Read(source);
    // The other file's change counts whatever is wrong with this one.
    if (read) {
      changed = *read || changed;
    } else {
      problems += (problems.empty() ? "" : "; ") + read.error().message;
    }
  }
  if (changed) ++generation_;
  if (!problems.empty()) {
    log_problem_(log::Severity::kError, {.event = "passwords-rejected"}, problems);
    return;
  }
  log_problem_.Reset();
  files_.NoteRead();
}

Result<bool> Passwords::Read(const Source& source) {
  const auto file = ReadPasswordFile(source.path);
  // Some take it away after the start.
  if (!file && file.error().kind == ErrorKind::kNotFound) return false;
  std::string problem;
  if (!file) {
    problem = fmt::format("found \"{}\", expected {}", Printable(source.path), file.error().message);
  } else if (const auto open = FindOpen({{source.option, "reloaded", source.path}});
             strict_ && !open.empty()) {
    problem = open.front();
  }
  if (!problem.empty())
    return Fail(
        ErrorKind::kInvalid,
        fmt::format("{}: passwords not reloaded, those read before stay in use: {}", source.option, problem));
  const auto before = source.credentials.Get();
  const auto& [password, old_password] = file->lines;
  if (before->password == password && before->old_password == old_password) return false;
  source.credentials.Set({before->username, password, old_password});
  log::Info({.event = "passwords-reloaded"}, "{} reloaded from {}: {}", source.option, Printable(source.path),
            old_password.empty() ? "one password is accepted"
                                 : "two passwords are accepted, the new one and the old one");
  return true;
}

}  // namespace redis_zk::daemon
