// What a fake server answers.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "redis/connection.h"

namespace redis_zk::testing {

inline redis::Reply Text(std::string text) {
  return {.type = redis::Reply::Type::kText, .text = std::move(text)};
}
inline redis::Reply Wrong(std::string text) {
  return {.type = redis::Reply::Type::kError, .text = std::move(text)};
}
inline redis::Reply Number(std::int64_t number) {
  return {.type = redis::Reply::Type::kInteger, .integer = number};
}
inline redis::Reply Array(std::vector<redis::Reply> items) {
  return {.type = redis::Reply::Type::kArray, .items = std::move(items)};
}
inline redis::Reply Ok() { return Text("OK"); }

}  // namespace redis_zk::testing
