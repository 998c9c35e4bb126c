// The user's lines that meet what a wrapper decides: which of them are replaced, which hinder, and which
// cannot work. Functions of values; each wrapper has its own table of rules.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "redis/conf_file.h"

namespace redis_zk::redis {

enum class Fate {
  kReplaced,    // the wrapper's line wins
  kHinders,     // the line is in force, and something will not work
  kCannotWork,  // no start
};

// About one directive, of which the last line counts.
struct ConfRule {
  std::string_view name;  // as in ConfLine
  Fate fate;
  // Why the line has that fate, without a secret; empty: it has not.
  std::function<std::string(const ConfLine&)> why;
};

// A command that a client needs, and what fails where it is renamed.
struct NeededCommand {
  std::string_view command;
  Fate fate;
  std::string_view fails;
  // How the daemon's own user runs it; empty: another one does.
  std::vector<std::string> use{};
};

// Sentences that begin with the line's place.
struct ConfFindings {
  std::vector<std::string> replaced;
  std::vector<std::string> hinders;
  std::string refusal;  // the first line that cannot work; empty: there is none
};

ConfFindings CheckConf(const Conf& conf, const std::vector<ConfRule>& rules,
                       const std::vector<NeededCommand>& commands);

// What the findings say, in the log. True: one of them is a refusal.
bool LogFindings(const ConfFindings& findings);

// Whether an answer says that the server refuses other hosts.
bool IsProtected(std::string_view answer);
// The sentence about that: `server` is "redis-server", `password` the option, `path` the user's file.
std::string ExplainProtectedMode(std::string_view server, std::string_view password, const Conf& users,
                                 const std::string& path);

}  // namespace redis_zk::redis
