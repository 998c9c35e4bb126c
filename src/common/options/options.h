// Options of a daemon: each is an environment variable, a long flag and a key of the config file.
//
// The environment variable names it; the rest follows: ZK_HOSTS, --zk-hosts, zk_hosts = "...".
// Order: flag > environment > file > default. An empty environment variable counts as not set, since
// schedulers and compose files pass those for what was not filled in. All errors are found in one pass, one
// line each; secrets are never shown and have no flag, for argv is public.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/exit_code.h"
#include "options/command_line.h"
#include "options/config_file.h"
#include "options/parsers.h"
#include "options/password_file.h"
#include "options/secret_files.h"

namespace redis_zk {

struct OptionSpec {
  std::string env;
  std::string help;
  std::string fallback;  // the default as text; empty = none, and the target keeps its value
  bool secret = false;
  bool read_once = false;     // not again at a SIGHUP: its file may be gone by then, or a pipe
  bool holds_secret = false;  // it names a file that holds one
};

using Environment = std::function<const char*(const char*)>;

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

// What a command takes beside the options that it shares with the daemon. Targets receive the values and must
// outlive Read.
class Command {
 public:
  enum class Need { kOptional, kNeeded };

  // The one word that follows the command's name.
  template <class T, class P>
  Command& Argument(std::string name, Need need, P parser, T* target) {
    argument_ = std::move(name);
    need_ = need;
    store_argument_ = Storing(Parser<T>(std::move(parser)), target);
    return *this;
  }
  // A flag with a value, "--to HOST:PORT".
  template <class T, class P>
  Command& Flag(std::string flag, std::string value, std::string help, P parser, T* target) {
    flags_.push_back(
        {std::move(flag), std::move(value), std::move(help), Storing(Parser<T>(std::move(parser)), target)});
    return *this;
  }
  // A flag without one.
  Command& Switch(std::string flag, std::string help, bool* target);
  // Shown by its --help.
  Command& Example(std::string line);

 private:
  friend class Options;
  using Store = std::function<Status(std::string_view)>;
  struct FlagSpec {
    std::string name;
    std::string value;  // what stands for it in --help; empty: it has none
    std::string help;
    Store store;
  };

  template <class T>
  static Store Storing(Parser<T> parser, T* target) {
    return [parser = std::move(parser), target](std::string_view text) -> Status {
      auto value = parser(text);
      if (!value) return tl::unexpected(value.error());
      *target = std::move(*value);
      return {};
    };
  }

  std::string name_;
  std::string help_;
  std::vector<std::string> uses_;
  std::string argument_;  // empty: it takes none
  Need need_ = Need::kOptional;
  Store store_argument_;
  std::vector<FlagSpec> flags_;
  std::string example_;
};

class Options {
 public:
  // `daemon` names the program in messages and the default config file, /etc/redis/<daemon>.toml.
  Options(std::string daemon, std::string summary);

  // `target` receives the value and must outlive Read.
  template <class T, class P>
  void Add(OptionSpec spec, P parser, T* target) {
    AddErased(std::move(spec), Command::Storing(Parser<T>(std::move(parser)), target));
  }

  // A secret that may also stand in a file: adds NAME (environment and config file) and NAME_FILE (a path).
  void AddSecret(const std::string& env, const std::string& help, std::string* target) {
    AddSecret(env, help, target, target);
  }
  // The same, where it matters which of both it was.
  void AddSecret(const std::string& env, const std::string& help, std::string* target,
                 std::string* target_of_file);

  // The same for one whose file may have an old password below.
  void AddPassword(const std::string& env, const std::string& help, PasswordOption* target);

  // A word that may come first on the command line and asks for something else than the daemon. It needs the
  // options `uses` alone; what is wrong with others in environment and file is none of its business. The
  // reference is good as long as the Options are.
  Command& AddCommand(std::string name, std::string help, std::vector<std::string> uses);

  // Sections `[kind.NAME]` of the config file, any number; without this they are unknown keys. `check`
  // returns what is wrong with them, a line each; as with options, a command is not hindered by that.
  using CheckSections = std::function<std::vector<std::string>(const std::vector<ConfigSection>&)>;
  void AddSections(std::string kind, CheckSections check);

  // The environment variables whose values are secrets.
  std::vector<std::string> Secrets() const;

  // A check over several options, run when each of them is right: returns error lines. Not for commands:
  // beside them the daemon runs, and holds what a check would look for. `exit_code`: how the daemon ends when
  // nothing but such checks fail; kExitTryAgain for a state that may pass by itself.
  using Check = std::function<std::vector<std::string>()>;
  void AddCheck(Check check, int exit_code = kExitConfig);

  // A check of the files that hold secrets, as one of AddCheck.
  using CheckSecretFiles = std::function<std::vector<std::string>(const std::vector<SecretFile>&)>;
  void AddSecretFilesCheck(CheckSecretFiles check);

  OptionsOutcome Read(int argc, const char* const* argv, const Environment& environment);
  // The same once more while the daemon runs, without the checks.
  OptionsOutcome ReadAgain(int argc, const char* const* argv, const Environment& environment);

 private:
  using Store = Command::Store;
  struct Option {
    OptionSpec spec;
    Store store;
  };

  void AddErased(OptionSpec spec, Store store);
  OptionsOutcome Read(int argc, const char* const* argv, const Environment& environment, bool again);

  // The steps of Read, in this order.
  struct Reading;
  const Command* FindCommand(int argc, const char* const* argv) const;  // null: the daemon
  FlagNames NamesOfFlags(const Command* command) const;
  static void CheckCommandLine(Reading* reading);
  void ReadFile(Reading* reading) const;
  static void StoreOption(const Option& option, Reading* reading);
  static void StoreOwn(Reading* reading);
  void CheckLeftovers(Reading* reading) const;
  OptionsOutcome Finish(Reading* reading) const;

  // Where an option's value comes from: its source, and for people, the source with its line in a file.
  struct Found {
    std::optional<std::string> text{};
    std::string source{};
    std::string place{};
  };
  static Found Find(const OptionSpec& spec, Reading* reading);

  std::string Help() const;
  std::string Help(const Command& command) const;

  std::string daemon_;
  std::string summary_;
  std::deque<Command> commands_;
  std::vector<Option> options_;
  struct CheckWithCode {
    Check check;
    int exit_code;
  };
  std::vector<CheckWithCode> checks_;
  std::string section_kind_;  // empty: there are no sections
  CheckSections check_sections_;
  CheckSecretFiles check_secret_files_;
};

// The first line of a file, without blanks at its end; an error says what was expected.
Result<std::string> ReadSecretFile(std::string_view path);

std::string FlagOf(std::string_view env);     // "ZK_HOSTS" -> "--zk-hosts"
std::string FileKeyOf(std::string_view env);  // "ZK_HOSTS" -> "zk_hosts"

}  // namespace redis_zk
