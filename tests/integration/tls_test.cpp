// TLS to Redis: the files, the handshake, and what is said where it fails, against real servers.
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "os/descriptor.h"
#include "redis/servers.h"
#include "support/authority.h"
#include "support/listener.h"
#include "support/proxy.h"
#include "support/servers.h"
#include "support/wait.h"

namespace redis_zk::testing::tls_test {
namespace {

constexpr Duration kTimeout = 5s;
constexpr Duration kShort = 300ms;
const redis::Credentials kNobody;

TlsSource Source(const TlsFiles& files) {
  auto context = TlsContext::Load(files);
  if (!context) throw std::runtime_error(context.error().message);
  return TlsSource(std::move(*context));
}

RedisServer TlsServer(const TlsFiles& files, const std::string& auth_clients = "yes",
                      const std::string& more = "") {
  return RedisServer(
      [&](std::uint16_t port) { return Authority::Conf(files, port, auth_clients) + "\n" + more; });
}

void WriteText(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

Result<redis::Replies> Ask(const Endpoint& server, const TlsSource* tls, Duration timeout = kTimeout,
                           const std::vector<redis::Command>& commands = {{"PING"}}) {
  return redis::ConnectedServers({kNobody, tls}, timeout).Ask(server, commands);
}

TEST(TlsContextTest, SaysWhatIsWrongWithAFile) {
  const Authority ours;
  const Authority theirs;
  const TlsFiles good = ours.Certify("node");
  WriteText(ours.Path("empty.pem"), "");
  WriteText(ours.Path("noise.pem"), "-----BEGIN CERTIFICATE-----\nnoise\n-----END CERTIFICATE-----\n");
  struct Row {
    const char* name;
    TlsFiles files;
    const char* file;  // that is named
    const char* said;  // empty: it is right
  };
  const auto with = [&good](auto member, const std::string& path) {
    TlsFiles files = good;
    files.*member = path;
    return files;
  };
  const auto foreign = theirs.Certify("node");
  TlsFiles without_pair{.ca = ours.ca()};
  auto only_client = ours.Certify("client", {.extended_key_usage = "clientAuth"});
  auto only_client_for_clients = only_client;
  only_client_for_clients.serves = false;
  const auto ca_of_theirs = with(&TlsFiles::ca, theirs.ca());
  for (const auto& [name, files, file, said] : std::initializer_list<Row>{
           {"a pair of ours", good, "", ""},
           {"an RSA key", ours.Certify("rsa", {.rsa = true}), "", ""},
           {"authorities alone", without_pair, "", ""},
           {"no authority file", with(&TlsFiles::ca, "/nowhere/ca.pem"), "/nowhere/ca.pem", "No such file"},
           {"an empty authority file", with(&TlsFiles::ca, ours.Path("empty.pem")), "empty.pem",
            "no usable certificate"},
           {"noise", with(&TlsFiles::ca, ours.Path("noise.pem")), "noise.pem", "no usable certificate"},
           {"no certificate file", with(&TlsFiles::certificate, "/nowhere/a"), "/nowhere/a", "No such file"},
           {"a directory", with(&TlsFiles::certificate, "/tmp"), "/tmp", "no usable certificate"},
           {"an empty certificate file", with(&TlsFiles::certificate, ours.Path("empty.pem")), "empty.pem",
            "no usable certificate"},
           {"no key file", with(&TlsFiles::key, "/nowhere/a.key"), "/nowhere/a.key", "No such file"},
           {"a certificate for a key", with(&TlsFiles::key, good.certificate), "node.pem",
            "no usable private key"},
           {"another's key", with(&TlsFiles::key, ours.Certify("other").key), "other.key",
            "is not the key of"},
           {"a key of another type", with(&TlsFiles::key, ours.Certify("rsa2", {.rsa = true}).key),
            "rsa2.key", "is not the key of"},
           {"another authority's certificate", ca_of_theirs, "node.pem", "not signed by an authority in"},
           {"the same the other way round",
            {.ca = ours.ca(), .certificate = foreign.certificate, .key = foreign.key},
            "node.pem",
            "not signed by an authority in"},
           {"expired", ours.Certify("old", {.ends = -60}), "old.pem", "has expired"},
           {"not yet valid", ours.Certify("young", {.begins = 600}), "young.pem", "not valid yet"},
           {"for clients only, but it serves", only_client, "client.pem", "clientAuth and serverAuth"},
           {"for clients only", only_client_for_clients, "", ""},
           {"for servers only", ours.Certify("server", {.extended_key_usage = "serverAuth"}), "server.pem",
            "clientAuth and serverAuth"},
           {"for both", ours.Certify("both", {.extended_key_usage = "clientAuth,serverAuth"}), "", ""}}) {
    const auto context = TlsContext::Load(files);
    const std::string message = context ? "" : context.error().message;
    EXPECT_EQ(context.has_value(), *said == '\0') << name << ": " << message;
    if (context) continue;
    EXPECT_NE(message.find(file), std::string::npos) << name << ": " << message;
    EXPECT_NE(message.find(said), std::string::npos) << name << ": " << message;
  }
}

TEST(TlsContextTest, TakesAKeyWithAPassphraseForNone) {
  const Authority ours;
  TlsFiles files = ours.Certify("node");
  const std::string closed = ours.Path("closed.key");
  ASSERT_EQ(std::system(("openssl pkcs8 -topk8 -in " + files.key + " -out " + closed +
                         " -passout pass:secret >/dev/null 2>&1")
                            .c_str()),
            0);
  files.key = closed;
  const auto context = TlsContext::Load(files);
  ASSERT_FALSE(context);
  EXPECT_NE(context.error().message.find("without a passphrase"), std::string::npos)
      << context.error().message;
}

TEST(TlsTest, AsksAndIsAnswered) {
  const Authority authority;
  const TlsFiles files = authority.Certify("node");
  const auto server = TlsServer(files, "yes", "requirepass right");
  const TlsSource tls = Source(files);
  const redis::Credentials known{"", "right"};
  redis::ConnectedServers servers({known, &tls}, kTimeout);
  // Longer than a record, both ways.
  const std::string large(700'000, 'x');
  const auto replies =
      servers.Ask(server.endpoint(), {{"SET", "k", large}, {"GET", "k"}, {"GET", "none"}, {"NONSENSE"}});
  ASSERT_TRUE(replies) << replies.error().message;
  EXPECT_EQ((*replies)[0].text, "OK");
  EXPECT_EQ((*replies)[1].text, large);
  EXPECT_EQ((*replies)[2].type, redis::Reply::Type::kNil);
  EXPECT_TRUE((*replies)[3].is_error());
  const auto kept = servers.Keep(server.endpoint());
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(kept->AskInfo());
}

TEST(TlsTest, OneSilentServerDelaysNoOther) {
  const Authority authority;
  const TlsFiles files = authority.Certify("node");
  const auto server = TlsServer(files);
  const TlsSource tls = Source(files);
  Proxy silent(server.endpoint());
  silent.Set(Proxy::Mode::kSilent);
  const Endpoint dead{"127.0.0.1", FreePort()};
  const TimePoint asked = Clock::now();
  const auto answers = redis::ConnectedServers({kNobody, &tls}, kShort)
                           .AskAll({silent.endpoint(), server.endpoint(), dead}, {{"PING"}});
  EXPECT_LT(Clock::now() - asked, kTimeout);
  ASSERT_FALSE(answers[0]);
  EXPECT_EQ(answers[0].error().kind, ErrorKind::kTimeout);
  EXPECT_NE(answers[0].error().message.find("did not finish the TLS handshake"), std::string::npos)
      << answers[0].error().message;
  ASSERT_TRUE(answers[1]) << answers[1].error().message;
  EXPECT_EQ(answers[1]->front().text, "PONG");
  ASSERT_FALSE(answers[2]);
  EXPECT_EQ(answers[2].error().kind, ErrorKind::kUnavailable);
}

TEST(TlsTest, SurvivesAReadTimeout) {
  const Authority authority;
  const TlsFiles files = authority.Certify("node");
  const auto server = TlsServer(files);
  const TlsSource tls = Source(files);
  Proxy proxy(server.endpoint());
  auto connection = redis::Connection::Start(proxy.endpoint(), {kNobody, &tls});
  ASSERT_TRUE(connection);
  connection->Send({"PING"});
  ASSERT_TRUE(connection->Receive(Clock::now() + kTimeout));
  proxy.Set(Proxy::Mode::kSilent);
  connection->Send({"ECHO", "later"});
  const auto nothing = connection->Receive(Clock::now() + kShort);
  ASSERT_TRUE(nothing) << nothing.error().message;
  EXPECT_FALSE(nothing->has_value());
  proxy.Set(Proxy::Mode::kForward);
  const auto reply = connection->Receive(Clock::now() + kTimeout);
  ASSERT_TRUE(reply && reply->has_value());
  EXPECT_EQ((*reply)->text, "later");
  proxy.Disconnect();
  const auto ended = connection->Receive(Clock::now() + kTimeout);
  ASSERT_FALSE(ended) << "the peer hung up";
  EXPECT_EQ(ended.error().kind, ErrorKind::kUnavailable);
}

TEST(TlsTest, SaysWhyTheHandshakeFailed) {
  const Authority ours;
  const Authority theirs;
  const TlsFiles node = ours.Certify("node");
  const TlsFiles stranger = theirs.Certify("stranger");
  struct Row {
    const char* name;
    TlsFiles server;
    const char* auth_clients;
    TlsFiles client;
    const char* said;  // empty: answered
  };
  const TlsFiles no_pair{.ca = ours.ca()};
  const TlsFiles trusting_both{
      .ca = ours.Path("both.pem"), .certificate = stranger.certificate, .key = stranger.key};
  std::filesystem::copy_file(ours.ca(), trusting_both.ca);
  std::ofstream(trusting_both.ca, std::ios::app) << std::ifstream(theirs.ca()).rdbuf();
  for (const auto& [name, of_server, auth_clients, of_client, said] : std::initializer_list<Row>{
           {"both ours", node, "yes", node, ""},
           {"a client without a certificate where none is needed", node, "optional", no_pair, ""},
           {"a client without a certificate", node, "yes", no_pair, "wants a client certificate"},
           {"a server of another authority", stranger, "yes", node,
            "certificate is not signed by an authority in"},
           {"an expired server", ours.Certify("old", {.ends = -60}), "yes", node, "certificate has expired"},
           {"a client of another authority", node, "yes", trusting_both, "refuses the certificate in"},
           {"the same where none is needed", node, "optional", trusting_both,
            "refuses the certificate in"}}) {
    for (const char* version : {"TLSv1.2", "TLSv1.3"}) {
      const auto server = TlsServer(of_server, auth_clients, std::string("tls-protocols ") + version);
      const TlsSource tls = Source(of_client);
      const auto replies = Ask(server.endpoint(), &tls);
      const std::string message = replies ? "" : replies.error().message;
      EXPECT_EQ(replies.has_value(), *said == '\0') << name << ", " << version << ": " << message;
      if (replies) continue;
      EXPECT_EQ(replies.error().kind, ErrorKind::kRefused) << name << ", " << version << ": " << message;
      EXPECT_NE(message.find(said), std::string::npos) << name << ", " << version << ": " << message;
      EXPECT_TRUE(message.starts_with(server.address())) << name << ": " << message;
    }
  }
}

// A peer that takes one connection, says something, and says no more; it stays until the end.
class Peer {
 public:
  explicit Peer(std::string says)
      : thread_([this, says = std::move(says)] {
          const os::Descriptor taken(accept(listener_.fd(), nullptr, nullptr));
          [[maybe_unused]] const ssize_t sent = send(taken.get(), says.data(), says.size(), MSG_NOSIGNAL);
          shutdown(taken.get(), SHUT_WR);
          std::array<char, 1024> bytes;
          while (recv(taken.get(), bytes.data(), bytes.size(), 0) > 0) continue;
        }) {}
  ~Peer() { thread_.join(); }
  Endpoint endpoint() const { return {"127.0.0.1", listener_.port()}; }

 private:
  const Listener listener_;
  std::thread thread_;
};

TEST(TlsTest, APeerThatClosesItsHalfOrTalksNonsense) {
  const Authority authority;
  const TlsSource tls = Source(authority.Certify("node"));
  struct Row {
    const char* says;
    ErrorKind kind;
    const char* said;
  };
  for (const auto& [says, kind, said] : std::initializer_list<Row>{
           {"", ErrorKind::kUnavailable, "closed the connection during the TLS handshake"},
           {"-ERR max number of clients reached\r\n", ErrorKind::kRefused, "does not speak TLS"},
           {"HTTP/1.1 400 Bad Request\r\n\r\n", ErrorKind::kRefused, "does not speak TLS"},
           {"\x16\x03", ErrorKind::kUnavailable, "closed the connection during the TLS handshake"}}) {
    const Peer peer(says);
    const auto replies = Ask(peer.endpoint(), &tls);
    ASSERT_FALSE(replies);
    EXPECT_EQ(replies.error().kind, kind) << says << ": " << replies.error().message;
    EXPECT_NE(replies.error().message.find(said), std::string::npos)
        << says << ": " << replies.error().message;
  }
}

TEST(TlsTest, SpeaksNothingOlderThanTls12) {
  const Authority authority;
  const TlsFiles files = authority.Certify("node");
  const auto server =
      TlsServer(files, "yes", "tls-protocols \"TLSv1 TLSv1.1\"\ntls-ciphers DEFAULT@SECLEVEL=0");
  const TlsSource tls = Source(files);
  const auto replies = Ask(server.endpoint(), &tls, kShort);
  ASSERT_FALSE(replies);
  EXPECT_NE(replies.error().message.find("TLS failed"), std::string::npos) << replies.error().message;
}

TEST(TlsTest, ToldApartFromWithout) {
  const Authority authority;
  const TlsFiles files = authority.Certify("node");
  const TlsSource tls = Source(files);
  const auto with = TlsServer(files);
  const RedisServer without;
  const auto plain_at_tls = Ask(with.endpoint(), nullptr);
  ASSERT_FALSE(plain_at_tls);
  EXPECT_EQ(plain_at_tls.error().kind, ErrorKind::kUnavailable) << plain_at_tls.error().message;
  // What a Redis takes for a line has no end.
  const auto tls_at_plain = Ask(without.endpoint(), &tls, kShort);
  ASSERT_FALSE(tls_at_plain);
  EXPECT_NE(tls_at_plain.error().message.find("TLS"), std::string::npos) << tls_at_plain.error().message;
}

TEST(TlsTest, NewConnectionsUseWhatWasLoadedLast) {
  const Authority ours;
  const Authority theirs;
  const auto server = TlsServer(theirs.Certify("server"));
  TlsSource tls = Source(ours.Certify("client"));
  redis::ConnectedServers servers({kNobody, &tls}, kTimeout);
  const auto kept = servers.Keep(server.endpoint());
  EXPECT_FALSE(kept->AskInfo());
  auto next = TlsContext::Load(theirs.Certify("client"));
  ASSERT_TRUE(next);
  tls.Set(std::move(*next));
  EXPECT_TRUE(kept->AskInfo());
  EXPECT_TRUE(servers.AskInfo(server.endpoint()));
}

// A certificate and the proof of its key, which a handshake that resumes a session has not.
constexpr std::size_t kCertificate = 600;  // bytes

// Asks through proxies on one port: how many bytes the server sends for it; nothing: no answer.
class MeasuredAsks {
 public:
  explicit MeasuredAsks(const TlsSource& tls, const Endpoint& server)
      : tls_(tls), proxy_(std::make_unique<Proxy>(server)), endpoint_(proxy_->endpoint()) {}

  std::optional<std::size_t> operator()() {
    const std::size_t before = proxy_ ? proxy_->answered() : 0;
    last_ = Ask(endpoint_, &tls_);
    if (!last_) return std::nullopt;
    return proxy_->answered() - before;
  }
  const Error& error() const { return last_.error(); }
  // Nobody listens there any more.
  void Unplug() { proxy_.reset(); }
  // This server has the address now.
  void Plug(const Endpoint& server) {
    Unplug();
    proxy_ = std::make_unique<Proxy>(server, endpoint_.port);
  }

 private:
  const TlsSource& tls_;
  std::unique_ptr<Proxy> proxy_;
  const Endpoint endpoint_;
  Result<redis::Replies> last_;
};

class TlsSessionsTest : public ::testing::Test {
 protected:
  // As a daemon does.
  TlsSessionsTest() : before_(std::signal(SIGPIPE, SIG_IGN)) {}
  ~TlsSessionsTest() override { std::signal(SIGPIPE, before_); }

 private:
  void (*before_)(int);
};

// The machine's time, later by this.
class Later final : public TimeSource {
 public:
  explicit Later(Duration by) : by_(by) { Clock::Replace(this); }
  ~Later() override { Clock::Replace(nullptr); }
  Later(const Later&) = delete;
  Later& operator=(const Later&) = delete;

  TimePoint Now() override { return std::chrono::steady_clock::now() + by_; }
  Duration TimeToBlock(TimePoint deadline) override { return Remaining(deadline, Now()); }

 private:
  const Duration by_;
};

TEST_F(TlsSessionsTest, ShowNoCertificateTwice) {
  const Authority ours;
  const auto server = TlsServer(ours.Certify("server"), "yes");
  TlsSource tls = Source(ours.Certify("client"));
  MeasuredAsks ask(tls, server.endpoint());
  const auto whole = ask();
  ASSERT_TRUE(whole && *whole > kCertificate);
  for (int i = 0; i < 3; ++i) {
    const auto resumed = ask();
    ASSERT_TRUE(resumed) << ask.error().message;
    EXPECT_LT(*resumed + kCertificate, *whole);
  }
  ask.Unplug();
  EXPECT_FALSE(ask());
  ask.Plug(server.endpoint());
  const auto after_the_fault = ask();
  ASSERT_TRUE(after_the_fault);
  EXPECT_LT(*after_the_fault + kCertificate, *whole);
  auto again = TlsContext::Load(ours.Certify("client"));
  ASSERT_TRUE(again);
  tls.Set(std::move(*again));
  const auto with_new_files = ask();
  ASSERT_TRUE(with_new_files);
  EXPECT_GT(*with_new_files + 100, *whole) << "what is loaded now decides";
}

// However often a session was resumed since.
TEST_F(TlsSessionsTest, LastForAMinute) {
  const Authority ours;
  const auto server = TlsServer(ours.Certify("server"), "yes");
  const TlsSource tls = Source(ours.Certify("client"));
  MeasuredAsks ask(tls, server.endpoint());
  const auto whole = ask();
  ASSERT_TRUE(whole);
  for (const auto& [after, resumes] :
       {std::pair{30s, true}, {59s, true}, {60s, false}, {90s, true}, {119s, true}, {121s, false}}) {
    const Later later(after);
    const auto asked = ask();
    ASSERT_TRUE(asked) << ask.error().message;
    EXPECT_EQ(*asked + kCertificate < *whole, resumes) << after.count() << " s";
  }
}

TEST_F(TlsSessionsTest, AreOfAServerAndNotOfItsAddress) {
  const Authority ours;
  const Authority theirs;
  const auto server = TlsServer(ours.Certify("server"), "optional");
  const auto successor = TlsServer(ours.Certify("server"), "optional");
  const auto stranger = TlsServer(theirs.Certify("server"), "no");
  const TlsSource tls = Source(ours.Certify("client"));
  MeasuredAsks ask(tls, server.endpoint());
  const auto whole = ask();
  ASSERT_TRUE(whole);
  ASSERT_LT(*ask() + kCertificate, *whole);
  ask.Plug(successor.endpoint());
  const auto of_successor = ask();
  ASSERT_TRUE(of_successor) << ask.error().message;
  EXPECT_GT(*of_successor + 100, *whole);
  ask.Plug(stranger.endpoint());
  ASSERT_FALSE(ask());
  EXPECT_EQ(ask.error().cause, Cause::kTls) << ask.error().message;
}

TEST_F(TlsSessionsTest, AreNotForServersThatRefuseThem) {
  const Authority ours;
  const TlsSource tls = Source(ours.Certify("client"));
  struct Row {
    const char* name;
    const char* conf;
  };
  for (const auto& [name, conf] :
       {Row{"no cache", "tls-session-caching no"}, Row{"TLS 1.2", "tls-protocols TLSv1.2"}}) {
    const auto server = TlsServer(ours.Certify("server"), "optional", conf);
    MeasuredAsks ask(tls, server.endpoint());
    std::vector<std::size_t> sent;
    for (int i = 0; i < 5; ++i) {
      const auto answered = ask();
      ASSERT_TRUE(answered) << name << ": " << ask.error().message;
      sent.push_back(*answered);
    }
    EXPECT_GT(sent.back() + 100, sent.front()) << name;
    EXPECT_LT(sent.back(), sent.front() + 100) << name << ": no vain attempt any more";
  }
}

}  // namespace
}  // namespace redis_zk::testing::tls_test
