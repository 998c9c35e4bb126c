// JSON as a value: what is told over HTTP, and what stands in znodes, in files and in lines of the log.
// nlohmann/json stays behind this header: only base/json.cpp includes it, since it costs every file that does
// three seconds of compilation. Values only: what one holds is its own, and different threads may use
// different ones. Reading never fails: what is missing, or of another type, reads as nothing.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"

namespace redis_zk {

class Json {
 public:
  struct Field;   // of an object that is made: {"key", value}
  struct Member;  // of an object that there is

  // Implicit, so that an object is written as what it holds: {{"name", name}, {"epoch", epoch}}.
  // NOLINTBEGIN(google-explicit-constructor)
  Json() noexcept;  // null
  Json(std::nullptr_t) noexcept;
  Json(bool truth);
  Json(std::int64_t number);
  Json(std::uint64_t number);
  template <std::signed_integral T>
  Json(T number) : Json(std::int64_t{number}) {}
  template <std::unsigned_integral T>
  Json(T number) : Json(std::uint64_t{number}) {}
  Json(const void*) = delete;  // any pointer is also a bool
  Json(const char* text);
  Json(std::string_view text);
  Json(std::string text);
  Json(const std::vector<std::string>& texts);
  Json(std::initializer_list<Field> fields);
  // NOLINTEND(google-explicit-constructor)
  explicit Json(std::vector<Json> elements);
  explicit Json(std::vector<Member> members);  // no key twice

  Json(const Json& other);
  Json(Json&& other) noexcept;
  Json& operator=(Json other) noexcept;  // by value: also of a part of itself
  ~Json();

  static Json Array();
  static Json Object();

  // REQUIRES: it is an object, or null, which becomes one. The value of the key, which is added at the end
  // where it is not there.
  Json& operator[](std::string_view key);
  // REQUIRES: it is an array.
  void Append(Json element);

  // The text of an object: in each object the keys in the order of the alphabet; where one stands twice, the
  // last counts. A number with a fraction, or one that 64 bits do not hold, reads as null, and so does what
  // is nested deeper than anything of ours.
  static Result<Json> ParseObject(std::string_view text);
  // On one line, keys in the order in which they were added, and valid UTF-8 whatever the texts hold.
  std::string Dump() const;

  bool is_object() const;
  bool is_array() const;
  const std::vector<Json>& elements() const;   // empty: it is no array, or has none
  const std::vector<Member>& members() const;  // empty: it is no object, or has none
  const std::string* text() const;             // null: it is no text
  std::optional<bool> truth() const;
  // One above the range of the type has a negative sign here.
  std::optional<std::int64_t> number() const;

  // Of an object; what is not there is null.
  const Json& At(std::string_view key) const;
  std::string TextAt(std::string_view key) const;     // or ""
  std::int64_t NumberAt(std::string_view key) const;  // or 0
  // The same, and 0 for one below.
  std::int64_t NaturalAt(std::string_view key) const;
  bool BoolAt(std::string_view key) const;  // or false

 private:
  void DumpTo(std::string* line) const;

  std::variant<std::monostate, bool, std::int64_t, std::uint64_t, std::string, std::vector<Json>,
               std::vector<Member>>
      value_;
};

struct Json::Field {
  std::string_view key;
  mutable Json value;  // moved out of the list, which is constant, for it may be large
};

struct Json::Member {
  std::string key;
  Json value;
};

}  // namespace redis_zk
