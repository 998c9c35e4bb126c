// Small files in a test's own directory.
#pragma once

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "support/servers.h"

namespace redis_zk::testing {

// Writes a file anew and returns its path.
inline std::string WriteFile(const std::filesystem::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
  return path.string();
}

inline std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

}  // namespace redis_zk::testing
