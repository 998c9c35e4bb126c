#include "redis-wrapper/command_check.h"

#include <fmt/format.h>
#include <strings.h>

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace redis_zk::redis_wrapper {

namespace {

bool IsRenamed(const redis::Conf& users, std::string_view command) {
  return std::any_of(users.lines.begin(), users.lines.end(), [name = std::string(command)](const auto& line) {
    return line.name == "rename-command" && line.words.size() == 3 &&
           strcasecmp(line.words[1].c_str(), name.c_str()) == 0;
  });
}

bool IsDenied(const redis::Reply& answer) {
  return answer.type == redis::Reply::Type::kText && answer.text.find("no permissions") != std::string::npos;
}

}  // namespace

std::vector<redis::Command> AskAboutCommands(const std::vector<redis::NeededCommand>& needed,
                                             const std::string& username) {
  std::vector<redis::Command> questions{{"COMMAND", "INFO"}};
  for (const auto& each : needed) questions.front().emplace_back(each.command);
  for (const auto& each : needed) {
    if (each.use.empty()) continue;
    auto& question =
        questions.emplace_back(redis::Command{"ACL", "DRYRUN", username.empty() ? "default" : username});
    question.insert(question.end(), each.use.begin(), each.use.end());
  }
  return questions;
}

redis::ConfFindings JudgeCommands(const std::vector<redis::NeededCommand>& needed, const redis::Conf& users,
                                  const redis::Replies& answers) {
  redis::ConfFindings findings;
  if (answers.empty()) return findings;
  const auto& known = answers.front().items;
  std::size_t next = 1;
  for (std::size_t i = 0; i < needed.size(); ++i) {
    const auto& command = needed[i];
    const bool denied = !command.use.empty() && next < answers.size() && IsDenied(answers[next++]);
    const bool unknown = known.size() == needed.size() && known[i].type == redis::Reply::Type::kNil;
    if (unknown && IsRenamed(users, command.command)) continue;
    if (unknown && command.fate == redis::Fate::kCannotWork) {
      findings.refusal = fmt::format("redis-server does not know {}: {}", command.command, command.fails);
    } else if (unknown) {
      findings.hinders.push_back(
          fmt::format("redis-server does not know {}: {}", command.command, command.fails));
    } else if (denied) {
      findings.hinders.push_back(fmt::format("redis-server does not let REDIS_USERNAME run {}: {}",
                                             fmt::join(command.use, " "), command.fails));
    }
  }
  return findings;
}

}  // namespace redis_zk::redis_wrapper
