// A TCP connection to a server or from a client, plain or with TLS, that never waits: its owner polls.
//
// One thread at a time. Any error is final, and its message begins with the peer's address.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/endpoint.h"
#include "net/resolver.h"
#include "net/tls_context.h"

struct ssl_st;

namespace redis_zk {

class Stream {
 public:
  // Starts to connect. `tls`: nothing for a plain connection. `names` must outlive the stream; nothing: a
  // host name is an error.
  static Result<Stream> Connect(const Endpoint& server, std::shared_ptr<const TlsContext> tls,
                                Resolver* names);
  // Takes over a connection that a client has opened, which must not block. What TLS needs is allocated by
  // the first Advance: before the client's first byte its connection costs as much as a plain one.
  static Stream Accept(int fd, const Endpoint& client, std::shared_ptr<const TlsContext> tls);
  ~Stream();
  Stream(Stream&&) noexcept;
  Stream& operator=(Stream&&) noexcept;

  // May be another one after each Advance.
  int fd() const { return state_ == State::kResolving ? news_->fd() : fd_; }
  // The IP address that it is connected to; empty while a name is looked up.
  const std::string& address() const { return address_; }
  // The peer has taken the connection, and its part of the TLS handshake is missing.
  bool in_handshake() const { return state_ == State::kHandshake; }
  bool encrypted() const { return context_ != nullptr; }
  // What poll() should wait for; `unsent`: the owner has something to write.
  short wanted_events(bool unsent) const;

  // Goes on after poll() reported `events`. What to try now, Write (POLLOUT) or Read (POLLIN).
  //
  // kUnavailable: there is no server, or it hung up. kRefused: there is one, but one of both does not accept
  // the other's certificate, or it does not speak TLS.
  Result<short> Advance(short events);
  // How many of the bytes were taken; 0: none at present.
  Result<std::size_t> Write(std::string_view bytes);
  // How many bytes have come; 0: none at present. An end is an error, after which ended() tells it from
  // others: the peer may still read.
  Result<std::size_t> Read(char* bytes, std::size_t size);
  bool ended() const { return ended_; }
  // Bytes that have come, and that poll() does not see.
  bool has_buffered() const;

  // The byte that the peer has sent first, which is still to be read; nothing: none has come. Before the
  // handshake begins, it says whether the peer speaks TLS.
  std::optional<char> Peek();
  // Goes on without TLS. REQUIRES: the handshake has not begun.
  void LeaveTls();
  // Nothing more will be written, which the peer hears after what was. What is read from now on is not
  // deciphered.
  void Finish();

 private:
  enum class State { kResolving, kConnecting, kHandshake, kOpen };
  enum class Attempt {
    kWhole,     // there is no session to resume
    kResuming,  // that of an earlier connection
    kAgain,     // whole, since the server did not resume it
  };
  struct Free {
    void operator()(ssl_st* tls) const;
  };
  explicit Stream(Endpoint peer) : peer_(std::move(peer)) {}

  // Once the name stands for an address, connects to it.
  Status Resolve();
  Status Open(const std::string& address);
  // Before anything is sent.
  Status BeginTls();
  Status ShakeHands();
  // Without the session that the server refused. Nothing was sent to it yet.
  Status ConnectAgain();
  // After an OpenSSL call of which `returned` says that it did not succeed. No error: it wants to be called
  // again.
  Status AfterTls(int returned);
  tl::unexpected<Error> TlsFailure(unsigned long code) const;
  tl::unexpected<Error> Gone() const;
  tl::unexpected<Error> Failure(const Error& why) const;
  // By kTls.
  tl::unexpected<Error> Refusal(std::string why) const;

  Endpoint peer_;
  Resolver* names_ = nullptr;
  std::shared_ptr<const Resolver::News> news_;  // while the name is looked up
  std::string address_;
  int fd_ = -1;
  State state_ = State::kConnecting;
  bool ended_ = false;
  short tls_wants_ = 0;  // what TLS waits for, whatever the owner wants
  Attempt attempt_ = Attempt::kWhole;
  std::shared_ptr<const TlsContext> context_;  // nothing: plain
  std::unique_ptr<ssl_st, Free> tls_;          // nothing, too: has not begun
};

}  // namespace redis_zk
