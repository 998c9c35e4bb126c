// A connection to a Redis or a Sentinel. Only this folder includes hiredis.h, which reads and writes the
// protocol and no socket; the subset used exists in hiredis 0.14 and 1.2.
//
// Non-blocking underneath: a read that times out leaves the connection usable. One thread at a time per
// connection.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "net/endpoint.h"
#include "net/resolver.h"
#include "net/stream.h"
#include "net/tls_context.h"
#include "redis/credentials.h"
#include "redis/reply_bounds.h"

struct redisReader;

namespace redis_zk::redis {

using Command = std::vector<std::string>;

struct Reply {
  enum class Type { kNil, kInteger, kText, kError, kArray };
  Type type = Type::kNil;
  std::int64_t integer = 0;
  std::string text;  // kText, and the message of kError
  std::vector<Reply> items;

  bool is_error() const { return type == Type::kError; }
};
using Replies = std::vector<Reply>;  // in the order of the commands

// How to connect to servers of one kind. What it points to must outlive its connections.
struct Access {
  CredentialsSource credentials;
  const TlsSource* tls = nullptr;  // nothing: without TLS
  Resolver* names = nullptr;       // nothing: only to IP addresses
};

class Connection {
 public:
  // Starts to connect; nothing has been sent yet. Once the address is known, the authentication goes first:
  // of two passwords the new one is tried first, and commands wait for its answer. A server outside
  // TRUSTED_NETWORKS, where there is a password, gets neither that nor a command, only a PING: it is kRefused
  // when it answers.
  static Result<Connection> Start(const Endpoint& server, const Access& access);
  ~Connection();
  Connection(Connection&&) noexcept;
  Connection& operator=(Connection&&) noexcept;

  // Queues a command.
  void Send(const Command& command);

  // The next reply that is not the authentication's; nothing when `deadline` passes first, and the connection
  // stays good. kRefused: the authentication or the TLS handshake failed. Any error is final for this
  // connection.
  Result<std::optional<Reply>> Receive(TimePoint deadline);

  // What poll() should wait for on fd().
  int fd() const { return stream_.fd(); }
  short wanted_events() const;
  // Moves bytes after poll() reported `events`, and takes a reply out where one is complete.
  Result<std::optional<Reply>> Progress(short events);

  // The error of an owner who has waited for a reply for so long.
  Error Overdue(Duration timeout) const;

 private:
  struct Free {
    void operator()(redisReader* reader) const;
  };
  Connection(Stream stream, Endpoint server, CredentialsSource credentials);
  // REQUIRES: the address is known.
  void LogIn();
  // Commands wait no longer.
  void Release();
  Result<std::optional<Reply>> TakeReply();
  // The reply to the authentication. Nothing: it went well, or goes on with the old password.
  Status TakeAuthentication(const Reply& reply);
  // Takes in what has arrived.
  Status Read();
  tl::unexpected<Error> Failure(const Error& why) const;

  std::unique_ptr<redisReader, Free> reader_;
  Stream stream_;
  Endpoint server_;
  CredentialsSource credentials_;
  ReplyBounds bounds_;
  std::string unsent_;
  bool logs_in_ = true;  // the address is not known yet
  bool authenticating_ = false;
  std::string
      second_try_;  // the authentication with the old password, until it is sent; empty: there is none
  std::optional<Error> withheld_;  // nothing that the server says counts
  bool holds_ = true;              // commands wait, in `held_`
  std::string held_;
};

// What a person does about a server that refuses us, as half a sentence.
std::string_view HowToBeAccepted(const Error& refusal);

}  // namespace redis_zk::redis
