// The credentials for ZooKeeper, and what other users may do with the znodes that we create. Values; any
// thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace redis_zk::zookeeper {

// Of ZooKeeper's scheme "digest". Both empty: none. ZooKeeper refuses no password: a wrong one is another
// user, which the ACLs do not name.
struct Credentials {
  std::string username;
  std::string password;

  bool empty() const { return username.empty(); }
};

// What other users may do with a znode of ours.
enum class AclPolicy {
  kOpen,      // everything
  kReadable,  // read
  kPrivate,   // nothing
};
// "open", "readable", "private". An error says what was expected.
Result<AclPolicy> ParseAclPolicy(std::string_view text);

struct Security {
  Credentials credentials{};
  AclPolicy acl = AclPolicy::kOpen;  // REQUIRES: kOpen without credentials
};

// ZooKeeper's own bits.
namespace permission {
inline constexpr std::int32_t kRead = 1;    // its data and the names of its children
inline constexpr std::int32_t kWrite = 2;   // its data
inline constexpr std::int32_t kCreate = 4;  // children
inline constexpr std::int32_t kDelete = 8;  // children
inline constexpr std::int32_t kAdmin = 16;  // its ACL
inline constexpr std::int32_t kAll = 31;
}  // namespace permission

// What one identity may do with a znode.
struct Grant {
  std::int32_t allowed = 0;
  std::string scheme;
  std::string id;

  bool operator==(const Grant&) const = default;
};
using Acl = std::vector<Grant>;

// What ZooKeeper makes of a user and a password: "user:" and a hash. Empty without credentials.
std::string DigestOf(const Credentials& credentials);
// Of a znode that we create. It names us by the digest and not by the scheme "auth", which would also name
// the certificate of the tunnel that a session comes through.
Acl AclFor(const Security& security);
// Whether anybody else may change a znode with this ACL, or, where it is to be private, read it. REQUIRES:
// there are credentials.
bool IsOpen(const Acl& acl, const Security& security);
// As zkCli.sh shows it, without hashes: "world:anyone:r,digest:redis:cdrwa".
std::string Describe(const Acl& acl);

}  // namespace redis_zk::zookeeper
