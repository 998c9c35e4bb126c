#include "net/certificate_dates.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <cstddef>
#include <ctime>
#include <limits>
#include <memory>

#include "base/printable.h"

namespace redis_zk {

namespace {

struct Free {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
};

std::string SubjectOf(const X509* certificate) {
  const std::unique_ptr<BIO, Free> text(BIO_new(BIO_s_mem()));
  if (!text || X509_NAME_print_ex(text.get(), X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253) < 0)
    return "";
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(text.get(), &bytes);
  return Printable(std::string_view(bytes, static_cast<std::size_t>(size)));
}

std::int64_t EndOf(const X509* certificate) {
  std::tm end{};
  // One that no clock can tell is none that ends.
  if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &end) != 1)
    return std::numeric_limits<std::int64_t>::max();
  return std::int64_t{timegm(&end)} * 1000;
}

}  // namespace

std::optional<CertificateExpiry> FindExpiry(std::string_view pem, WhichExpiry which) {
  const std::unique_ptr<BIO, Free> source(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  if (!source) return std::nullopt;
  std::optional<CertificateExpiry> found;
  while (const std::unique_ptr<X509, Free> certificate{
      PEM_read_bio_X509_AUX(source.get(), nullptr, nullptr, nullptr)}) {
    const std::int64_t at = EndOf(certificate.get());
    if (!found || (which == WhichExpiry::kFirst ? at < found->at : at > found->at))
      found = {.subject = SubjectOf(certificate.get()), .at = at};
  }
  ERR_clear_error();
  if (found && found->at == std::numeric_limits<std::int64_t>::max()) return std::nullopt;
  return found;
}

}  // namespace redis_zk
