// From sections [behavior.NAME] of the config file to settings, or to all that is wrong with them.
#pragma once

#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

#include "base/printable.h"
#include "options/options.h"
#include "options/parsers.h"
#include "watcher/behaviors/behavior.h"

namespace redis_zk::watcher {

// What stands in a section, taken key by key. What is wrong is noted, and an empty value returned; a
// key that no reader takes is unknown.
class SectionReader {
 public:
  explicit SectionReader(const ConfigSection& section) : section_(section) {}

  // One value; without `fallback` the key must be there.
  template <class T, class P>
  T Take(const std::string& key, P parser, const std::optional<std::string>& fallback = std::nullopt) {
    const auto found = TakeOne(key, fallback);
    return found ? Parsed<T>(key, *found, Parser<T>(std::move(parser)), '"' + Printable(*found) + '"') : T{};
  }
  // The same of a value that may hold a secret.
  template <class T, class P>
  T TakeSecret(const std::string& key, P parser) {
    const auto found = TakeOne(key, std::nullopt);
    return found ? Parsed<T>(key, *found, Parser<T>(std::move(parser)), "a value that is not shown") : T{};
  }
  // One or more values.
  std::vector<std::string> TakeList(const std::string& key);

  void Fail(const std::string& key, const std::string& found, const std::string& expected);
  // Everything that was to be taken was: what is left is wrong.
  void RefuseTheRest();

  const std::vector<std::string>& errors() const { return errors_; }

 private:
  std::optional<ConfigSection::Entry> TakeEntry(const std::string& key);
  std::optional<std::string> TakeOne(const std::string& key, const std::optional<std::string>& fallback);

  template <class T>
  T Parsed(const std::string& key, const std::string& text, const Parser<T>& parser,
           const std::string& shown) {
    auto value = parser(text);
    if (value) return std::move(*value);
    Fail(key, shown, value.error().message);
    return T{};
  }

  ConfigSection section_;
  std::vector<std::string> errors_;
};

// In the order of the file, or a line for each error.
tl::expected<std::vector<BehaviorSettings>, std::vector<std::string>> ReadBehaviors(
    const std::vector<ConfigSection>& sections);

}  // namespace redis_zk::watcher
