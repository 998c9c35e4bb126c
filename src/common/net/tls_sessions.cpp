#include "net/tls_sessions.h"

#include <openssl/ssl.h>
#include <sys/socket.h>

#include <cstddef>
#include <utility>

namespace redis_zk {

namespace {

// A few kilobytes each. Of more servers than these the later ones have whole handshakes.
constexpr std::size_t kMost = 256;
// A server that refuses sessions costs a vain connection this often.
constexpr Duration kForbiddenFor = 60s;

// Empty: it is not connected any more.
std::string PeerOf(SSL* tls) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  if (getpeername(SSL_get_fd(tls), reinterpret_cast<sockaddr*>(&address), &length) != 0) return "";
  return {reinterpret_cast<const char*>(&address), length};
}

}  // namespace

void TlsSessions::Free::operator()(ssl_session_st* session) const { SSL_SESSION_free(session); }

TlsSessions::TlsSessions(ssl_ctx_st* context) {
  SSL_CTX_set_app_data(context, this);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, &TlsSessions::Keep);
}

bool TlsSessions::Resume(ssl_st* tls) {
  const std::string peer = PeerOf(tls);
  const std::lock_guard lock(mutex_);
  const auto left = left_.find(peer);
  if (left == left_.end() || !left->second.session || Clock::now() >= left->second.verified + kVerifyAgain)
    return false;
  const auto session = std::move(left->second.session);
  return SSL_set_session(tls, session.get()) == 1;
}

void TlsSessions::Forbid(ssl_st* tls) {
  const std::string peer = PeerOf(tls);
  const std::lock_guard lock(mutex_);
  if (const auto left = left_.find(peer); left != left_.end())
    left->second.forbidden_until = Clock::now() + kForbiddenFor;
}

bool TlsSessions::HasRoom(TimePoint now) {
  if (left_.size() < kMost) return true;
  std::erase_if(left_, [now](const auto& entry) { return now >= entry.second.verified + kVerifyAgain; });
  return left_.size() < kMost;
}

// OpenSSL calls it when the server has sent a ticket. 0: OpenSSL keeps its reference.
int TlsSessions::Keep(ssl_st* tls, ssl_session_st* session) noexcept {
  // Before TLS 1.3 a resumed connection leaves none.
  if (SSL_version(tls) < TLS1_3_VERSION) return 0;
  const std::string peer = PeerOf(tls);
  if (peer.empty()) return 0;
  auto& sessions = *static_cast<TlsSessions*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(tls)));
  const TimePoint now = Clock::now();
  const std::lock_guard lock(sessions.mutex_);
  auto left = sessions.left_.find(peer);
  if (left == sessions.left_.end()) {
    if (!sessions.HasRoom(now)) return 0;
    left = sessions.left_.emplace(peer, Left{}).first;
  }
  if (SSL_session_reused(tls) == 0) left->second.verified = now;
  if (now < left->second.forbidden_until) return 0;
  // A copy: OpenSSL marks the session of a connection that ends without a close_notify as not resumable.
  left->second.session.reset(SSL_SESSION_dup(session));
  return 0;
}

}  // namespace redis_zk
