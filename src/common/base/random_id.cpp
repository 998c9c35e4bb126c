#include "base/random_id.h"

#include <uuid/uuid.h>

#include <algorithm>
#include <array>
#include <random>

namespace redis_zk {

namespace {

std::mt19937_64& Generator() {
  thread_local std::mt19937_64 generator{std::random_device{}()};
  return generator;
}

}  // namespace

std::string NewUuid() {
  uuid_t id;
  uuid_generate_random(id);
  std::array<char, UUID_STR_LEN> text{};
  uuid_unparse_lower(id, text.data());
  return text.data();
}

std::string NewHexId() {
  std::string id = NewUuid();
  std::erase(id, '-');
  return id;
}

double RandomFraction() { return std::uniform_real_distribution<double>(0.0, 1.0)(Generator()); }

std::size_t RandomIndex(std::size_t size) {
  return std::uniform_int_distribution<std::size_t>(0, size - 1)(Generator());
}

}  // namespace redis_zk
