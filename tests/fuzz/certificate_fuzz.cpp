// Certificates: what those of others call themselves, and until when they are valid.
#include <openssl/bio.h>
#include <openssl/pem.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "base/printable.h"
#include "fuzz/fuzz.h"
#include "net/certificate_dates.h"

namespace redis_zk {

namespace {

// The input is what a certificate holds: a fuzzer does not come upon base64.
std::string ToPem(std::string_view der) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> pem(BIO_new(BIO_s_mem()), &BIO_free);
  PEM_write_bio(pem.get(), PEM_STRING_X509, "", reinterpret_cast<const unsigned char*>(der.data()),
                static_cast<long>(der.size()));
  char* text = nullptr;
  const long size = BIO_get_mem_data(pem.get(), &text);
  return {text, static_cast<std::size_t>(size)};
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
