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

// Of the certificates in a PEM file, the one that expires first. kInvalid: the file cannot be read, or has
// none; the message names it.
Result<CertificateExpiry> FindFirstExpiry(const std::string& path);

}  // namespace redis_zk
