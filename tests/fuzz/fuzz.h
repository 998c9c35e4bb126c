// What the fuzz targets share. A target takes bytes that somebody else wrote, and must neither crash nor
// believe what it cannot write down again: whatever a parser accepts survives rendering and parsing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace redis_zk::fuzz {

// libFuzzer saves the input of a run that aborts.
inline void Check(bool holds) {
  if (!holds) std::abort();
}

inline std::string_view ToText(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

}  // namespace redis_zk::fuzz

#define FUZZ_TARGET(text)                                                             \
  static void Fuzz(std::string_view text);                                            \
  extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) { \
    Fuzz(redis_zk::fuzz::ToText(data, size));                                         \
    return 0;                                                                         \
  }                                                                                   \
  static void Fuzz(std::string_view text)
