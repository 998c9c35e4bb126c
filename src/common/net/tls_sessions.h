// What a connection with TLS leaves to the next one to the same address: with it neither side shows a
// certificate again or verifies the other's, which is most of what a handshake costs.
//
// A session says whom both sides once accepted. It ends when the server's certificates change, for that gives
// the server another key for its tickets, when ours do, for they have sessions of their own, and after what
// the server allows (Redis: tls-session-cache-timeout, 300 s). Each is used once, as RFC 8446, appendix C.4
// advises. Any thread.
#pragma once

#include <sys/socket.h>

#include <map>
#include <memory>
#include <mutex>
#include <string>

struct ssl_ctx_st;
struct ssl_session_st;
struct ssl_st;

namespace redis_zk {

class TlsSessions {
 public:
  // Has the context's connections leave theirs here, which must outlive them.
  explicit TlsSessions(ssl_ctx_st* context);
  TlsSessions(const TlsSessions&) = delete;
  TlsSessions& operator=(const TlsSessions&) = delete;

  // REQUIRES: the handshake of `tls`, a connection to `address`, has not begun. Where there is no session, or
  // the server knows it no more, the handshake is a whole one.
  void Resume(ssl_st* tls, const sockaddr& address, socklen_t length);

 private:
  struct Free {
    void operator()(ssl_session_st* session) const;
  };
  static int Keep(ssl_st* tls, ssl_session_st* session);

  std::mutex mutex_;
  std::map<std::string, std::unique_ptr<ssl_session_st, Free>> sessions_;  // by the bytes of the address
};

}  // namespace redis_zk
