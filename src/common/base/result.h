// What every fallible call of this project returns: a value, or an Error that says what went wrong.
//
// No exception crosses src/common. An Error carries a kind, for code that branches, and a sentence, for
// people. Context is added while the error travels up: "cannot read /redis/master: connection lost".
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace redis_zk {

enum class ErrorKind {
  kInvalid,         // the input is wrong; trying again changes nothing
  kNotFound,        // the thing asked for is not there
  kAlreadyExists,   // it is there already
  kConflict,        // another client changed it first
  kRefused,         // the server answered, and its answer is no
  kDenied,          // the same, and other credentials are needed
  kUnavailable,     // the server was not reached; nothing was done
  kUnknownOutcome,  // the answer was lost: it may have been done. Find out by reading
  kTimeout,         // no answer in time
  kProtocol,        // the server answered something that cannot be understood
  kInternal,        // the operating system or a library failed
};

// What callers have to tell apart within one kind. It is never read from a message, part of which others may
// have written.
enum class Cause {
  kOther,
  kTrustedNetworks,  // kRefused: the server is outside TRUSTED_NETWORKS, and was told nothing
  kTls,              // kRefused: one of both does not accept the other's certificate, or does not speak TLS
  kFull,             // kUnavailable: the server has no room for another client, which passes
};

struct Error {
  ErrorKind kind;
  std::string message;
  Cause cause = Cause::kOther;
};

template <class T>
using Result = tl::expected<T, Error>;
using Status = Result<void>;

[[nodiscard]] inline tl::unexpected<Error> Fail(ErrorKind kind, std::string message,
                                                Cause cause = Cause::kOther) {
  return tl::unexpected<Error>(Error{kind, std::move(message), cause});
}

// Passes an error on with its context in front.
[[nodiscard]] inline tl::unexpected<Error> Fail(std::string_view context, const Error& cause) {
  return Fail(cause.kind, std::string(context) + ": " + cause.message, cause.cause);
}

}  // namespace redis_zk
