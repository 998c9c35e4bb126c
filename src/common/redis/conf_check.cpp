#include "redis/conf_check.h"

#include <fmt/core.h>
#include <strings.h>

#include "base/log.h"
#include "base/printable.h"

namespace redis_zk::redis {

namespace {

void Add(const ConfLine& line, const std::string& subject, Fate fate, std::string_view why,
         ConfFindings* findings) {
  const std::string about = fmt::format("{}: {}", line.Place(), subject);
  switch (fate) {
    case Fate::kReplaced:
      findings->replaced.push_back(fmt::format("{} is not used: {}", about, why));
      break;
    case Fate::kHinders:
      findings->hinders.push_back(fmt::format("{}: {}", about, why));
      break;
    case Fate::kCannotWork:
      if (findings->refusal.empty()) findings->refusal = fmt::format("{} cannot work: {}", about, why);
      break;
  }
}

}  // namespace

ConfFindings CheckConf(const Conf& conf, const std::vector<ConfRule>& rules,
                       const std::vector<NeededCommand>& commands) {
  ConfFindings findings;
  for (const auto& rule : rules) {
    const auto* const line = conf.Find(rule.name);
    if (line == nullptr) continue;
    const std::string why = rule.why(*line);
    if (!why.empty()) Add(*line, Printable(line->name), rule.fate, why, &findings);
  }
  const auto* const user = conf.Find("user");
  const auto* const acl_file = conf.Find("aclfile");
  if (user != nullptr && acl_file != nullptr && !conf.Value("aclfile").empty())
    Add(*acl_file, acl_file->name, Fate::kCannotWork,
        fmt::format("{} declares a user; Redis takes users from one of the two", user->Place()), &findings);
  for (const auto& line : conf.lines) {
    if (line.name != "rename-command" || line.words.size() != 3) continue;
    for (const auto& [command, fate, fails, use] : commands) {
      const std::string name(command);
      if (strcasecmp(line.words[1].c_str(), name.c_str()) != 0) continue;
      if (strcasecmp(line.words[2].c_str(), name.c_str()) != 0)
        Add(line, "rename-command " + name, fate, fails, &findings);
    }
  }
  return findings;
}

bool LogFindings(const ConfFindings& findings) {
  for (const auto& sentence : findings.replaced) log::Warn({.event = "conf-line-skipped"}, "{}", sentence);
  for (const auto& sentence : findings.hinders) log::Warn({.event = "conf-line-hinders"}, "{}", sentence);
  if (findings.refusal.empty()) return false;
  log::Error({.event = "conf-refused"}, "exiting: {}", findings.refusal);
  return true;
}

bool IsProtected(std::string_view answer) {
  return answer.find("DENIED Redis is running in protected mode") != std::string_view::npos;
}

std::string ExplainProtectedMode(std::string_view server, std::string_view password, const Conf& users,
                                 const std::string& path) {
  const auto* const line = users.Find("protected-mode");
  return fmt::format(
      "{} is in protected mode and refuses every other host; set {}, or protected-mode no in {}", server,
      password, line != nullptr ? line->Place() : path);
}

}  // namespace redis_zk::redis
