#include "support/authority.h"

#include <fmt/core.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <stdexcept>

#include "base/random_id.h"

namespace redis_zk::testing {

namespace {

void Extend(X509* certificate, int kind, const std::string& value) {
  X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, nullptr, kind, value.c_str());
  if (extension == nullptr) throw std::runtime_error("extension: " + value);
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

template <class Write>
void WriteTo(const std::string& path, Write write) {
  const std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(path.c_str(), "w"), &std::fclose);
  if (!file || write(file.get()) != 1) throw std::runtime_error("cannot write " + path);
}

}  // namespace

void Authority::Free::operator()(evp_pkey_st* key) const { EVP_PKEY_free(key); }
void Authority::Free::operator()(x509_st* certificate) const { X509_free(certificate); }

Authority::Authority() : key_(MakeKey(false)) {
  certificate_ = Sign("authority-" + NewUuid().substr(0, 8), key_.get(), Wish{});
  WriteTo(ca(), [this](FILE* file) { return PEM_write_X509(file, certificate_.get()); });
}
Authority::~Authority() = default;

Authority::Key Authority::MakeKey(bool rsa) { return Key(rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256")); }

Authority::Certificate Authority::Sign(const std::string& name, evp_pkey_st* key, const Wish& wish) const {
  Certificate certificate(X509_new());
  X509_set_version(certificate.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), static_cast<long>(RandomIndex(1'000'000'000)));
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), wish.begins);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), wish.ends);
  X509_set_pubkey(certificate.get(), key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  const bool first = certificate_ == nullptr;
  X509_set_issuer_name(certificate.get(),
                       X509_get_subject_name(first ? certificate.get() : certificate_.get()));
  Extend(certificate.get(), NID_basic_constraints, first ? "critical,CA:TRUE" : "CA:FALSE");
  if (!wish.extended_key_usage.empty()) Extend(certificate.get(), NID_ext_key_usage, wish.extended_key_usage);
  if (X509_sign(certificate.get(), key_.get(), EVP_sha256()) == 0) throw std::runtime_error("X509_sign");
  return certificate;
}

TlsFiles Authority::Certify(const std::string& name, const Wish& wish) const {
  const Key key = MakeKey(wish.rsa);
  const Certificate certificate = Sign(name, key.get(), wish);
  const TlsFiles files{
      .ca = ca(), .certificate = Path(name + ".pem"), .key = Path(name + ".key"), .serves = true};
  WriteTo(files.certificate, [&](FILE* file) { return PEM_write_X509(file, certificate.get()); });
  WriteTo(files.key, [&](FILE* file) {
    return PEM_write_PrivateKey(file, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  });
  return files;
}

std::string Authority::Conf(const TlsFiles& files, std::uint16_t port, const std::string& auth_clients) {
  return fmt::format(
      "port 0\ntls-port {}\ntls-replication yes\ntls-ca-cert-file {}\ntls-cert-file {}\ntls-key-file {}\n"
      "tls-auth-clients {}",
      port, files.ca, files.certificate, files.key, auth_clients);
}

}  // namespace redis_zk::testing
