#include "watcher/web/framing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <variant>

namespace redis_zk::testing::framing_test {
namespace {

using watcher::web::Frame;
using watcher::web::Framed;
using watcher::web::NeedMore;
using watcher::web::Refused;

const std::string kHost = "Host: watcher\r\n";
const std::string kGet = "GET /master HTTP/1.1\r\n" + kHost;

std::string Repeat(const std::string& text, int times) {
  std::string repeated;
  for (int time = 0; time < times; ++time) repeated += text;
  return repeated;
}

TEST(FramingTest, FindsACompleteRequest) {
  struct Row {
    const char* name;
    std::string bytes;
    std::size_t consumed;  // of them
    bool keeps_alive;
  };
  const std::string next = "GET /next HTTP/1.1\r\n";
  const std::string post = "POST /pause HTTP/1.1\r\n" + kHost;
  const std::string old = "GET /master HTTP/1.0\r\n";
  const auto size = [](const std::string& text) { return text.size(); };
  for (const auto& [name, bytes, consumed, keeps_alive] : std::initializer_list<Row>{
           {"one", kGet + "\r\n", size(kGet) + 2, true},
           {"another one behind it", kGet + "\r\n" + next, size(kGet) + 2, true},
           {"empty lines before it", "\r\n\r\n" + kGet + "\r\n", size(kGet) + 6, true},
           {"a body", post + "Content-Length: 3\r\n\r\nabc" + next, size(post) + 24, true},
           {"a body of nothing", kGet + "Content-Length: 0\r\n\r\n", size(kGet) + 21, true},
           {"it is the last", kGet + "Connection: Close\r\n\r\n", size(kGet) + 21, false},
           {"it is the last, among others", kGet + "connection: te, close\r\n\r\n", size(kGet) + 25, false},
           {"HTTP/1.0", old + "\r\n", size(old) + 2, false},
           {"HTTP/1.0 that goes on", old + "Connection: Keep-Alive\r\n\r\n", size(old) + 26, true},
           {"all of a URL", "GET http://watcher/master HTTP/1.1\r\n" + kHost + "\r\n", 53, true},
           {"64 headers", "GET / HTTP/1.1\r\n" + kHost + Repeat("X: y\r\n", 63) + "\r\n", 411, true}}) {
    const auto framing = Frame(bytes);
    const auto* framed = std::get_if<Framed>(&framing);
    ASSERT_NE(framed, nullptr) << name;
    EXPECT_EQ(framed->consumed, consumed) << name;
    EXPECT_EQ(framed->keeps_alive, keeps_alive) << name;
  }
}

TEST(FramingTest, WaitsForTheRest) {
  const std::string whole = "\r\nPOST /pause HTTP/1.1\r\n" + kHost + "Content-Length: 3\r\n\r\nabc";
  for (std::size_t length = 0; length < whole.size(); ++length) {
    const auto framing = Frame(std::string_view(whole).substr(0, length));
    const auto* more = std::get_if<NeedMore>(&framing);
    ASSERT_NE(more, nullptr) << length;
    EXPECT_EQ(more->begun, length > 2) << length;
  }
  const auto framing = Frame(whole);
  const auto* framed = std::get_if<Framed>(&framing);
  ASSERT_NE(framed, nullptr);
  EXPECT_EQ(framed->bytes, whole.substr(2));
  EXPECT_EQ(framed->method, "POST");
  EXPECT_EQ(framed->target, "/pause");
}

TEST(FramingTest, RefusesWhatIsNoRequest) {
  struct Row {
    const char* name;
    std::string bytes;
    int status;
  };
  const std::string post = "POST /pause HTTP/1.1\r\n" + kHost;
  for (const auto& [name, bytes, status] : std::initializer_list<Row>{
           {"a greeting of TLS", "\x16\x03\x01\x02", 400},
           {"another protocol", "*1\r\n$4\r\nPING\r\n", 400},
           {"no version", "GET /master\r\n", 400},
           {"no target", "GET  HTTP/1.1\r\n", 400},
           {"a blank in the target", "GET /a b HTTP/1.1\r\n", 400},
           {"a line feed alone", "GET / HTTP/1.1\n", 400},
           {"a line feed alone after a header", "GET / HTTP/1.1\r\nHost: watcher\nX: y\r\n\r\n", 400},
           {"no HTTP", "GET / HTPP/1.1\r\n", 400},
           {"HTTP/2", "PRI * HTTP/2.0\r\n", 505},
           {"HTTP/9.9", "GET / HTTP/9.9\r\n", 505},
           {"an unknown method", "BREW / HTTP/1.1\r\n", 501},
           {"a method in small letters", "get / HTTP/1.1\r\n", 501},
           {"a request line without an end", "GET /" + std::string(8200, 'x'), 414},
           {"a header without an end", kGet + "X: " + std::string(8200, 'x'), 431},
           {"16 KiB of headers", kGet + Repeat("X: " + std::string(1000, 'x') + "\r\n", 17), 431},
           {"65 headers", kGet + Repeat("X: y\r\n", 65), 431},
           {"two lengths that differ", post + "Content-Length: 3\r\nContent-Length: 4\r\n", 400},
           {"two lengths that do not", post + "Content-Length: 3\r\nContent-Length: 3\r\n", 400},
           {"a list of lengths", post + "Content-Length: 3, 3\r\n", 400},
           {"a length with a sign", post + "Content-Length: +3\r\n", 400},
           {"a length below 0", post + "Content-Length: -1\r\n", 400},
           {"a length of nothing", post + "Content-Length: \r\n", 400},
           {"a length in hexadecimal", post + "Content-Length: 0x3\r\n", 400},
           {"a body of 64 KiB and one", post + "Content-Length: 65537\r\n", 413},
           {"a body beyond numbers", post + "Content-Length: 99999999999999999999999\r\n", 413},
           {"chunks", post + "Transfer-Encoding: chunked\r\n", 501},
           {"chunks and a length", post + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", 501},
           {"a blank before the colon", kGet + "Content-Length : 3\r\n", 400},
           {"a folded header", kGet + "X: y\r\n z\r\n", 400},
           {"a header that begins with a blank", "GET / HTTP/1.1\r\n Host: watcher\r\n", 400},
           {"a header without a colon", kGet + "nothing\r\n", 400},
           {"a header without a name", kGet + ": y\r\n", 400},
           {"a carriage return in a header", kGet + "X: y\rZ: z\r\n", 400},
           {"a zero in a header", kGet + "X: " + std::string(1, '\0') + "\r\n", 400},
           {"no host", "GET / HTTP/1.1\r\n\r\n", 400},
           {"two hosts", kGet + kHost + "\r\n", 400},
           {"a body with GET", kGet + "Content-Length: 3\r\n\r\n", 400},
           {"an expectation of HTTP/1.0", "GET / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n", 417},
           {"an expectation", post + "Content-Length: 3\r\nExpect: 100-continue\r\n\r\n", 417}}) {
    const auto framing = Frame(bytes);
    const auto* refused = std::get_if<Refused>(&framing);
    ASSERT_NE(refused, nullptr) << name;
    EXPECT_EQ(refused->status, status) << name << ": " << refused->why;
    EXPECT_NE(refused->why, "") << name;
  }
}

}  // namespace
}  // namespace redis_zk::testing::framing_test
