#include "net/tls_sessions.h"

#include <openssl/ssl.h>

#include <cstddef>

namespace redis_zk {

namespace {

// A few kilobytes each. A daemon that asks more servers than these begins anew with some.
constexpr std::size_t kMost = 256;

std::string KeyOf(const sockaddr& address, socklen_t length) {
  return {reinterpret_cast<const char*>(&address), length};
}

}  // namespace

void TlsSessions::Free::operator()(ssl_session_st* session) const { SSL_SESSION_free(session); }

TlsSessions::TlsSessions(ssl_ctx_st* context) {
  SSL_CTX_set_app_data(context, this);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, &TlsSessions::Keep);
}

void TlsSessions::Resume(ssl_st* tls, const sockaddr& address, socklen_t length) {
  const std::lock_guard lock(mutex_);
  const auto session = sessions_.extract(KeyOf(address, length));
  if (!session.empty()) SSL_set_session(tls, session.mapped().get());
}

// OpenSSL calls it when the server has sent a ticket. 0: it keeps its reference.
int TlsSessions::Keep(ssl_st* tls, ssl_session_st* session) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  if (getpeername(SSL_get_fd(tls), reinterpret_cast<sockaddr*>(&address), &length) != 0) return 0;
  // A copy: with a connection that is closed without TLS' own farewell, OpenSSL takes its session for broken.
  std::unique_ptr<SSL_SESSION, Free> copy(SSL_SESSION_dup(session));
  if (!copy) return 0;
  auto* const kept = static_cast<TlsSessions*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(tls)));
  const std::lock_guard lock(kept->mutex_);
  if (kept->sessions_.size() >= kMost) kept->sessions_.erase(kept->sessions_.begin());
  kept->sessions_[KeyOf(reinterpret_cast<const sockaddr&>(address), length)] = std::move(copy);
  return 0;
}

}  // namespace redis_zk
