#include "options/command_line.h"

#include <CLI/CLI.hpp>

namespace redis_zk {

CommandLine ParseCommandLine(int argc, const char* const* argv, const FlagNames& flags) {
  CommandLine line;
  CLI::App app;
  app.set_help_flag();
  app.allow_extras();
  app.add_flag("-h,--help", line.help);
  app.add_flag("--version", line.version);
  for (const auto& flag : flags.repeatable)
    app.add_option(flag, line.repeated[flag])->allow_extra_args(false);
  for (const auto& flag : flags.single) app.add_option(flag, line.single[flag]);
  for (const auto& flag : flags.switches) app.add_flag(flag);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    line.error = error.what();
  }
  for (const auto* names : {&flags.single, &flags.switches}) {
    for (const auto& flag : *names) {
      if (app.count(flag) > 0) line.given.insert(flag);
    }
  }
  line.extras = app.remaining();
  return line;
}

}  // namespace redis_zk
