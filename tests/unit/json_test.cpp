#include "base/json.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <initializer_list>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace redis_zk::testing::json_test {
namespace {

constexpr auto kLeast = std::numeric_limits<std::int64_t>::min();
constexpr auto kMost = std::numeric_limits<std::uint64_t>::max();

// What stands in the text, a value alone.
Json ValueIn(const std::string& text) {
  const auto object = Json::ParseObject(R"({"v":)" + text + '}');
  return object ? object->At("v") : Json("not parsed");
}

TEST(JsonTest, IsWrittenAsItWasMade) {
  struct Row {
    const char* name;
    Json json;
    std::string text;
  };
  const std::string text = "text";
  const std::string_view view = "view";
  Json grown = Json::Object();
  grown["z"] = 1;
  grown["a"] = {{"y", Json::Array()}, {"b", nullptr}};
  grown["z"] = 2;
  Json from_null;
  from_null["a"]["b"] = true;
  Json list = Json::Array();
  list.Append(1);
  list.Append({{"b", 1}});
  list.Append(Json());
  for (const Row& row : std::initializer_list<Row>{
           {"nothing", {}, "null"},
           {"null", nullptr, "null"},
           {"true", true, "true"},
           {"false", false, "false"},
           {"number", 7, "7"},
           {"negative", -7, "-7"},
           {"short", std::int16_t{-7}, "-7"},
           {"port", std::uint16_t{65535}, "65535"},
           {"the least", kLeast, "-9223372036854775808"},
           {"the most", kMost, "18446744073709551615"},
           {"literal", "literal", R"("literal")"},
           {"text", text, R"("text")"},
           {"view", view, R"("view")"},
           {"empty text", "", R"("")"},
           {"to be escaped", "a\"b\\c\n\t/\x01\x7f", "\"a\\\"b\\\\c\\n\\t/\\u0001\x7f\""},
           {"with a NUL", std::string("a\0b", 3), R"("a\u0000b")"},
           {"UTF-8", "ä€😀", "\"ä€😀\""},
           {"no UTF-8", "a\xff\xc3", "\"a\xEF\xBF\xBD\xEF\xBF\xBD\""},
           {"half a surrogate pair", "\xed\xa0\x80", "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
           {"key that is no UTF-8", {{"\xff\"", 1}}, "{\"\xEF\xBF\xBD\\\"\":1}"},
           {"texts", std::vector<std::string>{"b", "a"}, R"(["b","a"])"},
           {"no texts", std::vector<std::string>{}, "[]"},
           {"elements", Json(std::vector<Json>{1, "a"}), R"([1,"a"])"},
           {"empty list", Json::Array(), "[]"},
           {"empty object", Json::Object(), "{}"},
           {"one field", {{"name", "text"}}, R"({"name":"text"})"},
           {"fields in their order", {{"z", 1}, {"a", "b"}, {"m", nullptr}}, R"({"z":1,"a":"b","m":null})"},
           {"object in an object", {{"a", {{"b", {{"c", 1}}}}}}, R"({"a":{"b":{"c":1}}})"},
           {"grown", grown, R"({"z":2,"a":{"y":[],"b":null}})"},
           {"grown out of null", from_null, R"({"a":{"b":true}})"},
           {"list", list, R"([1,{"b":1},null])"}}) {
    EXPECT_EQ(row.json.Dump(), row.text) << row.name;
  }
}

TEST(JsonTest, IsWrittenAsItWasRead) {
  for (const char* text :
       {"{}", R"({"a":[],"b":{},"c":null,"d":true,"e":false})", R"({"a":[1,-1,[2,[3]],{"b":[{}]}]})",
        R"({"a":18446744073709551615,"b":-9223372036854775808,"c":9223372036854775808})",
        R"({"":"","a\"b":"\\\n\u0000"})", R"({"a":"ä€😀"})"}) {
    const auto json = Json::ParseObject(text);
    ASSERT_TRUE(json) << text;
    EXPECT_EQ(json->Dump(), text);
  }
  EXPECT_EQ(Json::ParseObject("\n { \"b\" : [ 1 , 2 ],\t\"a\":\"\\u00e4\\ud83d\\ude00\" } ")->Dump(),
            R"({"a":"ä😀","b":[1,2]})");
}

TEST(JsonTest, ReadsObjectsAlone) {
  for (const auto& [name, text] : std::initializer_list<std::pair<const char*, std::string>>{
           {"nothing", ""},
           {"blank", " "},
           {"word", "garbage"},
           {"null", "null"},
           {"number", "1"},
           {"text", R"("a")"},
           {"list", "[{}]"},
           {"cut off", R"({"a":1)"},
           {"more behind", "{}{}"},
           {"comma too many", R"({"a":1,})"},
           {"comment", "{} // x"},
           {"single quotes", "{'a':1}"},
           {"NUL", std::string("\0{}", 3)},
           {"wrong UTF-8", "{\"a\":\"\xff\"}"},
           {"wrong UTF-8 as a key", "{\"\xff\":1}"},
           {"half a surrogate pair", R"({"a":"\ud800"})"},
           {"line end in a text", "{\"a\":\"\n\"}"},
           {"leading zero", R"({"a":01})"},
           {"no number", R"({"a":NaN})"},
           {"number that no double holds", R"({"a":1e999})"},
           {"many brackets", std::string(1'000'000, '[')}}) {
    const auto json = Json::ParseObject(text);
    ASSERT_FALSE(json) << name;
    EXPECT_EQ(json.error().kind, ErrorKind::kInvalid) << name;
  }
}

TEST(JsonTest, WhatIsOfAnotherTypeReadsAsNothing) {
  struct Row {
    const char* text;
    std::string as_text;
    std::int64_t as_number;
    bool is_number;
    bool as_bool;
  };
  for (const Row& row : std::initializer_list<Row>{
           {R"("a")", "a", 0, false, false},
           {R"("1")", "1", 0, false, false},
           {"7", "", 7, true, false},
           {"0", "", 0, true, false},
           {"-0", "", 0, true, false},
           {"-7", "", -7, true, false},
           {"9223372036854775807", "", std::numeric_limits<std::int64_t>::max(), true, false},
           {"-9223372036854775808", "", kLeast, true, false},
           {"9223372036854775808", "", kLeast, true, false},  // above the range
           {"18446744073709551615", "", -1, true, false},
           {"18446744073709551616", "", 0, false, false},  // of no type
           {"-9223372036854775809", "", 0, false, false},
           {"1.0", "", 0, false, false},
           {"1e3", "", 0, false, false},
           {"true", "", 0, false, true},
           {"false", "", 0, false, false},
           {"null", "", 0, false, false},
           {"[1]", "", 0, false, false},
           {R"({"v":1})", "", 0, false, false}}) {
    const Json json{{"v", ValueIn(row.text)}};
    EXPECT_EQ(json.TextAt("v"), row.as_text) << row.text;
    EXPECT_EQ(json.NumberAt("v"), row.as_number) << row.text;
    EXPECT_EQ(json.At("v").number().has_value(), row.is_number) << row.text;
    EXPECT_EQ(json.BoolAt("v"), row.as_bool) << row.text;
    EXPECT_EQ(json.At("v").truth().has_value(),
              row.text == std::string_view("true") || row.text == std::string_view("false"))
        << row.text;
  }
}

TEST(JsonTest, WhatIsMissingReadsAsNothing) {
  const Json list(std::vector<Json>{1});
  for (const Json& json : std::initializer_list<Json>{{}, true, 7, "v", list, Json::Object(), {{"w", 1}}}) {
    EXPECT_EQ(json.At("v").Dump(), "null") << json.Dump();
    EXPECT_EQ(json.At("v").At("v").TextAt("v"), "") << json.Dump();
    EXPECT_EQ(json.NumberAt("v"), 0) << json.Dump();
    EXPECT_FALSE(json.BoolAt("v")) << json.Dump();
    EXPECT_EQ(json.elements().size(), json.is_array() ? 1U : 0U) << json.Dump();
    EXPECT_EQ(json.members().empty(), !json.is_object() || json.Dump() == "{}") << json.Dump();
  }
}

TEST(JsonTest, OfAKeyThatStandsTwiceTheLastCounts) {
  const auto json = Json::ParseObject(R"({"b":1,"a":2,"b":"last"})");
  ASSERT_TRUE(json);
  EXPECT_EQ(json->TextAt("b"), "last");
  EXPECT_EQ(json->members().size(), 2U);
}

TEST(JsonTest, LeavesOutWhatIsNestedTooDeep) {
  const auto nested = [](std::size_t levels) {
    return ValueIn(std::string(levels, '[') + std::string(levels, ']')).Dump();
  };
  EXPECT_EQ(nested(63), std::string(63, '[') + std::string(63, ']'));
  EXPECT_EQ(nested(64), std::string(63, '[') + "null" + std::string(63, ']'));
  EXPECT_EQ(nested(100'000), nested(64));
  std::string objects = "1";
  for (int i = 0; i < 10'000; ++i) objects = R"({"v":)" + objects + '}';
  EXPECT_LT(ValueIn(objects).Dump().size(), 1000U);
}

TEST(JsonTest, IsAValueOfItsOwn) {
  Json json{{"a", {{"b", 1}}}};
  const Json copy = json;
  json["a"]["b"] = 2;
  EXPECT_EQ(copy.Dump(), R"({"a":{"b":1}})");
  json["a"] = json;
  EXPECT_EQ(json.Dump(), R"({"a":{"a":{"b":2}}})");
  Json moved = std::move(json);
  json = copy;
  EXPECT_EQ(moved.At("a").Dump(), R"({"a":{"b":2}})");
  EXPECT_EQ(json.Dump(), copy.Dump());
}

}  // namespace
}  // namespace redis_zk::testing::json_test
