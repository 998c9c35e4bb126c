#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "support/authority.h"
#include "watcher/options.h"
#include "watcher/web/connection.h"

namespace redis_zk::testing::http_tls_test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;
using watcher::HttpTls;
using watcher::SettleHttpTls;
using watcher::web::Connection;

TlsFiles ForPort(TlsFiles files, ClientCertificates demanded) {
  files.serves = false;
  files.demanded = demanded;
  return files;
}

TEST(HttpTlsTest, SaysWhichOptionIsWrong) {
  const Authority authority;
  const TlsFiles good = ForPort(authority.Certify("watcher"), ClientCertificates::kRequired);
  struct Row {
    const char* name;
    TlsFiles files;
    const char* said;  // empty: it is right
  };
  const auto with = [&good](auto change) {
    TlsFiles files = good;
    change(files);
    return files;
  };
  const Authority clients;
  for (const auto& [name, files, said] : std::initializer_list<Row>{
           {"nothing", ForPort({}, ClientCertificates::kNone), ""},
           {"a pair and authorities", good, ""},
           {"a pair alone", with([](auto& files) {
              files.ca.clear();
              files.demanded = ClientCertificates::kNone;
            }),
            ""},
           {"clients of another authority", with([&](auto& files) { files.ca = clients.ca(); }), ""},
           {"expired, which is for clients to say",
            ForPort(authority.Certify("old", {.ends = -60}), ClientCertificates::kOptional), ""},
           {"no certificate", with([](auto& files) { files.certificate.clear(); }),
            "HTTP_TLS_CERT_FILE: found none, expected"},
           {"authorities alone", with([](auto& files) {
              files.certificate.clear();
              files.key.clear();
            }),
            "HTTP_TLS_CERT_FILE: found none, expected"},
           {"no key", with([](auto& files) { files.key.clear(); }),
            "HTTP_TLS_KEY_FILE: found none, expected"},
           {"no authorities", with([](auto& files) { files.ca.clear(); }),
            "HTTP_TLS_CA_CERT_FILE: found none, expected"},
           {"authorities of nobody", with([](auto& files) { files.demanded = ClientCertificates::kNone; }),
            "HTTP_TLS_VERIFY_CLIENT: found none, expected"},
           {"another's key", with([&](auto& files) { files.key = authority.Certify("other").key; }),
            "HTTP_TLS_KEY_FILE: "},
           {"no such certificate", with([](auto& files) { files.certificate = "/nowhere/a"; }),
            "HTTP_TLS_CERT_FILE: /nowhere/a: No such file"},
           {"no such authorities", with([](auto& files) { files.ca = "/nowhere/ca"; }),
            "HTTP_TLS_CA_CERT_FILE: /nowhere/ca: No such file"},
           {"for clients only",
            ForPort(authority.Certify("client", {.extended_key_usage = "clientAuth"}),
                    ClientCertificates::kOptional),
            "HTTP_TLS_CERT_FILE: "}}) {
    HttpTls tls{.files = files};
    const auto errors = SettleHttpTls(tls);
    if (*said == '\0') {
      EXPECT_THAT(errors, IsEmpty()) << name;
      EXPECT_EQ(tls.source != nullptr, !files.certificate.empty()) << name;
    } else {
      EXPECT_THAT(errors, ElementsAre(StartsWith(said))) << name;
      EXPECT_FALSE(tls.source) << name;
    }
  }
}

TEST(HttpTlsTest, KnowsTheAlertsAboutTheCertificateOfAClient) {
  struct Row {
    int library;
    int reason;
    bool none;
    bool ours;
  };
  for (const auto& [library, reason, none, ours] :
       {Row{ERR_LIB_SSL, SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED, true, false},
        Row{ERR_LIB_SSL, SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE, true, false},
        Row{ERR_LIB_SSL, SSL_R_TLSV1_ALERT_UNKNOWN_CA, false, true},
        Row{ERR_LIB_SSL, SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED, false, true},
        Row{ERR_LIB_SSL, SSL_R_TLSV1_ALERT_INTERNAL_ERROR, false, false},
        Row{ERR_LIB_SSL, SSL_R_CERTIFICATE_VERIFY_FAILED, false, false},
        Row{ERR_LIB_X509, SSL_R_TLSV1_ALERT_UNKNOWN_CA, false, false}, Row{0, 0, false, false}}) {
    const auto code = ERR_PACK(library, 0, reason);
    EXPECT_EQ(IsAboutNoCertificate(code), none) << library << ' ' << reason;
    EXPECT_EQ(IsAboutOurCertificate(code), ours) << library << ' ' << reason;
  }
}

// A client's end of a connection, and the watcher's.
class Pair {
 public:
  explicit Pair(const std::shared_ptr<const TlsContext>& tls)
      : connection_(Open(tls), {"10.0.0.9", 1}, start) {}
  ~Pair() { close(client_); }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;

  Connection& connection() { return connection_; }
  void Send(std::string_view bytes) const {
    EXPECT_EQ(send(client_, bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
  }
  void Leave() const { shutdown(client_, SHUT_RDWR); }
  std::string Receive() const {
    std::array<char, 1024> bytes{};
    const ssize_t length = recv(client_, bytes.data(), bytes.size(), MSG_DONTWAIT);
    return {bytes.data(), length < 0 ? 0 : static_cast<std::size_t>(length)};
  }

  const TimePoint start = TimePoint{} + 1h;

 private:
  redis_zk::Stream Open(const std::shared_ptr<const TlsContext>& tls) {
    std::array<int, 2> fds{};
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds.data()), 0);
    client_ = fds[0];
    return redis_zk::Stream::Accept(fds[1], {"10.0.0.9", 1}, tls);
  }

  int client_ = -1;
  Connection connection_;
};

class ConnectionTlsTest : public ::testing::Test {
 protected:
  using Handshake = Connection::Handshake;
  using State = Connection::State;

  const Authority authority_;
  const std::shared_ptr<const TlsContext> tls_ = std::make_shared<const TlsContext>(
      TlsContext::Load(ForPort(authority_.Certify("watcher"), ClientCertificates::kNone)).value());
  Pair pair_{tls_};
  Connection& connection_ = pair_.connection();
  const TimePoint later_ = pair_.start + 10s;
};

TEST_F(ConnectionTlsTest, IsIdleBeforeTheFirstByteAndHasARequestsTimeFromThenOn) {
  EXPECT_EQ(connection_.state, State::kHandshake);
  EXPECT_TRUE(connection_.idle());
  EXPECT_EQ(connection_.deadline(), pair_.start + 75s);
  EXPECT_EQ(connection_.ShakeHands(later_), Handshake::kUnfinished);
  pair_.Send("\x16\x03\x01");
  EXPECT_EQ(connection_.ShakeHands(later_), Handshake::kUnfinished);
  EXPECT_FALSE(connection_.idle());
  EXPECT_EQ(connection_.deadline(), later_ + 5s);
  pair_.Send("\x02");
  EXPECT_EQ(connection_.ShakeHands(later_ + 2s), Handshake::kUnfinished);
  EXPECT_EQ(connection_.deadline(), later_ + 5s) << "what drips gets no more";
}

TEST_F(ConnectionTlsTest, IsEncryptedBeforeTheFirstByteAndNotesEachLook) {
  EXPECT_TRUE(connection_.socket.encrypted());
  EXPECT_TRUE(connection_.socket.in_handshake());
  EXPECT_EQ(connection_.socket.wanted_events(/*unsent=*/false), POLLIN);
  EXPECT_FALSE(connection_.socket.has_buffered());
  EXPECT_EQ(connection_.moved_at, pair_.start);
  for (const TimePoint at : {later_, later_ + 1s}) {
    EXPECT_EQ(connection_.ShakeHands(at), Handshake::kUnfinished);
    EXPECT_EQ(connection_.moved_at, at) << "the next turn is that of those that have waited longer";
  }
}

TEST_F(ConnectionTlsTest, AnswersHttpInPlain) {
  pair_.Send("GET / HTTP/1.1\r\n");
  EXPECT_EQ(connection_.ShakeHands(later_), Handshake::kPlain);
  EXPECT_EQ(connection_.state, State::kReading);
  EXPECT_FALSE(connection_.socket.encrypted());
  connection_.Append("HTTP/1.1 400 \r\n", later_);
  EXPECT_TRUE(connection_.Flush(later_));
  EXPECT_EQ(pair_.Receive(), "HTTP/1.1 400 \r\n");
}

TEST_F(ConnectionTlsTest, ClosesAtGarbageAndWhenTheClientLeaves) {
  for (const char first : {'\0', 'g', '\x15', '\xff', ' '}) {
    Pair pair(tls_);
    pair.Send(std::string(1, first));
    EXPECT_EQ(pair.connection().ShakeHands(later_), Handshake::kBroken) << int{first};
  }
  pair_.Leave();
  EXPECT_EQ(connection_.ShakeHands(later_), Handshake::kBroken);
  Pair halfway(tls_);
  halfway.Send("\x16\x03\x01");
  EXPECT_EQ(halfway.connection().ShakeHands(later_), Handshake::kUnfinished);
  halfway.Leave();
  EXPECT_EQ(halfway.connection().ShakeHands(later_), Handshake::kBroken);
}

TEST_F(ConnectionTlsTest, TellsByAnAlertWhatIsNoHello) {
  pair_.Send(std::string("\x16\x03\x01\x00\x04\x63\x00\x00\x00", 9));
  EXPECT_EQ(connection_.ShakeHands(later_), Handshake::kRefused);
  connection_.Linger(later_);
  EXPECT_THAT(pair_.Receive(), StartsWith("\x15"));
}

}  // namespace
}  // namespace redis_zk::testing::http_tls_test
