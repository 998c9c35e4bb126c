#include "net/stream.h"

#include <fmt/core.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <string>
#include <utility>

namespace redis_zk {

namespace {

using AddressInfo = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

AddressInfo ParseSocketAddress(const std::string& address, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* raw = nullptr;
  getaddrinfo(address.c_str(), std::to_string(port).c_str(), &hints, &raw);
  return {raw, &freeaddrinfo};
}

}  // namespace

void Stream::Free::operator()(ssl_st* tls) const { SSL_free(tls); }

Stream::~Stream() {
  if (fd_ >= 0) close(fd_);
}
Stream::Stream(Stream&& other) noexcept
    : peer_(std::move(other.peer_)),
      names_(other.names_),
      news_(std::move(other.news_)),
      address_(std::move(other.address_)),
      fd_(std::exchange(other.fd_, -1)),
      state_(other.state_),
      ended_(other.ended_),
      tls_wants_(other.tls_wants_),
      attempt_(other.attempt_),
      context_(std::move(other.context_)),
      tls_(std::move(other.tls_)) {}
Stream& Stream::operator=(Stream&& other) noexcept {
  std::swap(peer_, other.peer_);
  std::swap(names_, other.names_);
  std::swap(news_, other.news_);
  std::swap(address_, other.address_);
  std::swap(fd_, other.fd_);
  std::swap(state_, other.state_);
  std::swap(ended_, other.ended_);
  std::swap(tls_wants_, other.tls_wants_);
  std::swap(attempt_, other.attempt_);
  std::swap(context_, other.context_);
  std::swap(tls_, other.tls_);
  return *this;
}

Result<Stream> Stream::Connect(const Endpoint& server, std::shared_ptr<const TlsContext> tls,
                               Resolver* names) {
  Stream stream(server);
  stream.context_ = std::move(tls);
  stream.names_ = names;
  const bool is_name = names != nullptr && !IsIpAddress(server.host);
  if (const auto begun = is_name ? stream.Resolve() : stream.Open(server.host); !begun)
    return tl::unexpected(begun.error());
  return stream;
}

Status Stream::Resolve() {
  auto found = names_->Find(peer_.host);
  if (found.address && !*found.address) return Failure(found.address->error());
  if (found.address) return Open(**found.address);
  state_ = State::kResolving;
  news_ = std::move(found.news);
  return {};
}

Status Stream::Open(const std::string& address) {
  const auto target = ParseSocketAddress(address, peer_.port);
  if (!target) return Failure({ErrorKind::kInvalid, "not an address"});
  state_ = State::kConnecting;
  news_.reset();
  address_ = address;
  fd_ = socket(target->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0) return Failure({ErrorKind::kUnavailable, std::strerror(errno)});
  const int on = 1;
  setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (connect(fd_, target->ai_addr, target->ai_addrlen) != 0 && errno != EINPROGRESS)
    return Failure({ErrorKind::kUnavailable, std::strerror(errno)});
  if (!context_) return {};
  if (auto begun = BeginTls(); !begun) return begun;
  SSL_set_connect_state(tls_.get());
  return {};
}

Stream Stream::Accept(int fd, const Endpoint& client, std::shared_ptr<const TlsContext> tls) {
  Stream stream(client);
  stream.fd_ = fd;
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  stream.state_ = tls ? State::kHandshake : State::kOpen;
  stream.tls_wants_ = tls ? POLLIN : short{0};
  stream.context_ = std::move(tls);
  return stream;
}

Status Stream::BeginTls() {
  tls_.reset(SSL_new(context_->get()));
  if (!tls_ || SSL_set_fd(tls_.get(), fd_) != 1) return Failure({ErrorKind::kInternal, "out of memory"});
  return {};
}

short Stream::wanted_events(bool unsent) const {
  if (state_ == State::kResolving) return POLLIN;
  if (state_ == State::kConnecting) return POLLOUT;
  if (state_ == State::kHandshake) return tls_wants_;
  return static_cast<short>(POLLIN | tls_wants_ | (unsent ? POLLOUT : 0));
}

Result<short> Stream::Advance(short events) {
  if (events == 0) return short{0};
  if (state_ == State::kResolving) {
    if (const auto resolved = Resolve(); !resolved) return tl::unexpected(resolved.error());
    return short{0};
  }
  const bool broken = (events & (POLLERR | POLLHUP)) != 0 && (events & POLLIN) == 0;
  if (broken || state_ == State::kConnecting) {
    int failure = 0;
    socklen_t length = sizeof failure;
    getsockopt(fd_, SOL_SOCKET, SO_ERROR, &failure, &length);
    if (broken && failure == 0) failure = ECONNRESET;
    if (failure != 0) return Failure({ErrorKind::kUnavailable, std::strerror(failure)});
  }
  if (state_ == State::kConnecting) {
    state_ = tls_ ? State::kHandshake : State::kOpen;
    if (tls_ && attempt_ == Attempt::kWhole && context_->sessions().Resume(tls_.get()))
      attempt_ = Attempt::kResuming;
  }
  if (state_ == State::kHandshake) {
    auto shaken = ShakeHands();
    if (!shaken && attempt_ == Attempt::kResuming) shaken = ConnectAgain();
    if (!shaken) return tl::unexpected(shaken.error());
    if (state_ != State::kOpen) return short{0};
  }
  // Either may be what TLS waits for to do the other.
  return static_cast<short>(tls_ ? POLLIN | POLLOUT : events & (POLLIN | POLLOUT));
}

Status Stream::ShakeHands() {
  if (!tls_) {
    if (auto begun = BeginTls(); !begun) return begun;
    SSL_set_accept_state(tls_.get());
  }
  ERR_clear_error();
  const int returned = SSL_do_handshake(tls_.get());
  if (returned != 1) return AfterTls(returned);
  if (attempt_ == Attempt::kAgain) context_->sessions().Forbid(tls_.get());
  tls_wants_ = 0;
  state_ = State::kOpen;
  return {};
}

Status Stream::ConnectAgain() {
  tls_.reset();
  close(std::exchange(fd_, -1));
  tls_wants_ = 0;
  ended_ = false;
  attempt_ = Attempt::kAgain;
  return Open(address_);
}

Result<std::size_t> Stream::Write(std::string_view bytes) {
  if (!tls_) {
    const ssize_t sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) return static_cast<std::size_t>(sent);
    if (errno == EAGAIN || errno == EINTR) return std::size_t{0};
    return Failure({ErrorKind::kUnavailable, std::strerror(errno)});
  }
  ERR_clear_error();
  const int sent =
      SSL_write(tls_.get(), bytes.data(), static_cast<int>(std::min<std::size_t>(bytes.size(), INT_MAX)));
  tls_wants_ = 0;
  if (sent > 0) return static_cast<std::size_t>(sent);
  if (const auto waits = AfterTls(sent); !waits) return tl::unexpected(waits.error());
  return std::size_t{0};
}

Result<std::size_t> Stream::Read(char* bytes, std::size_t size) {
  if (!tls_) {
    const ssize_t length = recv(fd_, bytes, size, 0);
    if (length > 0) return static_cast<std::size_t>(length);
    ended_ = length == 0;
    if (ended_) return Gone();
    if (errno == EAGAIN || errno == EINTR) return std::size_t{0};
    return Failure({ErrorKind::kUnavailable, std::strerror(errno)});
  }
  ERR_clear_error();
  const int length = SSL_read(tls_.get(), bytes, static_cast<int>(std::min<std::size_t>(size, INT_MAX)));
  if (length > 0) return static_cast<std::size_t>(length);
  if (const auto waits = AfterTls(length); !waits) return tl::unexpected(waits.error());
  return std::size_t{0};
}

bool Stream::has_buffered() const { return tls_ && SSL_pending(tls_.get()) > 0; }

std::optional<char> Stream::Peek() {
  char first = 0;
  const ssize_t length = recv(fd_, &first, 1, MSG_PEEK);
  ended_ = length == 0;
  return length == 1 ? std::optional(first) : std::nullopt;
}

void Stream::LeaveTls() {
  tls_.reset();
  context_.reset();
  tls_wants_ = 0;
  state_ = State::kOpen;
}

void Stream::Finish() {
  // A connection that has failed must not be ended in order.
  if (tls_ && state_ == State::kOpen) SSL_shutdown(tls_.get());
  ERR_clear_error();
  LeaveTls();
  shutdown(fd_, SHUT_WR);
}

Status Stream::AfterTls(int returned) {
  const int error_number = errno;
  switch (SSL_get_error(tls_.get(), returned)) {
    case SSL_ERROR_WANT_READ:
      tls_wants_ = POLLIN;
      return {};
    case SSL_ERROR_WANT_WRITE:
      tls_wants_ = POLLOUT;
      return {};
    case SSL_ERROR_ZERO_RETURN:
      ended_ = true;
      return Gone();
    case SSL_ERROR_SYSCALL:
      if (error_number == 0) return Gone();
      return Failure({ErrorKind::kUnavailable, std::strerror(error_number)});
    default:
      return TlsFailure(ERR_peek_error());
  }
}

tl::unexpected<Error> Stream::TlsFailure(unsigned long code) const {
  const int reason = ERR_GET_LIB(code) == ERR_LIB_SSL ? ERR_GET_REASON(code) : 0;
  const char* const words = ERR_reason_error_string(code);
  const std::string text = words == nullptr ? fmt::format("OpenSSL error {:#x}", code) : words;
  const auto& files = context_->files();
  if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED) {
    return Refusal("its certificate " + DescribeRejection(SSL_get_verify_result(tls_.get()), files.ca));
  }
  if (reason == SSL_R_UNEXPECTED_EOF_WHILE_READING) return Gone();
  if (reason == SSL_R_WRONG_VERSION_NUMBER && in_handshake()) return Refusal("it does not speak TLS");
  if (files.certificate.empty() && IsAboutNoCertificate(code))
    return Refusal("it wants a client certificate, and none is configured: " + text);
  if (IsAboutOurCertificate(code)) {
    return Refusal(fmt::format("it refuses the certificate in {}: {}", files.certificate, text));
  }
  return Refusal("TLS failed: " + text);
}

tl::unexpected<Error> Stream::Gone() const {
  const bool is_server = !tls_ || SSL_is_server(tls_.get()) == 0;
  return Failure(
      {ErrorKind::kUnavailable, fmt::format("{} closed the connection{}", is_server ? "Server" : "Client",
                                            in_handshake() ? " during the TLS handshake" : "")});
}

tl::unexpected<Error> Stream::Failure(const Error& why) const { return Fail(peer_.ToAddress(), why); }

tl::unexpected<Error> Stream::Refusal(std::string why) const {
  return Failure({ErrorKind::kRefused, std::move(why), Cause::kTls});
}

}  // namespace redis_zk
