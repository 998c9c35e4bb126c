#include "options/options.h"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>
#include <sstream>
#include <utility>

#include "base/file.h"
#include "base/printable.h"
#include "options/command_line.h"

namespace redis_zk {

namespace {

constexpr std::string_view kConfigFile = "CONFIG_FILE";
constexpr std::size_t kHelpWidth = 100;

std::string Mapped(std::string_view text, char underscore) {
  std::string mapped(text);
  for (char& c : mapped) {
    c = c == '_' ? underscore : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return mapped;
}

std::string Wrapped(const std::string& text, std::size_t indent) {
  std::istringstream words(text);
  std::string lines;
  std::string line(indent, ' ');
  for (std::string word; words >> word;) {
    if (line.size() + word.size() + 1 > kHelpWidth) {
      lines += line + '\n';
      line = std::string(indent, ' ');
    }
    line += line.size() > indent ? ' ' + word : word;
  }
  return lines + line + '\n';
}

// What follows the name of an unknown flag may be a password: it is not repeated.
std::string DescribeExtra(const std::string& extra) {
  const std::string what = extra.starts_with('-') ? '"' + Printable(extra.substr(0, extra.find('='))) + '"'
                                                  : "a word that is no flag and no command";
  return fmt::format("found {} on the command line, expected the options and commands of --help", what);
}

ConfigFile ReadConfigFile(const std::string& path, bool must_exist, const std::string& section_kind) {
  auto text = ReadTextFile(path);
  if (text) return ParseConfigFile(path, std::move(*text), section_kind);
  ConfigFile file;
  // The default one was not asked for: Debian's /etc/redis is closed to ordinary users.
  const bool may_lack = text.error().kind == ErrorKind::kNotFound || text.error().kind == ErrorKind::kRefused;
  if (must_exist || !may_lack)
    file.errors.push_back(fmt::format("{}: found \"{}\", expected a readable file ({})", kConfigFile,
                                      Printable(path), text.error().message));
  return file;
}

}  // namespace

Result<std::string> ReadSecretFile(std::string_view path) {
  auto secret = ReadFirstLine(std::string(path));
  if (!secret) return secret;
  while (!secret->empty() && std::isspace(static_cast<unsigned char>(secret->back())) != 0)
    secret->pop_back();
  if (secret->empty()) return Fail(ErrorKind::kInvalid, "a file whose first line is the password");
  return secret;
}

std::string FlagOf(std::string_view env) { return "--" + Mapped(env, '-'); }
std::string FileKeyOf(std::string_view env) { return Mapped(env, '_'); }

Options::Options(std::string daemon, std::string summary)
    : daemon_(std::move(daemon)), summary_(std::move(summary)) {}

void Options::AddErased(OptionSpec spec, Store store) {
  options_.push_back({std::move(spec), std::move(store)});
}

void Options::AddSecret(const std::string& env, const std::string& help, std::string* target,
                        std::string* target_of_file) {
  Add<std::string>({.env = env + "_FILE",
                    .help = help + ", read from the first line of this file",
                    .fallback = "",
                    .read_once = true,
                    .holds_secret = true},
                   ReadSecretFile, target_of_file);
  Add<std::string>({env, help, "", true}, ParseText, target);
}

void Options::AddPassword(const std::string& env, const std::string& help, PasswordOption* target) {
  Add<PasswordFile>({.env = env + "_FILE",
                     .help = help + ", read from the first line of this file; a second line is the old " +
                             "password, accepted while it stands there; read again when the file changes",
                     .fallback = "",
                     .read_once = true,
                     .holds_secret = true},
                    ReadPasswordFile, &target->file);
  Add<std::string>({env, help, "", true}, ParseText, &target->text);
}

Command& Options::AddCommand(std::string name, std::string help, std::vector<std::string> uses) {
  auto& command = commands_.emplace_back();
  command.name_ = std::move(name);
  command.help_ = std::move(help);
  command.uses_ = std::move(uses);
  return command;
}

Command& Command::Switch(std::string flag, std::string help, bool* target) {
  flags_.push_back({std::move(flag), "", std::move(help), [target](std::string_view) -> Status {
                      *target = true;
                      return {};
                    }});
  return *this;
}

Command& Command::Example(std::string line) {
  example_ = std::move(line);
  return *this;
}

void Options::AddCheck(Check check, int exit_code) { checks_.push_back({std::move(check), exit_code}); }

void Options::AddSecretFilesCheck(CheckSecretFiles check) { check_secret_files_ = std::move(check); }

void Options::AddSections(std::string kind, CheckSections check) {
  section_kind_ = std::move(kind);
  check_sections_ = std::move(check);
}

std::vector<std::string> Options::Secrets() const {
  std::vector<std::string> secrets;
  for (const auto& option : options_) {
    if (option.spec.secret) secrets.push_back(option.spec.env);
  }
  return secrets;
}

std::string Options::Help() const {
  std::string text = fmt::format("{} {}\n\n", daemon_, REDIS_ZK_VERSION) + Wrapped(summary_, 0) + '\n';
  text += fmt::format("Usage: {} [command] [--option value]...\n\n", daemon_);
  text += "Without a command it is the daemon.\n\n";
  for (const auto& command : commands_) {
    text +=
        fmt::format("  {}{}{}\n", command.name_, command.argument_.empty() ? "" : " ", command.argument_) +
        Wrapped(command.help_, 6);
  }
  text +=
      "\nEvery option is a flag, an environment variable and a key of the config file; where several are "
      "set,\n"
      "flag > environment > file > default. Durations: 30s, 500ms, 2m, 1h; a bare number is seconds.\n\n";
  text += fmt::format("  {}   {}\n", FlagOf(kConfigFile), kConfigFile);
  text += Wrapped("TOML file with options", 6);
  text += Wrapped(fmt::format("default: /etc/redis/{}.toml, where there is one", daemon_), 6);
  for (const auto& [spec, store] : options_) {
    const std::string flag = spec.secret ? "(no flag: command lines are public)" : FlagOf(spec.env);
    text += fmt::format("  {}   {}   {}\n", flag, spec.env, FileKeyOf(spec.env));
    text += Wrapped(spec.help, 6);
    text += Wrapped("default: " + (spec.fallback.empty() ? "none" : spec.fallback), 6);
  }
  return text + "  --help\n  --version\n";
}

std::string Options::Help(const Command& command) const {
  std::string text = fmt::format("Usage: {} {}", daemon_, command.name_);
  if (!command.argument_.empty()) text += ' ' + command.argument_;
  text += " [--option value]...\n\n" + Wrapped(command.help_, 0) + '\n';
  for (const auto& [name, value, help, store] : command.flags_)
    text += fmt::format("  {}{}{}\n", name, value.empty() ? "" : " ", value) + Wrapped(help, 6);
  for (const auto& [spec, store] : options_) {
    if (std::find(command.uses_.begin(), command.uses_.end(), spec.env) == command.uses_.end()) continue;
    text += spec.secret ? fmt::format("  {}\n", spec.env)
                        : fmt::format("  {}   {}   {}\n", FlagOf(spec.env), spec.env, FileKeyOf(spec.env));
    text += Wrapped(spec.help, 6);
  }
  if (!command.example_.empty()) text += "\nExample: " + command.example_ + '\n';
  return text;
}

// What one Read has found so far.
struct Options::Reading {
  const Command* command = nullptr;  // null: the daemon
  const Environment& environment;
  bool again = false;
  CommandLine line{};
  std::string path{};  // of the config file
  ConfigFile file{};
  std::vector<std::string> usage_errors{};
  std::vector<std::string> config_errors{};
  std::vector<SecretFile> secret_files{};
  OptionsOutcome outcome{};

  bool is_daemon() const { return command == nullptr; }
  bool Uses(const std::string& env) const {
    return is_daemon() ||
           std::find(command->uses_.begin(), command->uses_.end(), env) != command->uses_.end();
  }
  std::optional<std::string> FromFlag(std::string_view env) const {
    const auto given = line.repeated.find(FlagOf(env));
    if (given == line.repeated.end() || given->second.empty()) return std::nullopt;
    return given->second.front();
  }
  std::optional<std::string> FromEnvironment(std::string_view env) const {
    const char* value = environment(std::string(env).c_str());
    if (value == nullptr || *value == '\0') return std::nullopt;
    return value;
  }
};

OptionsOutcome Options::Read(int argc, const char* const* argv, const Environment& environment) {
  return Read(argc, argv, environment, /*again=*/false);
}

OptionsOutcome Options::ReadAgain(int argc, const char* const* argv, const Environment& environment) {
  return Read(argc, argv, environment, /*again=*/true);
}

OptionsOutcome Options::Read(int argc, const char* const* argv, const Environment& environment, bool again) {
  Reading reading{.environment = environment, .again = again};
  reading.command = FindCommand(argc, argv);
  const int words = reading.is_daemon() ? 0 : 1;
  reading.line = ParseCommandLine(argc - words, argv + words, NamesOfFlags(reading.command));
  if (reading.line.help) return {kExitStopped, reading.is_daemon() ? Help() : Help(*reading.command)};
  if (reading.line.version) return {kExitStopped, fmt::format("{} {}\n", daemon_, REDIS_ZK_VERSION)};
  CheckCommandLine(&reading);
  ReadFile(&reading);
  for (const auto& option : options_) StoreOption(option, &reading);
  // After the options: a flag of the command's own outranks the environment.
  StoreOwn(&reading);
  CheckLeftovers(&reading);
  return Finish(&reading);
}

const Command* Options::FindCommand(int argc, const char* const* argv) const {
  const auto found = std::find_if(commands_.begin(), commands_.end(), [&](const Command& candidate) {
    return argc > 1 && candidate.name_ == argv[1];
  });
  return found == commands_.end() ? nullptr : &*found;
}

FlagNames Options::NamesOfFlags(const Command* command) const {
  FlagNames names;
  names.repeatable.push_back(FlagOf(kConfigFile));
  for (const auto& option : options_) {
    if (!option.spec.secret) names.repeatable.push_back(FlagOf(option.spec.env));
  }
  if (command == nullptr) return names;
  for (const auto& flag : command->flags_)
    (flag.value.empty() ? names.switches : names.single).push_back(flag.name);
  return names;
}

void Options::CheckCommandLine(Reading* reading) {
  const CommandLine& line = reading->line;
  if (line.error) reading->usage_errors.push_back(Printable(*line.error));
  for (const auto& [flag, values] : line.repeated) {
    if (values.size() > 1)
      reading->usage_errors.push_back(fmt::format("{}: found {} times, expected once", flag, values.size()));
  }
}

void Options::ReadFile(Reading* reading) const {
  auto named = reading->FromFlag(kConfigFile);
  if (!named) named = reading->FromEnvironment(kConfigFile);
  reading->path = named.value_or(fmt::format("/etc/redis/{}.toml", daemon_));
  reading->file = ReadConfigFile(reading->path, named.has_value(), section_kind_);
  if (reading->is_daemon()) reading->config_errors = std::move(reading->file.errors);
}

Options::Found Options::Find(const OptionSpec& spec, Reading* reading) {
  // Taken out in any case: what stays there is unknown.
  const auto from_file = reading->file.values.extract(FileKeyOf(spec.env));
  if (auto flag = reading->FromFlag(spec.env))
    return {.text = std::move(flag), .source = std::string(kFromFlag), .place = std::string(kFromFlag)};
  if (auto value = reading->FromEnvironment(spec.env)) {
    return {.text = std::move(value),
            .source = std::string(kFromEnvironment),
            .place = std::string(kFromEnvironment)};
  }
  if (!from_file.empty()) {
    const ConfigFile::Value& value = from_file.mapped();
    const std::string place = fmt::format("{}:{}", reading->path, value.line);
    if (!value.text && reading->Uses(spec.env))
      reading->config_errors.push_back(fmt::format(
          "{} ({}): found {}, expected a text, a whole number or a boolean", spec.env, place, value.found));
    return {.text = value.text, .source = reading->path, .place = place};
  }
  if (spec.fallback.empty()) return {};
  return {.text = spec.fallback, .source = std::string(kFromDefault), .place = std::string(kFromDefault)};
}

void Options::StoreOption(const Option& option, Reading* reading) {
  const auto& [spec, store] = option;
  const Found found = Find(spec, reading);
  if (!found.text) return;
  reading->outcome.sources[spec.env] = found.source;
  if (reading->again && spec.read_once) return;
  const bool is_flag = found.source == kFromFlag;
  if (!is_flag && !reading->Uses(spec.env)) return;
  const auto stored = store(*found.text);
  if (stored && spec.holds_secret) reading->secret_files.push_back({spec.env, found.place, *found.text});
  const bool in_config_file = found.source == reading->path;
  if (stored && spec.secret && in_config_file)
    reading->secret_files.push_back({spec.env, found.place, reading->path});
  if (stored) return;
  const std::string shown = spec.secret ? "a value that is not shown" : '"' + Printable(*found.text) + '"';
  (is_flag ? reading->usage_errors : reading->config_errors)
      .push_back(fmt::format("{} ({}): found {}, expected {}", spec.env, found.place, shown,
                             stored.error().message));
}

// Also takes the command's argument out of what else stands on the command line.
void Options::StoreOwn(Reading* reading) {
  if (reading->is_daemon()) return;
  const Command& command = *reading->command;
  CommandLine& line = reading->line;
  const auto store = [reading](const std::string& name, const Store& storing, const std::string& text) {
    if (const auto stored = storing(text); !stored)
      reading->usage_errors.push_back(
          fmt::format("{}: found \"{}\", expected {}", name, Printable(text), stored.error().message));
  };
  for (const auto& flag : command.flags_) {
    if (line.given.contains(flag.name))
      store(flag.name, flag.store, flag.value.empty() ? "" : line.single.at(flag.name));
  }
  if (command.argument_.empty()) return;
  const auto word = std::find_if(line.extras.begin(), line.extras.end(),
                                 [](const auto& extra) { return !extra.starts_with('-'); });
  if (word != line.extras.end()) {
    store(command.argument_, command.store_argument_, *word);
    line.extras.erase(word);
  } else if (command.need_ == Command::Need::kNeeded) {
    reading->usage_errors.push_back(
        fmt::format("{}: expected {} after it", command.name_, command.argument_));
  }
}

void Options::CheckLeftovers(Reading* reading) const {
  for (const std::string& extra : reading->line.extras) reading->usage_errors.push_back(DescribeExtra(extra));
  if (!reading->is_daemon()) return;
  for (const auto& [key, value] : reading->file.values) {
    reading->config_errors.push_back(
        fmt::format("{}:{}: found the key \"{}\", expected the options of --help", reading->path, value.line,
                    Printable(key)));
  }
  if (!check_sections_) return;
  for (const auto& line : check_sections_(reading->file.sections))
    reading->config_errors.push_back(fmt::format("{}: {}", reading->path, line));
}

OptionsOutcome Options::Finish(Reading* reading) const {
  OptionsOutcome outcome = std::move(reading->outcome);
  outcome.sections = std::move(reading->file.sections);
  if (!reading->is_daemon()) outcome.command = reading->command->name_;
  bool right = reading->usage_errors.empty() && reading->config_errors.empty();
  bool passing = right;
  if (right && reading->is_daemon() && !reading->again) {
    if (check_secret_files_) reading->config_errors = check_secret_files_(reading->secret_files);
    passing = reading->config_errors.empty();
    for (const auto& [check, exit_code] : checks_) {
      for (auto& line : check()) {
        reading->config_errors.push_back(std::move(line));
        passing = passing && exit_code == kExitTryAgain;
      }
    }
    right = reading->config_errors.empty();
  }
  if (right) return outcome;

  outcome.exit_code = passing ? kExitTryAgain : reading->usage_errors.empty() ? kExitConfig : kExitUsage;
  for (const auto* errors : {&reading->usage_errors, &reading->config_errors}) {
    for (const auto& line : *errors) {
      outcome.text += fmt::format("{}: {}\n", daemon_, line);
      outcome.errors.push_back(line);
    }
  }
  return outcome;
}

}  // namespace redis_zk
