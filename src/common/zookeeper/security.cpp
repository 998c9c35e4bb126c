#include "zookeeper/security.h"

#include <fmt/core.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>

namespace redis_zk::zookeeper {

namespace {

constexpr const char* kWorld = "world";
constexpr const char* kAnyone = "anyone";
constexpr const char* kDigest = "digest";

std::string Base64(const unsigned char* bytes, unsigned length) {
  // EVP_EncodeBlock ends it with a zero.
  std::string text((length + 2) / 3 * 4 + 1, '\0');
  EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), bytes, static_cast<int>(length));
  text.pop_back();
  return text;
}

std::string DescribeGrant(const Grant& grant) {
  // In the order of zkCli.sh.
  constexpr std::array<std::pair<std::int32_t, char>, 5> kLetters{{{permission::kCreate, 'c'},
                                                                   {permission::kDelete, 'd'},
                                                                   {permission::kRead, 'r'},
                                                                   {permission::kWrite, 'w'},
                                                                   {permission::kAdmin, 'a'}}};
  const std::string id = grant.scheme == kDigest ? grant.id.substr(0, grant.id.find(':')) : grant.id;
  std::string text = grant.scheme + ':' + id + ':';
  for (const auto& [bit, letter] : kLetters) {
    if ((grant.allowed & bit) != 0) text += letter;
  }
  return text;
}

}  // namespace

Result<AclPolicy> ParseAclPolicy(std::string_view text) {
  if (text == "open") return AclPolicy::kOpen;
  if (text == "readable") return AclPolicy::kReadable;
  if (text == "private") return AclPolicy::kPrivate;
  return Fail(ErrorKind::kInvalid, "open, readable or private");
}

std::string DigestOf(const Credentials& credentials) {
  if (credentials.empty()) return "";
  const std::string known = credentials.username + ':' + credentials.password;
  std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
  unsigned length = 0;
  EVP_Digest(known.data(), known.size(), hash.data(), &length, EVP_sha1(), nullptr);
  return credentials.username + ':' + Base64(hash.data(), length);
}

Acl AclFor(const Security& security) {
  if (security.acl == AclPolicy::kOpen) return {{permission::kAll, kWorld, kAnyone}};
  Acl acl{{permission::kAll, kDigest, DigestOf(security.credentials)}};
  if (security.acl == AclPolicy::kReadable) acl.push_back({permission::kRead, kWorld, kAnyone});
  return acl;
}

bool IsOpen(const Acl& acl, const Security& security) {
  const std::int32_t harmless = security.acl == AclPolicy::kPrivate ? 0 : permission::kRead;
  const std::string own = DigestOf(security.credentials);
  return std::any_of(acl.begin(), acl.end(), [&](const Grant& grant) {
    const bool ours = grant.scheme == kDigest && grant.id == own;
    return !ours && (grant.allowed & ~harmless) != 0;
  });
}

std::string Describe(const Acl& acl) {
  std::string text;
  for (const auto& grant : acl) text += (text.empty() ? "" : ",") + DescribeGrant(grant);
  return text;
}

}  // namespace redis_zk::zookeeper
