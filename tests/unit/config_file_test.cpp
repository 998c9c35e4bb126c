#include "options/config_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <initializer_list>
#include <map>
#include <string>
#include <vector>

namespace redis_zk::testing::config_file_test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

using Texts = std::map<std::string, std::string>;

// The values of a file by key; what is no text stands in brackets.
Texts TextsOf(const ConfigFile& file) {
  Texts texts;
  for (const auto& [key, value] : file.values) texts[key] = value.text.value_or("<" + value.found + ">");
  return texts;
}

ConfigFile Parse(std::string text) { return ParseConfigFile("f", std::move(text), "behavior"); }

TEST(ConfigFileTest, TakesWhatTomlHas) {
  struct Row {
    const char* name;
    std::string text;
    Texts values;
  };
  for (const auto& [name, text, values] : std::initializer_list<Row>{
           {"nothing", "", {}},
           {"a hash in quotes", "a = \"x#y\" # z\nb = '#'\n", {{"a", "x#y"}, {"b", "#"}}},
           {"escapes", "a = \"\\\"\\\\\\u00e4\"\nb = 'c:\\d'\n", {{"a", "\"\\\xc3\xa4"}, {"b", "c:\\d"}}},
           {"a text of several lines",
            "a = \"\"\"\nx # y\nz\"\"\"\nb = 1\n",
            {{"a", "x # y\nz"}, {"b", "1"}}},
           {"the same without escapes", "a = '''\n\\x\n'''\n", {{"a", "\\x\n"}}},
           {"a line that goes on", "a = \"\"\"x \\\n   y\"\"\"\n", {{"a", "x y"}}},
           {"whole numbers", "a = -5\nb = 1_000\nc = 0x1f\n", {{"a", "-5"}, {"b", "1000"}, {"c", "31"}}},
           {"booleans", "a = true\nb = false\n", {{"a", "true"}, {"b", "false"}}},
           {"numbers with fractions",
            "a = 1.5\nb = nan\n",
            {{"a", "<a number with a fraction>"}, {"b", "<a number with a fraction>"}}},
           {"dates",
            "a = 2026-01-02\nb = 03:04:05\nc = 2026-01-02T03:04:05Z\n",
            {{"a", "<a date>"}, {"b", "<a time of day>"}, {"c", "<a date and time>"}}},
           {"lists", "a = []\nb = [1,\n2]\n", {{"a", "<a list>"}, {"b", "<a list>"}}},
           {"a table", "[a]\nb = 1\n[a.c]\nd = 2\n", {{"a.b", "1"}, {"a.c.d", "2"}}},
           {"a table in a line", "a = {b = 1}\n", {{"a.b", "1"}}},
           {"a table without anything", "[a]\n", {{"a", "<a table>"}}},
           {"tables too deep", "a.b.c.d.e.f = 1\n", {{"a.b.c.d", "<a table>"}}},
           {"a list of tables", "[[a]]\nb = 1\n", {{"a", "<a list>"}}},
           {"quoted keys", "\"a b\" = 1\n\"c.d\" = 2\n", {{"a b", "1"}, {"c.d", "2"}}},
           {"a byte order mark",
            "\xef\xbb\xbf"
            "a = 1\n",
            {{"a", "1"}}},
           {"carriage returns", "a = 1\r\nb = \"c\"\r\n", {{"a", "1"}, {"b", "c"}}},
           {"UTF-8", "a = \"\xc3\xa4\"\n", {{"a", "\xc3\xa4"}}}}) {
    const auto file = Parse(text);
    EXPECT_THAT(file.errors, IsEmpty()) << name;
    EXPECT_EQ(TextsOf(file), values) << name;
    EXPECT_THAT(file.sections, IsEmpty()) << name;
  }
}

TEST(ConfigFileTest, NamesThePlaceOfWhatIsWrongAndGoesOn) {
  struct Row {
    const char* name;
    std::string text;
    std::vector<std::string> errors;
    Texts values;
  };
  const std::string no_toml = "found what is no TOML, from column ";
  for (const auto& [name, text, errors, values] : std::initializer_list<Row>{
           {"no value", "a =\nb = 1\n", {"f:1: " + no_toml + "4 on"}, {{"b", "1"}}},
           {"no key", "a = 1\n= 2\n", {"f:2: " + no_toml + "1 on"}, {{"a", "1"}}},
           {"no quotes", "a = x\nb = 1\nc = y\n", {"f:1: " + no_toml, "f:3: " + no_toml}, {{"b", "1"}}},
           {"letters beyond ASCII without quotes",
            "a = ä\nb = 1\nü = 2\nc ˚ = ⺟\n",
            {"f:1: " + no_toml, "f:3: " + no_toml, "f:4: " + no_toml},
            {{"b", "1"}}},
           {"an open quote", "a = \"x\nb = 1\n", {"f:1: " + no_toml}, {{"b", "1"}}},
           {"open quotes of several lines", "a = \"\"\"x\ny\n", {"f:2: " + no_toml}, {}},
           {"an open list", "a = [1,\n2\nb = 3\n", {"f:3: " + no_toml}, {}},
           {"an open head", "a = 1\n[\nb = 2\n", {"f:2: " + no_toml}, {}},
           {"a key twice",
            "a = 1\nb = 2\na = 3\n",
            {"f:3: found a, which is set already"},
            {{"a", "1"}, {"b", "2"}}},
           {"a key twice, three times",
            "a = 1\na=2\na = 3\n",
            {"f:2: found a,", "f:3: found a,"},
            {{"a", "1"}}},
           {"a table twice", "[a]\nb = 1\n[a]\nc = 2\n", {"f:3: found [a], which is set already"}, {}},
           {"no UTF-8", "a = \"\xff\xfe\"\nb = 1\n", {"f:1: " + no_toml}, {{"b", "1"}}},
           {"no UTF-8 in a comment", "b = 1 # \xff\n", {"f:1: " + no_toml}, {}},
           {"a zero", std::string("a = 1\0\nb = 2\n", 13), {"f:1: " + no_toml}, {{"b", "2"}}},
           {"a key twice in a section",
            "[behavior.a]\nb = 1\nb = 2\n",
            {"f:3: found b, which is set already"},
            {}},
           {"a fraction in a section",
            "[behavior.a]\nb = 1.5\n",
            {"f:2: behavior.a.b: found a number with a"},
            {}},
           {"a list in a list in a section",
            "[behavior.a]\nb = [1, [2]]\n",
            {"behavior.a.b: found a list, "},
            {}},
           {"lists in lists", "a = " + std::string(100'000, '['), {"f:1: " + no_toml}, {}}}) {
    const auto file = Parse(text);
    ASSERT_THAT(file.errors, SizeIs(errors.size())) << name;
    for (std::size_t i = 0; i < errors.size(); ++i) EXPECT_THAT(file.errors[i], HasSubstr(errors[i])) << name;
    EXPECT_EQ(TextsOf(file), values) << name;
  }
}

TEST(ConfigFileTest, BearsHugeFiles) {
  std::string keys;
  std::string errors;
  for (int i = 0; i < 100'000; ++i) {
    keys += "k" + std::to_string(i) + " = 1\n";
    errors += "no toml\n";
  }
  EXPECT_THAT(Parse(keys).values, SizeIs(100'000));
  EXPECT_THAT(Parse(errors).errors, SizeIs(20)) << "nobody reads more of them";
  std::string dots;
  for (int i = 0; i < 100'000; ++i) dots += "a.";
  for (const auto& text : {dots + "a = 1\n", "\n[" + dots + "a]\n", "a = {" + dots + "a = 1}\n"})
    EXPECT_THAT(Parse(text).errors,
                ElementsAre(HasSubstr("found more than 1000 dots in a line, expected fewer")));
}

TEST(ConfigFileTest, KeepsTheOrderOfSectionsAndOfTheirKeys) {
  const auto file = Parse(
      "b = 1\n[behavior.z]\ny = [\n  \"p#q\", # and\n  \"r\",\n]\nx = 2\n[behavior.a]\n"
      "[behavior]\nm.n = true\n");
  EXPECT_THAT(file.errors, IsEmpty());
  EXPECT_EQ(TextsOf(file), (Texts{{"b", "1"}}));
  EXPECT_THAT(file.sections, ElementsAre(ConfigSection{"z", {{"y", {"p#q", "r"}}, {"x", {"2"}}}},
                                         ConfigSection{"a", {}}, ConfigSection{"m", {{"n", {"true"}}}}));
}

TEST(ConfigFileTest, TakesWhatIsNoSectionForAValue) {
  for (const auto& [text, key] : std::initializer_list<std::pair<const char*, const char*>>{
           {"behavior = 1\n", "behavior"},
           {"[behavior]\na = 1\n", "behavior.a"},
           {"[[behavior.a]]\nb = 1\n", "behavior.a"},
           {"[behavior.a.b]\nc = 1\n", "behavior.a.b.c"},
           {"[other.a]\nb = 1\n", "other.a.b"}}) {
    const auto file = Parse(text);
    ASSERT_THAT(file.values, SizeIs(1)) << text;
    EXPECT_EQ(file.values.begin()->first, key);
  }
  EXPECT_THAT(TextsOf(ParseConfigFile("f", "[behavior.a]\nb = 1\n", "")),
              ElementsAre(Texts::value_type{"behavior.a.b", "1"}));
}

}  // namespace
}  // namespace redis_zk::testing::config_file_test
