// Until when certificates are valid, as they say. Any thread.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace redis_zk {

struct CertificateExpiry {
  std::string subject;  // "CN=node1", printable
  std::int64_t at = 0;  // milliseconds since 1970
};

enum class WhichExpiry {
  kFirst,  // of a chain: it is good as long as all are
  kLast,   // of authorities, where old and new ones stand together
};
// Of the certificates in a PEM file. kInvalid: the file cannot be read, or has none; the message names it.
Result<CertificateExpiry> FindExpiry(const std::string& path, WhichExpiry which);

}  // namespace redis_zk
