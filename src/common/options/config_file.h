// The config file of a daemon: TOML, read into texts that the options parse like those of the environment.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace redis_zk {

// A section `[kind.NAME]` of the config file, its keys in the order in which they stand there.
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

struct ConfigFile {
  struct Value {
    std::size_t line = 0;
    // Nothing: it is no string, whole number or boolean; then `found` names what it is.
    std::optional<std::string> text;
    std::string found;
  };

  std::map<std::string, Value> values;  // by key; that of a table stands before it: "table.key"
  std::vector<ConfigSection> sections;  // in the order of the file
  std::vector<std::string> errors;      // a line each; a line of the file that is wrong is left out above
};

// Sections of `section_kind` are taken apart; an empty one means that there are none. `path` is named in
// errors.
ConfigFile ParseConfigFile(std::string_view path, std::string text, std::string_view section_kind);

}  // namespace redis_zk
