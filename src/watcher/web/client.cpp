#include "watcher/web/client.h"

#include <fmt/core.h>
#include <httplib.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <cctype>
#include <memory>
#include <optional>

namespace redis_zk::watcher::web {

namespace {

constexpr time_t kConnectSeconds = 2;
constexpr int kOk = 200;

// What OpenSSL has not liked on this thread; nothing: it has not complained.
std::optional<std::string> TlsReason() {
  const auto code = ERR_peek_error();
  const char* const reason = ERR_GET_LIB(code) == ERR_LIB_SSL ? ERR_reason_error_string(code) : nullptr;
  return reason == nullptr ? std::nullopt : std::optional<std::string>(reason);
}

class Connection {
 public:
  // The host is connected to as it resolves; the port follows.
  static Result<Connection> Prepare(const Target& target, Duration patience) {
    Connection connection(target);
    const auto& [host, port] = target.watcher;
    if (target.tls) {
      auto client = std::make_unique<httplib::SSLClient>(host, port);
      if (const auto prepared = PrepareTls(*client, target, connection.rejection_.get()); !prepared)
        return tl::unexpected(prepared.error());
      connection.client_ = std::move(client);
    } else {
      connection.client_ = std::make_unique<httplib::ClientImpl>(host, port);
    }
    connection.client_->set_connection_timeout(kConnectSeconds);
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(patience);
    connection.client_->set_read_timeout(seconds.count(), 0);
    return connection;
  }

  httplib::ClientImpl& client() { return *client_; }

  Result<Response> ToResponse(httplib::Result answer) const {
    if (answer) return Response{answer->status, std::move(answer->body)};
    const auto error = answer.error();
    const std::string address = target_.watcher.ToAddress();
    if (*rejection_ != X509_V_OK)
      return Fail(ErrorKind::kUnavailable, fmt::format("the certificate of the watcher at {} {}", address,
                                                       DescribeRejection(*rejection_, target_.files.ca)));
    const auto code = ERR_peek_error();
    const bool about_ours = IsAboutNoCertificate(code) || IsAboutOurCertificate(code);
    if (!target_.verified && !target_.files.certificate.empty() && about_ours)
      return Fail(
          ErrorKind::kRefused,
          fmt::format("the watcher at {} is up, and rejected the client certificate of this check: {}; "
                      "compare HTTP_TLS_CERT_FILE and HTTP_TLS_KEY_FILE with what it loaded",
                      address, TlsReason().value_or("no reason")));
    if (error == httplib::Error::SSLConnection)
      return Fail(ErrorKind::kUnavailable,
                  fmt::format("no TLS handshake with the watcher at {}: {}; use http:// for one without TLS",
                              address, TlsReason().value_or("it did not answer in time")));
    const bool unsent = error == httplib::Error::Connection || error == httplib::Error::ConnectionTimeout;
    if (unsent) return Fail(ErrorKind::kUnavailable, "no watcher answers at " + address);
    // With TLS 1.3 a server says only then what it thinks of our certificate.
    if (const auto reason = TlsReason(); target_.tls && reason)
      return Fail(ErrorKind::kUnavailable,
                  fmt::format("the watcher at {} refuses the connection: {}; where it demands a certificate, "
                              "give HTTP_TLS_CERT_FILE, HTTP_TLS_KEY_FILE and HTTP_TLS_VERIFY_CLIENT",
                              address, *reason));
    return Fail(ErrorKind::kUnknownOutcome, fmt::format("no watcher answers at {} in time", address));
  }

 private:
  explicit Connection(const Target& target) : target_(target), rejection_(std::make_unique<int>(X509_V_OK)) {}

  // OpenSSL verifies while it shakes hands, the name too: the library would do it afterwards, and not say
  // why.
  static redis_zk::Status PrepareTls(httplib::SSLClient& client, const Target& target, int* rejection) {
    SSL_CTX* const context = client.ssl_context();
    if (context == nullptr) return Fail(ErrorKind::kInternal, "out of memory");
    auto prepared = PrepareClient(context, target.files);
    // Files that are being replaced say nothing of the watcher, which has loaded others.
    if (!prepared && !target.verified) prepared = PrepareClient(context, {});
    if (!prepared) return prepared;
    client.enable_server_certificate_verification(false);
    if (!target.verified) {
      SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nullptr);
      return {};
    }
    X509_VERIFY_PARAM* const rules = SSL_CTX_get0_param(context);
    // A certificate that is trusted itself needs no authority.
    X509_VERIFY_PARAM_set_flags(rules, X509_V_FLAG_PARTIAL_CHAIN);
    const std::string& host = target.watcher.host;
    if (target.by_name && IsIpAddress(host)) X509_VERIFY_PARAM_set1_ip_asc(rules, host.c_str());
    if (target.by_name && !IsIpAddress(host)) X509_VERIFY_PARAM_set1_host(rules, host.c_str(), host.size());
    SSL_CTX_set_app_data(context, rejection);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, &NoteRejection);
    return {};
  }

  static int NoteRejection(int accepted, X509_STORE_CTX* check) {
    if (accepted == 1) return 1;
    const auto* const tls =
        static_cast<SSL*>(X509_STORE_CTX_get_ex_data(check, SSL_get_ex_data_X509_STORE_CTX_idx()));
    *static_cast<int*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(tls))) = X509_STORE_CTX_get_error(check);
    return 0;
  }

  Target target_;
  std::unique_ptr<int> rejection_;  // why the server's certificate was rejected, as OpenSSL numbers it
  std::unique_ptr<httplib::ClientImpl> client_;
};

httplib::Headers ToHeaders(const Headers& headers) { return {headers.begin(), headers.end()}; }

}  // namespace

Result<Response> Get(const Target& target, const std::string& path, const Headers& headers,
                     Duration patience) {
  auto connection = Connection::Prepare(target, patience);
  if (!connection) return tl::unexpected(connection.error());
  return connection->ToResponse(connection->client().Get(path.c_str(), ToHeaders(headers)));
}

Result<Response> Post(const Target& target, const std::string& path, const Headers& headers,
                      Duration patience) {
  auto connection = Connection::Prepare(target, patience);
  if (!connection) return tl::unexpected(connection.error());
  return connection->ToResponse(
      connection->client().Post(path.c_str(), ToHeaders(headers), std::string(), "text/plain"));
}

Result<Response> Stream(const Target& target, const std::string& path, const Headers& headers,
                        Duration patience, const Take& take) {
  auto connection = Connection::Prepare(target, patience);
  if (!connection) return tl::unexpected(connection.error());
  int status = kOk;
  bool ended = false;
  std::string refusal;
  auto answer = connection->client().Get(
      path.c_str(), ToHeaders(headers),
      [&status](const httplib::Response& response) {
        status = response.status;
        return true;
      },
      [&](const char* data, std::size_t length) {
        if (status != kOk) {
          refusal.append(data, length);
          return true;
        }
        ended = !take({data, length});
        return !ended;
      });
  if (ended) return Response{status, ""};
  auto reply = connection->ToResponse(std::move(answer));
  if (reply) reply->body = std::move(refusal);
  return reply;
}

Endpoint ReachableAt(const Endpoint& listen) {
  if (!IsWildcard(listen.host)) return listen;
  return {listen.host.find(':') == std::string::npos ? "127.0.0.1" : "::1", listen.port};
}

std::string Encoded(std::string_view text) {
  std::string encoded;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = std::isalnum(byte) != 0 || std::string_view("-._~").find(c) != std::string_view::npos;
    encoded += plain ? std::string(1, c) : fmt::format("%{:02X}", byte);
  }
  return encoded;
}

}  // namespace redis_zk::watcher::web
