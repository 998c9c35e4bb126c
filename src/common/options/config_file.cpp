#include "options/config_file.h"

#include <fmt/core.h>

#include <algorithm>
#include <tl/expected.hpp>
#include <utility>

#include "base/printable.h"

// The library is compiled into this file, without what it needs to write TOML. Its assertions do not hold for
// a '[' at the end of a line, which it refuses properly after them; with NDEBUG, clang would be told that
// they do.
#undef NDEBUG
#define TOML_ASSERT(condition) static_assert(true)
#define TOML_HEADER_ONLY 1
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

namespace redis_zk {

namespace {

constexpr std::size_t kMostSyntaxErrors = 20;
// Tables in tables beyond this depth are not told apart: no option stands in one.
constexpr std::size_t kDeepestTable = 4;
// The library follows nested keys by recursion, and Debian 12's has no limit for "a.a.a.a...".
constexpr std::size_t kMostDotsInLine = 1000;

constexpr std::string_view kExpectedSyntax = "key = \"value\" as TOML has it, with text in quotes";

std::string_view NameOf(toml::node_type type) {
  switch (type) {
    case toml::node_type::none:
      return "nothing";
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return "a list";
    case toml::node_type::string:
      return "a text";
    case toml::node_type::integer:
      return "a whole number";
    case toml::node_type::floating_point:
      return "a number with a fraction";
    case toml::node_type::boolean:
      return "a boolean";
    case toml::node_type::date:
      return "a date";
    case toml::node_type::time:
      return "a time of day";
    case toml::node_type::date_time:
      return "a date and time";
  }
  return "an unknown type";
}

std::optional<std::string> TextOf(const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return fmt::format("{}", number->get());
  if (const auto* boolean = node.as_boolean()) return boolean->get() ? "true" : "false";
  return std::nullopt;
}

struct Item {
  std::string key;
  const toml::node* node;
  toml::source_position at;
};

// In the order of the file; the library keeps them in the order of the alphabet.
std::vector<Item> ItemsOf(const toml::table& table) {
  std::vector<Item> items;
  for (auto&& [key, node] : table) items.push_back({std::string(key.str()), &node, key.source().begin});
  std::sort(items.begin(), items.end(), [](const Item& a, const Item& b) { return a.at < b.at; });
  return items;
}

class Reader {
 public:
  Reader(std::string_view path, std::string_view section_kind, ConfigFile* file)
      : path_(path), section_kind_(section_kind), file_(file) {}

  void Read(const toml::table& table) {
    for (const auto& item : ItemsOf(table)) {
      const auto* sections = item.node->as_table();
      if (section_kind_.empty() || item.key != section_kind_ || sections == nullptr) {
        AddValue(item.key, item, 1);
        continue;
      }
      for (const auto& section : ItemsOf(*sections)) AddSection(section);
    }
  }

 private:
  void AddValue(std::string key, const Item& item, std::size_t depth) {
    const auto* table = item.node->as_table();
    if (table != nullptr && !table->empty() && depth < kDeepestTable) {
      for (const auto& child : ItemsOf(*table))
        AddValue(fmt::format("{}.{}", key, child.key), child, depth + 1);
      return;
    }
    file_->values.insert_or_assign(std::move(key), ConfigFile::Value{item.at.line, TextOf(*item.node),
                                                                     std::string(NameOf(item.node->type()))});
  }

  void AddSection(const Item& item) {
    const std::string full_name = fmt::format("{}.{}", section_kind_, item.key);
    const auto* table = item.node->as_table();
    if (table == nullptr) return AddValue(full_name, item, 2);
    ConfigSection section{item.key, {}};
    for (const auto& entry : ItemsOf(*table)) {
      const std::string full_key = fmt::format("{}.{}", full_name, entry.key);
      if (entry.node->is_table()) {
        AddValue(full_key, entry, 3);
      } else if (auto values = ValuesOf(*entry.node)) {
        section.entries.push_back({entry.key, std::move(*values)});
      } else {
        file_->errors.push_back(fmt::format(
            "{}:{}: {}: found {}, expected texts, whole numbers or booleans, one or a list of them", path_,
            entry.at.line, Printable(full_key), values.error()));
      }
    }
    file_->sections.push_back(std::move(section));
  }

  // Of a value, or of a list of values; or the name of what is neither.
  static tl::expected<std::vector<std::string>, std::string_view> ValuesOf(const toml::node& node) {
    std::vector<std::string> values;
    const auto add = [&values](const toml::node& value) {
      auto text = TextOf(value);
      if (text) values.push_back(std::move(*text));
      return text.has_value();
    };
    if (const auto* list = node.as_array()) {
      for (const auto& element : *list) {
        if (!add(element)) return tl::unexpected(NameOf(element.type()));
      }
    } else if (!add(node)) {
      return tl::unexpected(NameOf(node.type()));
    }
    return values;
  }

  std::string_view path_;
  std::string_view section_kind_;
  ConfigFile* file_;
};

// The line with that number, counted from 1, without its end.
std::pair<std::size_t, std::size_t> LineIn(std::string_view text, std::size_t number) {
  std::size_t begin = 0;
  for (; number > 1; --number) {
    const auto end = text.find('\n', begin);
    if (end == std::string_view::npos) return {text.size(), 0};
    begin = end + 1;
  }
  return {begin, std::min(text.find('\n', begin), text.size()) - begin};
}

// What the library says may repeat a part of the line, which may hold a secret; a key that is there already
// is none.
std::string DescribeError(std::string_view path, const toml::parse_error& error, std::string_view line) {
  const auto& at = error.source().begin;
  if (error.description().find("cannot redefine") != std::string_view::npos) {
    const auto key = line.substr(0, line.find('='));
    return fmt::format("{}:{}: found {}, which is set already, expected each key once", path, at.line,
                       Printable(std::string(key.substr(0, key.find_last_not_of(" \t\r") + 1))));
  }
  return fmt::format("{}:{}: found what is no TOML, from column {} on, expected {}", path, at.line, at.column,
                     kExpectedSyntax);
}

// The number of the first line with more dots than the library can bear; 0: there is none.
std::size_t LineWithTooManyDots(std::string_view text) {
  std::size_t line = 1;
  std::size_t dots = 0;
  for (const char c : text) {
    if (c == '.' && ++dots > kMostDotsInLine) return line;
    if (c != '\n') continue;
    ++line;
    dots = 0;
  }
  return 0;
}

}  // namespace

ConfigFile ParseConfigFile(std::string_view path, std::string text, std::string_view section_kind) {
  ConfigFile file;
  if (const auto line = LineWithTooManyDots(text); line > 0) {
    file.errors.push_back(
        fmt::format("{}:{}: found more than {} dots in a line, expected fewer", path, line, kMostDotsInLine));
    return file;
  }
  std::size_t last = 0;
  while (true) {
    try {
      Reader(path, section_kind, &file).Read(toml::parse(std::string_view(text)));
      return file;
    } catch (const toml::parse_error& error) {
      const std::size_t number = error.source().begin.line;
      if (number <= last) return file;
      const auto [begin, length] = LineIn(text, number);
      const auto line = std::string_view(text).substr(begin, length);
      file.errors.push_back(DescribeError(path, error, line));
      // Once more without that line, for what else is wrong. Not without the head of a table, since what
      // stands below it would be taken for another's.
      if (line.starts_with('[') || file.errors.size() == kMostSyntaxErrors) return file;
      last = number;
      std::fill_n(text.begin() + static_cast<std::ptrdiff_t>(begin), length, ' ');
    }
  }
}

}  // namespace redis_zk
