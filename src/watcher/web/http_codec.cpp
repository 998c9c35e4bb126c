#include "watcher/web/http_codec.h"

#include <fmt/core.h>
#include <httplib.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <ctime>
#include <exception>
#include <functional>
#include <utility>

#include "base/log.h"
#include "watcher/web/answers.h"

namespace redis_zk::watcher::web {

namespace {

constexpr int kNotModified = 304;
// Below that, the library takes longer than it saves.
constexpr std::size_t kWorthCompressing = 1024;
// The page is one file that asks this watcher alone.
constexpr const char* kPagePolicy =
    "default-src 'none'; connect-src 'self'; img-src data:; style-src 'unsafe-inline'; "
    "script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

std::string Date() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  std::array<char, 32> text{};
  // The names of days and months are those of the "C" locale, which no daemon leaves.
  std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  return text.data();
}

const char* ReasonOf(int status) {
  switch (status) {
    case 400:
      return "Bad Request";
    case 408:
      return "Request Timeout";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 417:
      return "Expectation Failed";
    case 431:
      return "Request Header Fields Too Large";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Internal Server Error";
  }
}

// A request in memory, and room for its answer.
class MemoryStream : public httplib::Stream {
 public:
  MemoryStream(std::string_view request, const Endpoint& from) : request_(request), from_(from) {}

  bool is_readable() const override { return true; }
  bool is_writable() const override { return true; }
  ssize_t read(char* to, std::size_t size) override {
    const std::size_t length = std::min(size, request_.size());
    std::memcpy(to, request_.data(), length);
    request_.remove_prefix(length);
    return static_cast<ssize_t>(length);
  }
  ssize_t write(const char* from, std::size_t size) override {
    answer_.append(from, size);
    return static_cast<ssize_t>(size);
  }
  void get_remote_ip_and_port(std::string& ip, int& port) const override {
    ip = from_.host;
    port = from_.port;
  }
  void get_local_ip_and_port(std::string& ip, int& port) const override {
    ip.clear();
    port = 0;
  }
  socket_t socket() const override { return INVALID_SOCKET; }

  std::string TakeAnswer() { return std::move(answer_); }

 private:
  std::string_view request_;
  const Endpoint& from_;
  std::string answer_;
};

// A list may come in several headers.
bool KnowsAlready(const httplib::Request& request, const std::string& entity_tag) {
  const auto headers = request.headers.equal_range("If-None-Match");
  return !entity_tag.empty() && std::any_of(headers.first, headers.second, [&entity_tag](const auto& header) {
    return NamesEntityTag(header.second, entity_tag);
  });
}

void SetHeaders(httplib::Response& response, const Answer& answer) {
  response.status = answer.status;
  // The list changes with the next failover; a cache in between would hide that.
  response.set_header("Cache-Control", answer.cache_control);
  response.set_header("Vary", "Accept, Accept-Encoding");
  if (answer.content_type == kPageType) response.set_header("Content-Security-Policy", kPagePolicy);
  if (answer.age) response.set_header("Age", std::to_string(answer.age->count()));
  if (answer.status == 200 && !answer.version.empty()) response.set_header("ETag", EntityTagOf(answer));
}

ClientRequest ToClientRequest(const httplib::Request& request, const Asked& asked) {
  ClientRequest read{.method = request.method,
                     .path = request.path,
                     .query = {},
                     .accept = request.get_header_value("Accept"),
                     .authorization = request.get_header_value("Authorization"),
                     .last_event_id = std::nullopt,
                     .host = request.get_header_value("Host"),
                     .from = asked.from,
                     .encrypted = asked.encrypted,
                     .asked_at = asked.at,
                     .may_wait = asked.may_wait};
  if (request.has_header("Last-Event-ID")) read.last_event_id = request.get_header_value("Last-Event-ID");
  for (const auto& [name, value] : request.params) read.query.emplace(name, value);
  // As to a proxy: what it names comes before the header (RFC 9112, 3.2.2).
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!read.path.starts_with(scheme)) continue;
    const auto slash = read.path.find('/', scheme.size());
    read.host = read.path.substr(scheme.size(), slash - scheme.size());
    read.path = slash == std::string::npos ? "/" : read.path.substr(slash);
    break;
  }
  return read;
}

using Setup = std::function<void(httplib::Request&)>;

// The library hands nothing of ours through to a handler.
struct Exchange {
  const Asked& asked;
  Outcome outcome;
  std::shared_ptr<const Topology> follows_from{};
};
thread_local Exchange* current = nullptr;

}  // namespace

class HttpCodec::Library : public httplib::Server {
 public:
  explicit Library(Responder& responder) : responder_(responder) {
    // It is all there is: a body is left where it is, for what follows is found without the library.
    set_pre_routing_handler([this](const httplib::Request& request, httplib::Response& response) {
      Handle(request, response);
      return HandlerResponse::Handled;
    });
    set_exception_handler(
        [](const httplib::Request&, httplib::Response& response, std::exception_ptr thrown) {
          response.status = 500;
          try {
            std::rethrow_exception(std::move(thrown));
          } catch (const std::exception& error) {
            log::Error({.event = "http-request-failed"},
                       "an HTTP request failed: {}; this is a bug of the watcher", error.what());
          }
        });
    set_error_handler([](const httplib::Request&, httplib::Response& response) {
      if (response.body.empty())
        response.set_content(fmt::format("the request failed with {}", response.status), "text/plain");
    });
    set_post_routing_handler([](const httplib::Request&, httplib::Response& response) {
      // It would promise ranges, and a number of requests.
      response.headers.erase("Accept-Ranges");
      response.headers.erase("Keep-Alive");
      response.set_header("Date", Date());
      if (current->asked.request.is_http10 && current->asked.keeps_alive)
        response.set_header("Connection", current->outcome.stream ? "close" : "keep-alive");
      current->outcome.status = response.status;
    });
  }

  void Process(MemoryStream& stream, const Asked& asked) { Call(&Library::process_request, stream, asked); }

 private:
  // cpp-httplib 0.11.
  void Call(bool (httplib::Server::*process)(httplib::Stream&, bool, bool&, const Setup&),
            MemoryStream& stream, const Asked& asked) {
    bool closed = false;
    (this->*process)(stream, !asked.keeps_alive, closed, nullptr);
  }
  // 0.18.
  void Call(bool (httplib::Server::*process)(httplib::Stream&, const std::string&, int, const std::string&,
                                             int, bool, bool&, const Setup&),
            MemoryStream& stream, const Asked& asked) {
    bool closed = false;
    (this->*process)(stream, asked.from.host, asked.from.port, "", 0, !asked.keeps_alive, closed, nullptr);
  }

  void Handle(const httplib::Request& request, httplib::Response& response) {
    // It hands over a request of its own that is not const. A part of an answer is of no use, and the library
    // repeats it as often as the header asks for it, without the status of a partial answer.
    auto& own = const_cast<httplib::Request&>(request);
    own.ranges.clear();
    const Reply reply = responder_.Respond(ToClientRequest(request, current->asked));
    current->outcome.wait_until = reply.wait_until;
    current->follows_from = reply.follows_from;
    if (reply.wait_until) return;
    SetHeaders(response, reply.answer);
    for (const auto& [name, value] : reply.headers) response.set_header(name, value);
    if (!current->asked.may_compress || reply.stream || reply.answer.body.size() < kWorthCompressing)
      own.headers.erase("Accept-Encoding");
    if (reply.stream) {
      BeginStream(reply, response);
      return;
    }
    response.set_content(reply.answer.body, reply.answer.content_type);
    if (KnowsAlready(request, response.get_header_value("ETag"))) {
      response.status = kNotModified;
      response.body.clear();
    }
  }

  // The library renders the headers alone.
  static void BeginStream(const Reply& reply, httplib::Response& response) {
    current->outcome.stream = reply.stream;
    // nginx would keep the events until it has a buffer full of them.
    response.set_header("X-Accel-Buffering", "no");
    if (!current->asked.request.is_http10) response.set_header("Transfer-Encoding", "chunked");
    response.set_content_provider(kEventStream, [](std::size_t, httplib::DataSink&) { return false; });
  }

  Responder& responder_;
};

HttpCodec::HttpCodec(Responder& responder)
    : responder_(responder), library_(std::make_unique<Library>(responder)) {}

HttpCodec::~HttpCodec() = default;

Outcome HttpCodec::Answer(const Asked& asked) {
  const std::time_t now = std::time(nullptr);
  // Then the bytes of the request say all about the answer.
  const bool alike = asked.keeps_alive == asked.request.keeps_alive && !asked.may_compress;
  if (alike) {
    if (auto kept = rendered_.Find(asked.request.bytes, responder_.topology(), now))
      return {.status = kept->status, .bytes = std::move(kept->bytes)};
  }
  Exchange exchange{asked, {}};
  current = &exchange;
  try {
    MemoryStream stream(asked.request.bytes, asked.from);
    library_->Process(stream, asked);
    exchange.outcome.bytes = stream.TakeAnswer();
  } catch (const std::exception& error) {
    log::Error({.event = "http-request-failed"}, "an HTTP request failed: {}; this is a bug of the watcher",
               error.what());
    exchange.outcome = {.status = 500, .bytes = RenderRefusal({500, "the request failed"})};
  }
  current = nullptr;
  auto& outcome = exchange.outcome;
  if (alike && exchange.follows_from)
    rendered_.Keep(asked.request.bytes, exchange.follows_from, now, {outcome.status, outcome.bytes});
  return std::move(outcome);
}

std::string RenderRefusal(const Refused& refused) {
  return fmt::format(
      "HTTP/1.1 {} {}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\nCache-Control: "
      "no-store\r\nDate: {}\r\nConnection: close\r\n\r\n{}",
      refused.status, ReasonOf(refused.status), refused.why.size(), Date(), refused.why);
}

std::string RenderChunk(std::string_view piece) { return fmt::format("{:x}\r\n{}\r\n", piece.size(), piece); }

}  // namespace redis_zk::watcher::web
