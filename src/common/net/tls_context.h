// What TLS connections of ours have in common: whom they trust, and the certificate that they present.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/published.h"
#include "base/result.h"
#include "net/tls_sessions.h"

struct ssl_ctx_st;

namespace redis_zk {

// What clients of a TLS port of ours must present.
enum class ClientCertificates { kNone, kOptional, kRequired };

// PEM files.
struct TlsFiles {
  std::string ca;           // certificates of the authorities whose certificates are accepted
  std::string certificate;  // what is presented, with the chain up to an authority; empty: none
  std::string key;          // of that, without a passphrase
  bool serves = false;      // servers present the certificate too, not only clients
  // For a port of ours that anybody's clients connect to; nothing: for connections that we open.
  std::optional<ClientCertificates> demanded{};
};

// As the files were when it was loaded: at least TLS 1.2, the peer's chain is verified and its name is not,
// as Redis and Sentinel do it. Of a port's clients the chain is verified where a certificate is demanded, and
// the port's own certificate, which names no authority of clients, is accepted from them, too. Any thread.
class TlsContext {
 public:
  // kInvalid: a file cannot be read, the files do not fit together, or no peer would accept the certificate
  // (another authority's, expired, for another purpose; of a port the purpose alone, since its authority is
  // the clients' affair). The message names the file.
  static Result<TlsContext> Load(const TlsFiles& files);
  ~TlsContext();
  TlsContext(TlsContext&&) noexcept;
  TlsContext& operator=(TlsContext&&) noexcept;

  ssl_ctx_st* get() const { return context_.get(); }
  const TlsFiles& files() const { return files_; }
  // REQUIRES: it is for connections that we open.
  TlsSessions& sessions() const { return *sessions_; }

 private:
  struct Free {
    void operator()(ssl_ctx_st* context) const;
  };
  TlsContext(std::unique_ptr<ssl_ctx_st, Free> context, TlsFiles files);

  std::unique_ptr<TlsSessions> sessions_;  // nothing: of a port
  std::unique_ptr<ssl_ctx_st, Free> context_;
  TlsFiles files_;
};

// The context of connections that begin now; it is replaced when certificates change.
using TlsSource = Published<TlsContext>;

// Prepares a context that another library made for connections that we open: whom it trusts (with an empty
// `ca` the authorities of this system), and what it presents. kInvalid as above.
Status PrepareClient(ssl_ctx_st* context, const TlsFiles& files);

// Why a certificate was not accepted by those who trust the authorities in the file `ca`: the end of a
// sentence that begins with the certificate. `result` is OpenSSL's.
std::string DescribeRejection(long result, const std::string& ca);

// Whether an error of OpenSSL is the peer's alert about the certificate that we present: there is none
// (before TLS 1.3 the alert may mean something else), or it is not accepted.
bool IsAboutNoCertificate(unsigned long code);
bool IsAboutOurCertificate(unsigned long code);

}  // namespace redis_zk
