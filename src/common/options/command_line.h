// What stands on a command line, before anything is known about its values. CLI11 stays behind this header.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace redis_zk {

// The flags to look for, "--like-this", beside -h, --help and --version.
struct FlagNames {
  std::vector<std::string> repeatable;  // with a value; the caller judges how often each may be given
  std::vector<std::string> single;      // with a value, at most once
  std::vector<std::string> switches;    // without one
};

struct CommandLine {
  bool help = false;
  bool version = false;
  // The values of the repeatable flags. Where the command line is wrong, a flag without its value is missing.
  std::map<std::string, std::vector<std::string>> repeated;
  std::map<std::string, std::string> single;
  std::set<std::string> given;      // those of the single flags and switches that stand there
  std::vector<std::string> extras;  // words and unknown flags
  std::optional<std::string> error;
};

CommandLine ParseCommandLine(int argc, const char* const* argv, const FlagNames& flags);

}  // namespace redis_zk
