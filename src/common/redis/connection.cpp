#include "redis/connection.h"

#include <fmt/core.h>
#include <hiredis/hiredis.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace redis_zk::redis {

namespace {

struct FreeReply {
  void operator()(redisReply* reply) const { freeReplyObject(reply); }
};

Reply ToReply(const redisReply& raw) {
  Reply reply;
  switch (raw.type) {
    case REDIS_REPLY_INTEGER:
      reply.type = Reply::Type::kInteger;
      reply.integer = raw.integer;
      break;
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS:
      reply.type = Reply::Type::kText;
      reply.text.assign(raw.str, raw.len);
      break;
    case REDIS_REPLY_ERROR:
      reply.type = Reply::Type::kError;
      reply.text.assign(raw.str, raw.len);
      break;
    case REDIS_REPLY_ARRAY:
      reply.type = Reply::Type::kArray;
      for (std::size_t i = 0; i < raw.elements; ++i) reply.items.push_back(ToReply(*raw.element[i]));
      break;
    default:  // nil, and RESP3's types, which are never asked for
      break;
  }
  return reply;
}

void Append(const Command& command, std::string* bytes) {
  std::vector<const char*> words;
  std::vector<std::size_t> lengths;
  for (const auto& word : command) {
    words.push_back(word.data());
    lengths.push_back(word.size());
  }
  char* text = nullptr;
  const auto length =
      redisFormatCommandArgv(&text, static_cast<int>(words.size()), words.data(), lengths.data());
  if (length > 0) bytes->append(text, static_cast<std::size_t>(length));
  redisFreeCommand(text);
}

Command AuthOf(const std::string& username, const std::string& password) {
  if (username.empty()) return {"AUTH", password};
  return {"AUTH", username, password};
}

// What the error reply to a command that carried a secret says, for people. The rest of it may repeat the
// secret, as that of a server without AUTH does.
std::string WithoutSecrets(const std::string& error) {
  constexpr std::array<std::string_view, 8> kHarmless{
      "ERR max number of clients reached",
      "DENIED Redis is running in protected mode",
      "WRONGPASS invalid username-password pair or user is disabled.",
      "ERR AUTH <password> called without any password configured for the default user.",
      "ERR Client sent AUTH, but no password is set",
      "ERR invalid password",
      "ERR unknown command",
      "ERR wrong number of arguments for 'auth' command"};
  for (const auto harmless : kHarmless) {
    if (error.starts_with(harmless)) return std::string(harmless);
  }
  const auto code = error.substr(0, error.find(' '));
  constexpr std::array<std::string_view, 6> kCodes{"ERR",     "NOAUTH", "NOPERM",
                                                   "LOADING", "DENIED", "MASTERDOWN"};
  return std::find(kCodes.begin(), kCodes.end(), code) != kCodes.end() ? code : "another error";
}
// Instead of an answer to whatever was asked first, AUTH too; then the server closes the connection.
constexpr std::string_view kFull = "ERR max number of clients";

}  // namespace

void Connection::Free::operator()(redisReader* reader) const { redisReaderFree(reader); }

Connection::Connection(Stream stream, Endpoint server, CredentialsSource credentials)
    : reader_(redisReaderCreate()),
      stream_(std::move(stream)),
      server_(std::move(server)),
      credentials_(std::move(credentials)) {}
Connection::~Connection() = default;
Connection::Connection(Connection&&) noexcept = default;
Connection& Connection::operator=(Connection&&) noexcept = default;

Result<Connection> Connection::Start(const Endpoint& server, const Access& access) {
  auto stream = Stream::Connect(server, access.tls == nullptr ? nullptr : access.tls->Get(), access.names);
  if (!stream) return tl::unexpected(stream.error());
  Connection connection(std::move(*stream), server, access.credentials);
  if (!connection.reader_) return connection.Failure({ErrorKind::kInternal, "out of memory"});
  if (!connection.stream_.address().empty()) connection.LogIn();
  return connection;
}

void Connection::LogIn() {
  logs_in_ = false;
  const auto credentials = credentials_.Get();
  if (credentials->password.empty()) return Release();
  if (!credentials_.trust()->Covers(stream_.address())) {
    withheld_ = credentials_.trust()->Withhold(server_, stream_.address());
    Append({"PING"}, &unsent_);
    return;
  }
  Append(AuthOf(credentials->username, credentials->password), &unsent_);
  authenticating_ = true;
  if (credentials->old_password.empty()) return Release();
  Append(AuthOf(credentials->username, credentials->old_password), &second_try_);
}

void Connection::Release() {
  holds_ = false;
  unsent_ += std::exchange(held_, {});
}

void Connection::Send(const Command& command) { Append(command, holds_ ? &held_ : &unsent_); }

short Connection::wanted_events() const { return stream_.wanted_events(!unsent_.empty()); }

Error Connection::Overdue(Duration timeout) const {
  const auto* const why = logs_in_                 ? "; the look-up of its name has not ended"
                          : stream_.in_handshake() ? "; it took the connection, but did not finish the TLS "
                                                     "handshake, so it may not speak TLS"
                                                   : "";
  return {ErrorKind::kTimeout,
          fmt::format("{}: no answer within {} ms{}", server_.ToAddress(), timeout.count(), why)};
}

tl::unexpected<Error> Connection::Failure(const Error& why) const { return Fail(server_.ToAddress(), why); }

Result<std::optional<Reply>> Connection::TakeReply() {
  void* raw = nullptr;
  if (redisReaderGetReply(reader_.get(), &raw) != REDIS_OK)
    return Failure({ErrorKind::kProtocol, reader_->errstr});
  if (raw == nullptr) return std::nullopt;
  const std::unique_ptr<redisReply, FreeReply> owned(static_cast<redisReply*>(raw));
  Reply reply = ToReply(*owned);
  if (reply.is_error() && reply.text.starts_with(kFull))
    return Failure({ErrorKind::kUnavailable, reply.text, Cause::kFull});
  if (withheld_) return tl::unexpected(*withheld_);
  if (!authenticating_) return reply;
  if (const auto taken = TakeAuthentication(reply); !taken) return tl::unexpected(taken.error());
  return TakeReply();
}

Status Connection::TakeAuthentication(const Reply& reply) {
  if (reply.is_error() && !second_try_.empty()) {
    unsent_ += std::exchange(second_try_, {});
    return {};
  }
  if (reply.is_error()) {
    return Fail(ErrorKind::kRefused,
                fmt::format("{} refused the password: {}", server_.ToAddress(), WithoutSecrets(reply.text)));
  }
  authenticating_ = false;
  second_try_.clear();
  Release();
  return {};
}

Result<std::optional<Reply>> Connection::Progress(short events) {
  const auto ready = stream_.Advance(events);
  if (!ready) return tl::unexpected(ready.error());
  if (logs_in_ && !stream_.address().empty()) LogIn();
  // First: what has come may say why nothing can be written any more.
  if ((*ready & POLLIN) != 0) {
    if (const auto read = Read(); !read) return tl::unexpected(read.error());
  }
  if ((*ready & POLLOUT) != 0 && !unsent_.empty()) {
    const auto sent = stream_.Write(unsent_);
    if (!sent) {
      auto reply = TakeReply();
      return !reply || reply->has_value() ? std::move(reply) : tl::unexpected(sent.error());
    }
    unsent_.erase(0, *sent);
  }
  return TakeReply();
}

Status Connection::Read() {
  std::array<char, 16 * 1024> bytes;
  do {
    const auto length = stream_.Read(bytes.data(), bytes.size());
    if (!length) return tl::unexpected(length.error());
    const std::string_view arrived(bytes.data(), *length);
    if (const auto checked = bounds_.Check(arrived); !checked) return Failure(checked.error());
    if (redisReaderFeed(reader_.get(), arrived.data(), arrived.size()) != REDIS_OK)
      return Failure({ErrorKind::kInternal, reader_->errstr});
  } while (stream_.has_buffered());
  return {};
}

Result<std::optional<Reply>> Connection::Receive(TimePoint deadline) {
  // Replies may have arrived together.
  if (auto reply = TakeReply(); !reply || reply->has_value()) return reply;
  while (true) {
    pollfd waiting{fd(), wanted_events(), 0};
    const int ready = poll(&waiting, 1, PollTimeout(Remaining(deadline, Clock::now())));
    if (ready > 0) {
      if (auto reply = Progress(waiting.revents); !reply || reply->has_value()) return reply;
    } else if (Clock::now() >= deadline) {
      return std::nullopt;
    }
  }
}

std::string_view HowToBeAccepted(const Error& refusal) {
  if (refusal.cause == Cause::kTrustedNetworks)
    return "add its network to TRUSTED_NETWORKS if that server is yours";
  return refusal.cause == Cause::kTls ? "write certificates that both accept"
                                      : "make REDIS_USERNAME and REDIS_PASSWORD match, or the ACL rules";
}

}  // namespace redis_zk::redis
