#include "redis/connection.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <hiredis/hiredis.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
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

void Append(redisContext* context, const Command& command) {
  std::vector<const char*> words;
  std::vector<std::size_t> lengths;
  for (const auto& word : command) {
    words.push_back(word.data());
    lengths.push_back(word.size());
  }
  redisAppendCommandArgv(context, static_cast<int>(words.size()), words.data(), lengths.data());
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

void Connection::Free::operator()(redisContext* context) const { redisFree(context); }

Connection::Connection(std::unique_ptr<redisContext, Free> context, Endpoint server)
    : context_(std::move(context)), server_(std::move(server)) {}
Connection::~Connection() = default;
Connection::Connection(Connection&&) noexcept = default;
Connection& Connection::operator=(Connection&&) noexcept = default;

Result<Connection> Connection::Start(const Endpoint& server, const Credentials& credentials) {
  std::unique_ptr<redisContext, Free> context(redisConnectNonBlock(server.host.c_str(), server.port));
  if (!context) return Fail(ErrorKind::kInternal, "out of memory");
  Connection connection(std::move(context), server);
  if (connection.context_->err != 0) return connection.Failure();
  fcntl(connection.context_->fd, F_SETFD, FD_CLOEXEC);
  if (!credentials.password.empty()) {
    Command auth{"AUTH"};
    if (!credentials.username.empty()) auth.push_back(credentials.username);
    auth.push_back(credentials.password);
    connection.Send(auth);
    connection.authenticating_ = true;
  }
  return connection;
}

void Connection::Send(const Command& command) {
  Append(context_.get(), command);
  unsent_ = true;
}

int Connection::fd() const { return context_->fd; }

short Connection::wanted_events() const { return static_cast<short>(unsent_ ? POLLIN | POLLOUT : POLLIN); }

tl::unexpected<Error> Connection::Failure() const {
  return Fail(ErrorKind::kUnavailable, fmt::format("{}: {}", server_.ToAddress(), context_->errstr));
}

Result<std::optional<Reply>> Connection::TakeReply() {
  void* raw = nullptr;
  if (redisGetReplyFromReader(context_.get(), &raw) != REDIS_OK) {
    return Fail(ErrorKind::kProtocol, fmt::format("{}: {}", server_.ToAddress(), context_->errstr));
  }
  if (raw == nullptr) return std::nullopt;
  const std::unique_ptr<redisReply, FreeReply> owned(static_cast<redisReply*>(raw));
  Reply reply = ToReply(*owned);
  if (reply.is_error() && reply.text.starts_with(kFull))
    return Fail(ErrorKind::kUnavailable, fmt::format("{}: {}", server_.ToAddress(), reply.text));
  if (!authenticating_) return reply;
  authenticating_ = false;
  if (reply.is_error()) {
    return Fail(ErrorKind::kRefused,
                fmt::format("{} refused the password: {}", server_.ToAddress(), WithoutSecrets(reply.text)));
  }
  return TakeReply();
}

Result<std::optional<Reply>> Connection::Progress(short events) {
  if ((events & (POLLERR | POLLHUP)) != 0 && (events & POLLIN) == 0) {
    int failure = 0;
    socklen_t length = sizeof failure;
    getsockopt(context_->fd, SOL_SOCKET, SO_ERROR, &failure, &length);
    return Fail(ErrorKind::kUnavailable, fmt::format("{}: {}", server_.ToAddress(),
                                                     std::strerror(failure == 0 ? ECONNRESET : failure)));
  }
  if (unsent_ && (events & POLLOUT) != 0) {
    int done = 0;
    if (redisBufferWrite(context_.get(), &done) != REDIS_OK) return Failure();
    unsent_ = done == 0;
  }
  if ((events & POLLIN) != 0) {
    if (auto read = Read(); !read) return tl::unexpected(read.error());
  }
  return TakeReply();
}

Status Connection::Read() {
  const auto fail = [this](ErrorKind kind, std::string_view what) {
    return Fail(kind, fmt::format("{}: {}", server_.ToAddress(), what));
  };
  std::array<char, 16 * 1024> bytes;
  const ssize_t length = recv(context_->fd, bytes.data(), bytes.size(), 0);
  if (length < 0 && (errno == EAGAIN || errno == EINTR)) return {};
  if (length < 0) return fail(ErrorKind::kUnavailable, std::strerror(errno));
  if (length == 0) return fail(ErrorKind::kUnavailable, "Server closed the connection");
  const std::string_view arrived(bytes.data(), static_cast<std::size_t>(length));
  if (const auto checked = bounds_.Check(arrived); !checked)
    return fail(checked.error().kind, checked.error().message);
  if (redisReaderFeed(context_->reader, arrived.data(), arrived.size()) != REDIS_OK)
    return fail(ErrorKind::kInternal, context_->reader->errstr);
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

bool IsFull(const Error& error) { return error.message.find(kFull) != std::string::npos; }

}  // namespace redis_zk::redis
