// The tokens that open the admin API, and the file that they stand in. Values; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace redis_zk::watcher {

struct AdminToken {
  std::string name;  // of the person or program that has it; empty: the file's only token, without one
  std::string text;

  bool operator==(const AdminToken&) const = default;
};

struct AdminTokens {
  std::string path;
  std::vector<AdminToken> list;  // in the file's order; empty: the admin API is off
};

// One line with a token, or a line NAME:TOKEN for each. A bearer token has no colon (RFC 6750), so which of
// both a line is needs no other. The error says what was expected and which line is not that, and quotes
// none: anything in it may be a secret.
Result<std::vector<AdminToken>> ParseAdminTokens(std::string_view text);
// The error says what was expected.
Result<AdminTokens> ReadAdminTokens(std::string_view path);

// The names, for people: "alice, bob"; empty: there are none.
std::string NamesOf(const std::vector<AdminToken>& tokens);

}  // namespace redis_zk::watcher
