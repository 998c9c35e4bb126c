// What a connection with TLS 1.3 leaves to the next one to the same address: with it neither side shows a
// certificate again or verifies the other's, which is most of what a handshake costs.
//
// The server decides whether it continues a session. Redis and Sentinel do until their certificates change,
// and refuse the whole handshake with `tls-session-caching no` (redis issue 7270): such an address is
// remembered for a minute. After ours have changed there are other sessions. Each is used once, as RFC 8446,
// appendix C.4 advises, and as each resumed connection leaves another one, certificates are verified anew
// after kVerifyAgain at the latest. Any thread.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "base/time.h"

struct ssl_ctx_st;
struct ssl_session_st;
struct ssl_st;

namespace redis_zk {

class TlsSessions {
 public:
  // How long an expired certificate may still be taken for a good one.
  static constexpr Duration kVerifyAgain = 60s;

  // Has the context's connections leave theirs here, which must outlive them.
  explicit TlsSessions(ssl_ctx_st* context);
  TlsSessions(const TlsSessions&) = delete;
  TlsSessions& operator=(const TlsSessions&) = delete;

  // REQUIRES: `tls` is connected, and its handshake has not begun. Whether there is a session to resume; a
  // server that does not know it leads a whole handshake.
  bool Resume(ssl_st* tls);
  // The handshake failed with a session and succeeded without: there are none with this peer for a while.
  void Forbid(ssl_st* tls);

 private:
  struct Free {
    void operator()(ssl_session_st* session) const;
  };
  struct Left {
    std::unique_ptr<ssl_session_st, Free> session;  // nothing: it is in use, or has been used
    TimePoint verified;                             // when certificates were verified last
    TimePoint forbidden_until{};
  };
  static int Keep(ssl_st* tls, ssl_session_st* session) noexcept;
  // Whether there is room for one more address; those with an old session make it.
  bool HasRoom(TimePoint now);

  std::mutex mutex_;
  std::map<std::string, Left> left_;  // by the bytes of the address
};

}  // namespace redis_zk
