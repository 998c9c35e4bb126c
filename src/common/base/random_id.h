// Identifiers and random numbers.
#pragma once

#include <cstddef>
#include <string>

namespace redis_zk {

// A random UUID, "8-4-4-4-12" lowercase.
std::string NewUuid();

// 32 lowercase hexadecimal digits, as Python's uuid4().hex.
std::string NewHexId();

// Uniform in [0, 1). Any thread.
double RandomFraction();

// Uniform in [0, size). REQUIRES: size > 0. Any thread.
std::size_t RandomIndex(std::size_t size);

}  // namespace redis_zk
