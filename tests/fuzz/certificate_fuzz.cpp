// Certificates: what those of others call themselves, and until when they are valid.
#include <openssl/evp.h>

#include <cstddef>
#include <optional>
#include <string>

#include "base/printable.h"
#include "fuzz/fuzz.h"
#include "net/certificate_dates.h"

namespace redis_zk {

namespace {

// The input is what a certificate holds: a fuzzer does not come upon base64.
std::string ToPem(std::string_view der) {
  std::string base64(4 * ((der.size() + 2) / 3) + 1, '\0');
  base64.resize(static_cast<std::size_t>(EVP_EncodeBlock(reinterpret_cast<unsigned char*>(base64.data()),
                                                         reinterpret_cast<const unsigned char*>(der.data()),
                                                         static_cast<int>(der.size()))));
  std::string pem = "-----BEGIN CERTIFICATE-----\n";
  for (std::size_t at = 0; at < base64.size(); at += 64) pem += base64.substr(at, 64) + '\n';
  return pem + "-----END CERTIFICATE-----\n";
}

void CheckFound(const std::optional<CertificateExpiry>& found) {
  if (!found) return;
  // It stands in log lines and in /status as it is.
  fuzz::Check(Printable(found->subject, std::string_view::npos) == found->subject);
}

}  // namespace

FUZZ_TARGET(text) {
  CheckFound(FindExpiry(text, WhichExpiry::kFirst));
  CheckFound(FindExpiry(ToPem(text), WhichExpiry::kLast));
}

}  // namespace redis_zk
