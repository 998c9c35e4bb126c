// Until when certificates are valid, as they say. Any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace redis_zk {

struct CertificateExpiry {
  std::string subject;  // "CN=node1", printable
  std::int64_t at = 0;  // milliseconds since 1970
};

enum class WhichExpiry {
  kFirst,  // of a chain: it is good as long as all are
  kLast,   // of authorities, where old and new ones stand together
};
// Of the certificates in a PEM text; none: it has none that ends.
std::optional<CertificateExpiry> FindExpiry(std::string_view pem, WhichExpiry which);

}  // namespace redis_zk
