#include "options/options.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <sstream>
#include <utility>

#include "base/file.h"
#include "base/printable.h"

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
                                                  : "a word that is no flag";
  return fmt::format("found {} on the command line, expected the options of --help", what);
}

ConfigFile ReadConfigFile(const std::string& path, bool must_exist, const std::string& section_kind) {
  auto text = ReadTextFile(path);
  if (text) return ParseConfigFile(path, std::move(*text), section_kind);
  ConfigFile file;
  // The default one is nobody's wish: Debian's /etc/redis is closed to ordinary users.
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

void Options::AddSecret(const std::string& env, const std::string& help, std::string* target) {
  Add<std::string>({.env = env + "_FILE",
                    .help = help + ", read from the first line of this file",
                    .fallback = "",
                    .read_once = true},
                   ReadSecretFile, target);
  Add<std::string>({env, help, "", true}, ParseText, target);
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

void Options::StoreOwn(const Command& command, const std::function<std::size_t(const std::string&)>& given,
                       const std::map<std::string, std::string>& values, std::vector<std::string>* extras,
                       std::vector<std::string>* errors) {
  const auto store = [errors](const std::string& name, const Command::Store& storing,
                              const std::string& text) {
    if (const auto stored = storing(text); !stored)
      errors->push_back(
          fmt::format("{}: found \"{}\", expected {}", name, Printable(text), stored.error().message));
  };
  for (const auto& flag : command.flags_) {
    if (given(flag.name) > 0) store(flag.name, flag.store, flag.value.empty() ? "" : values.at(flag.name));
  }
  if (command.argument_.empty()) return;
  const auto word =
      std::find_if(extras->begin(), extras->end(), [](const auto& extra) { return !extra.starts_with('-'); });
  if (word != extras->end()) {
    store(command.argument_, command.store_argument_, *word);
    extras->erase(word);
  } else if (command.need_ == Command::Need::kNeeded) {
    errors->push_back(fmt::format("{}: expected {} after it", command.name_, command.argument_));
  }
}

OptionsOutcome Options::Read(int argc, const char* const* argv, const Environment& environment) {
  return Read(argc, argv, environment, /*again=*/false);
}

OptionsOutcome Options::ReadAgain(int argc, const char* const* argv, const Environment& environment) {
  return Read(argc, argv, environment, /*again=*/true);
}

OptionsOutcome Options::Read(int argc, const char* const* argv, const Environment& environment, bool again) {
  std::vector<std::string> usage_errors;
  std::vector<std::string> config_errors;

  OptionsOutcome outcome;
  const auto command = std::find_if(commands_.begin(), commands_.end(), [&](const Command& candidate) {
    return argc > 1 && candidate.name_ == argv[1];
  });
  const bool is_daemon = command == commands_.end();
  if (!is_daemon) {
    outcome.command = command->name_;
    --argc;
    ++argv;
  }
  const auto is_used = [&](const std::string& env) {
    return is_daemon || std::find(command->uses_.begin(), command->uses_.end(), env) != command->uses_.end();
  };
  CLI::App app(summary_, daemon_);
  app.set_help_flag();
  app.allow_extras();
  bool help = false;
  bool version = false;
  std::map<std::string, std::vector<std::string>> flags;  // what stood behind each, as often as it was given
  app.add_flag("-h,--help", help);
  app.add_flag("--version", version);
  const auto add_flag = [&](std::string_view env) {
    app.add_option(FlagOf(env), flags[std::string(env)])->allow_extra_args(false);
  };
  add_flag(kConfigFile);
  for (const auto& option : options_) {
    if (!option.spec.secret) add_flag(option.spec.env);
  }
  std::map<std::string, std::string> own;  // of the command: what stood behind its flags
  if (!is_daemon) {
    for (const auto& flag : command->flags_) {
      if (flag.value.empty()) {
        app.add_flag(flag.name);
      } else {
        app.add_option(flag.name, own[flag.name]);
      }
    }
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    usage_errors.push_back(Printable(error.what()));
  }
  if (help) return {kExitStopped, is_daemon ? Help() : Help(*command)};
  if (version) return {kExitStopped, fmt::format("{} {}\n", daemon_, REDIS_ZK_VERSION)};
  // Not by what CLI11 counts: where the command line is wrong, it has counted flags whose values it lacks.
  const auto flag_given = [&flags](std::string_view env) {
    const auto given = flags.find(std::string(env));
    return given != flags.end() && !given->second.empty();
  };
  const auto in_environment = [&](std::string_view env) -> std::optional<std::string> {
    const char* value = environment(std::string(env).c_str());
    if (value == nullptr || *value == '\0') return std::nullopt;
    return value;
  };

  for (const auto& [env, values] : flags) {
    if (values.size() > 1)
      usage_errors.push_back(fmt::format("{}: found {} times, expected once", FlagOf(env), values.size()));
  }

  const bool path_flag = flag_given(kConfigFile);
  const auto path_env = in_environment(kConfigFile);
  const std::string path = path_flag ? flags[std::string(kConfigFile)].front()
                                     : path_env.value_or(fmt::format("/etc/redis/{}.toml", daemon_));
  ConfigFile file = ReadConfigFile(path, path_flag || path_env.has_value(), section_kind_);
  if (is_daemon) config_errors = std::move(file.errors);

  for (const auto& [spec, store] : options_) {
    std::optional<std::string> found;
    std::string source;
    std::string place;  // the source, with its line in a file
    bool usage = false;
    const auto from_file = file.values.extract(FileKeyOf(spec.env));
    if (flag_given(spec.env)) {
      found = flags[spec.env].front();
      source = kFromFlag;
      usage = true;
    } else if (const auto value = in_environment(spec.env)) {
      found = value;
      source = kFromEnvironment;
    } else if (!from_file.empty()) {
      source = path;
      place = fmt::format("{}:{}", path, from_file.mapped().line);
      found = from_file.mapped().text;
      if (!found && is_used(spec.env))
        config_errors.push_back(fmt::format("{} ({}): found {}, expected a text, a whole number or a boolean",
                                            spec.env, place, from_file.mapped().found));
    } else if (!spec.fallback.empty()) {
      found = spec.fallback;
      source = kFromDefault;
    }
    if (!found) continue;
    outcome.sources[spec.env] = source;
    if (again && spec.read_once) continue;
    if (!usage && !is_used(spec.env)) continue;
    const auto stored = store(*found);
    if (stored) continue;
    const std::string shown = spec.secret ? "a value that is not shown" : '"' + Printable(*found) + '"';
    (usage ? usage_errors : config_errors)
        .push_back(fmt::format("{} ({}): found {}, expected {}", spec.env, place.empty() ? source : place,
                               shown, stored.error().message));
  }
  // After the options: a flag of the command's own outranks the environment.
  std::vector<std::string> extras = app.remaining();
  if (!is_daemon) {
    const auto given = [&app](const std::string& flag) { return app.count(flag); };
    StoreOwn(*command, given, own, &extras, &usage_errors);
  }
  for (const std::string& extra : extras) usage_errors.push_back(DescribeExtra(extra));
  for (const auto& [key, value] : file.values) {
    if (is_daemon)
      config_errors.push_back(fmt::format("{}:{}: found the key \"{}\", expected the options of --help", path,
                                          value.line, Printable(key)));
  }
  if (is_daemon && check_sections_) {
    for (const auto& line : check_sections_(file.sections))
      config_errors.push_back(fmt::format("{}: {}", path, line));
  }
  outcome.sections = std::move(file.sections);
  bool passing = false;
  if (!again && usage_errors.empty() && config_errors.empty() && is_daemon) {
    passing = true;
    for (const auto& [check, exit_code] : checks_) {
      for (auto& line : check()) {
        config_errors.push_back(std::move(line));
        passing = passing && exit_code == kExitTryAgain;
      }
    }
  }
  if (usage_errors.empty() && config_errors.empty()) return outcome;

  outcome.exit_code = passing ? kExitTryAgain : usage_errors.empty() ? kExitConfig : kExitUsage;
  for (const auto* errors : {&usage_errors, &config_errors}) {
    for (const auto& line : *errors) {
      outcome.text += fmt::format("{}: {}\n", daemon_, line);
      outcome.errors.push_back(line);
    }
  }
  return outcome;
}

}  // namespace redis_zk
