#include "net/tls_context.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

namespace redis_zk {

namespace {

tl::unexpected<Error> Unusable(const std::string& path, std::string_view why) {
  return Fail(ErrorKind::kInvalid, fmt::format("{}: {}", path, why));
}

// OpenSSL does not say why a file cannot be opened.
Status CheckReadable(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return Unusable(path, std::strerror(errno));
  close(fd);
  return {};
}

// Why OpenSSL's last call failed.
std::string Reason() {
  const char* const reason = ERR_reason_error_string(ERR_peek_last_error());
  return reason == nullptr ? "it cannot be read" : reason;
}

// A daemon has nobody to ask.
int HasNoPassphrase(char*, int, int, void*) { return 0; }

Status LoadPair(SSL_CTX* context, const TlsFiles& files) {
  for (const auto& path : {files.certificate, files.key}) {
    if (auto readable = CheckReadable(path); !readable) return readable;
  }
  if (SSL_CTX_use_certificate_chain_file(context, files.certificate.c_str()) != 1)
    return Unusable(files.certificate, "found no usable certificate, expected one in PEM form: " + Reason());
  ERR_clear_error();
  const bool loaded = SSL_CTX_use_PrivateKey_file(context, files.key.c_str(), SSL_FILETYPE_PEM) == 1;
  if (!loaded && ERR_GET_LIB(ERR_peek_error()) != ERR_LIB_X509)
    return Unusable(
        files.key, "found no usable private key, expected one in PEM form without a passphrase: " + Reason());
  if (!loaded || SSL_CTX_check_private_key(context) != 1)
    return Unusable(files.key, fmt::format("is not the key of the certificate in {}", files.certificate));
  return {};
}

Status LoadAuthorities(SSL_CTX* context, const std::string& ca) {
  if (auto readable = CheckReadable(ca); !readable) return readable;
  if (SSL_CTX_load_verify_locations(context, ca.c_str(), nullptr) == 1) return {};
  return Unusable(ca, "found no usable certificate, expected authorities' in PEM form: " + Reason());
}

// Whether peers that trust the same authorities accept what we present.
Status CheckPresented(SSL_CTX* context, const TlsFiles& files, int purpose) {
  const std::unique_ptr<X509_STORE_CTX, decltype(&X509_STORE_CTX_free)> check(X509_STORE_CTX_new(),
                                                                              &X509_STORE_CTX_free);
  STACK_OF(X509)* chain = nullptr;
  SSL_CTX_get0_chain_certs(context, &chain);
  if (!check || X509_STORE_CTX_init(check.get(), SSL_CTX_get_cert_store(context),
                                    SSL_CTX_get0_certificate(context), chain) != 1)
    return Fail(ErrorKind::kInternal, "out of memory");
  X509_STORE_CTX_set_purpose(check.get(), purpose);
  if (X509_verify_cert(check.get()) == 1) return {};
  return Unusable(files.certificate,
                  "the certificate " + DescribeRejection(X509_STORE_CTX_get_error(check.get()), files.ca));
}

void PrepareAny(SSL_CTX* context) {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION);
  // Thousands of connections may be idle.
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_default_passwd_cb(context, &HasNoPassphrase);
}

// A client that has the port's own key is this program: its health check needs no authority of clients.
int AcceptsOwn(int accepted, X509_STORE_CTX* check) {
  if (accepted == 1) return 1;
  const auto* const tls =
      static_cast<SSL*>(X509_STORE_CTX_get_ex_data(check, SSL_get_ex_data_X509_STORE_CTX_idx()));
  const X509* const own = SSL_CTX_get0_certificate(SSL_get_SSL_CTX(tls));
  if (own == nullptr || X509_cmp(X509_STORE_CTX_get0_cert(check), own) != 0) return 0;
  X509_STORE_CTX_set_error(check, X509_V_OK);
  return 1;
}

Status DemandFromClients(SSL_CTX* context, const TlsFiles& files) {
  if (*files.demanded == ClientCertificates::kNone) return {};
  if (auto loaded = LoadAuthorities(context, files.ca); !loaded) return loaded;
  // By their names a client with several certificates chooses one.
  SSL_CTX_set_client_CA_list(context, SSL_load_client_CA_file(files.ca.c_str()));
  const bool required = *files.demanded == ClientCertificates::kRequired;
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | (required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
                     &AcceptsOwn);
  return {};
}

Status PreparePort(SSL_CTX* context, const TlsFiles& files) {
  PrepareAny(context);
  // No session outlives its connection: it would take memory, and outlive a change of the certificates. The
  // end of what a client sends is found by HTTP, whether or not TLS announces it.
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context, 0);
  if (auto loaded = LoadPair(context, files); !loaded) return loaded;
  if (X509_check_purpose(SSL_CTX_get0_certificate(context), X509_PURPOSE_SSL_SERVER, 0) != 1)
    return Unusable(
        files.certificate,
        "the certificate is for another purpose; its key usages must allow a server (serverAuth)");
  return DemandFromClients(context, files);
}

// The peer's alert; -1: the error is none.
int AlertOf(unsigned long code) {
  return ERR_GET_LIB(code) == ERR_LIB_SSL ? ERR_GET_REASON(code) - SSL_AD_REASON_OFFSET : -1;
}

}  // namespace

void TlsContext::Free::operator()(ssl_ctx_st* context) const { SSL_CTX_free(context); }

TlsContext::TlsContext(std::unique_ptr<ssl_ctx_st, Free> context, TlsFiles files)
    : sessions_(files.demanded ? nullptr : std::make_unique<TlsSessions>(context.get())),
      context_(std::move(context)),
      files_(std::move(files)) {}
TlsContext::~TlsContext() = default;
TlsContext::TlsContext(TlsContext&&) noexcept = default;
TlsContext& TlsContext::operator=(TlsContext&&) noexcept = default;

Result<TlsContext> TlsContext::Load(const TlsFiles& files) {
  const bool is_port = files.demanded.has_value();
  std::unique_ptr<SSL_CTX, Free> context(SSL_CTX_new(is_port ? TLS_server_method() : TLS_client_method()));
  if (!context) return Fail(ErrorKind::kInternal, "out of memory");
  Status status = is_port ? PreparePort(context.get(), files) : PrepareClient(context.get(), files);
  if (!is_port && !files.certificate.empty()) {
    if (status) status = CheckPresented(context.get(), files, X509_PURPOSE_SSL_CLIENT);
    if (status && files.serves) status = CheckPresented(context.get(), files, X509_PURPOSE_SSL_SERVER);
  }
  ERR_clear_error();
  if (!status) return tl::unexpected(status.error());
  return TlsContext(std::move(context), files);
}

Status PrepareClient(ssl_ctx_st* context, const TlsFiles& files) {
  PrepareAny(context);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  Status status;
  if (!files.ca.empty()) {
    status = LoadAuthorities(context, files.ca);
  } else if (SSL_CTX_set_default_verify_paths(context) != 1) {
    status = Fail(ErrorKind::kInvalid, "this system's authorities: found none");
  }
  if (status && !files.certificate.empty()) status = LoadPair(context, files);
  ERR_clear_error();
  return status;
}

std::string DescribeRejection(long result, const std::string& ca) {
  switch (result) {
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
      return "is not signed by an authority in " + (ca.empty() ? std::string{"this system's list"} : ca);
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return "has expired";
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return "is not valid yet; compare the clocks";
    case X509_V_ERR_INVALID_PURPOSE:
      return "is for another purpose; its extended key usage must name both clientAuth and serverAuth";
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return "is for another name";
    default:
      return fmt::format("is rejected: {}", X509_verify_cert_error_string(result));
  }
}

bool IsAboutNoCertificate(unsigned long code) {
  const int alert = AlertOf(code);
  // Before TLS 1.3 there is no word for it.
  return alert == SSL_AD_CERTIFICATE_REQUIRED || alert == SSL_AD_HANDSHAKE_FAILURE;
}

bool IsAboutOurCertificate(unsigned long code) {
  switch (AlertOf(code)) {
    case SSL_AD_BAD_CERTIFICATE:
    case SSL_AD_UNSUPPORTED_CERTIFICATE:
    case SSL_AD_CERTIFICATE_REVOKED:
    case SSL_AD_CERTIFICATE_EXPIRED:
    case SSL_AD_CERTIFICATE_UNKNOWN:
    case SSL_AD_UNKNOWN_CA:
      return true;
    default:
      return false;
  }
}

}  // namespace redis_zk
