// Options of a daemon: each is an environment variable, a long flag and a key of the config file.
//
// The environment variable names it; the rest follows: ZK_HOSTS, --zk-hosts, zk_hosts = "...".
// Order: flag > environment > file > default. An empty environment variable counts as not set, since
// schedulers and compose files pass those for what nobody filled in. All errors are found in one pass, one
// line each; secrets are never shown and have no flag, for argv is public.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/parsers.h"

namespace redis_zk {

struct OptionSpec {
  std::string env;
  std::string help;
  std::string fallback;  // the default as text; empty = none, and the target keeps its value
  bool secret = false;
};

using Environment = std::function<const char*(const char*)>;

// A section `[kind.NAME]` of the config file, as it stands there.
struct ConfigSection {
  struct Entry {
    std::string key;
    std::vector<std::string> values;
    bool operator==(const Entry&) const = default;
  };

  std::string name;
  std::vector<Entry> entries;
  bool operator==(const ConfigSection&) const = default;
};

// What a start does after reading its options: goes on, or prints `text` and ends.
struct OptionsOutcome {
  std::optional<int> exit_code;  // nothing: go on
  std::string text;              // help or version for stdout when the code is 0, else error lines for stderr
  std::string command{};         // the word that came first; empty: be the daemon
  std::vector<std::string> errors{};  // those in `text`, without the daemon's name
  // Where the value of each option came from: kFromFlag, kFromEnvironment, the config file's path,
  // kFromDefault.
  std::map<std::string, std::string> sources{};
  std::vector<ConfigSection> sections{};  // those of AddSections
};
inline constexpr std::string_view kFromFlag = "flag";
inline constexpr std::string_view kFromEnvironment = "environment";
inline constexpr std::string_view kFromDefault = "default";

class Options {
 public:
  // `daemon` names the program in messages and the default config file, /etc/redis/<daemon>.toml.
  Options(std::string daemon, std::string summary);

  // `target` receives the value and must outlive Read.
  template <class T, class P>
  void Add(OptionSpec spec, P parser, T* target) {
    AddErased(std::move(spec),
              [parser = Parser<T>(std::move(parser)), target](std::string_view text) -> Status {
                auto value = parser(text);
                if (!value) return tl::unexpected(value.error());
                *target = std::move(*value);
                return {};
              });
  }

  // A secret that may also stand in a file: adds NAME (environment and config file) and NAME_FILE (a path).
  void AddSecret(const std::string& env, const std::string& help, std::string* target);

  // A word that may come first on the command line and asks for something else than the daemon. It needs the
  // options `uses` alone; what is wrong with others in environment and file is none of its business.
  void AddCommand(std::string name, std::string help, std::vector<std::string> uses);

  // Sections `[kind.NAME]` of the config file, any number; without this they are unknown keys. `check`
  // returns what is wrong with them, a line each; as with options, a command is not hindered by that.
  using CheckSections = std::function<std::vector<std::string>(const std::vector<ConfigSection>&)>;
  void AddSections(std::string kind, CheckSections check);

  // The environment variables whose values are secrets.
  std::vector<std::string> Secrets() const;

  // A check over several options, run when each of them is right: returns error lines. Not for commands:
  // beside them the daemon runs, and holds what a check would look for.
  void AddCheck(std::function<std::vector<std::string>()> check);

  OptionsOutcome Read(int argc, const char* const* argv, const Environment& environment);
  // The same once more while the daemon runs, without the checks.
  OptionsOutcome ReadAgain(int argc, const char* const* argv, const Environment& environment);

 private:
  using Store = std::function<Status(std::string_view)>;
  struct Option {
    OptionSpec spec;
    Store store;
  };

  struct Command {
    std::string name;
    std::string help;
    std::vector<std::string> uses;
  };

  void AddErased(OptionSpec spec, Store store);
  OptionsOutcome Read(int argc, const char* const* argv, const Environment& environment, bool with_checks);
  std::string Help() const;

  std::string daemon_;
  std::string summary_;
  std::vector<Command> commands_;
  std::vector<Option> options_;
  std::vector<std::function<std::vector<std::string>()>> checks_;
  std::string section_kind_;  // empty: there are no sections
  CheckSections check_sections_;
};

std::string FlagOf(std::string_view env);     // "ZK_HOSTS" -> "--zk-hosts"
std::string FileKeyOf(std::string_view env);  // "ZK_HOSTS" -> "zk_hosts"

}  // namespace redis_zk
