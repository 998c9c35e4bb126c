#include "watcher/web/framing.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <optional>

#include "base/printable.h"

namespace redis_zk::watcher::web {

namespace {

constexpr std::string_view kLineEnd = "\r\n";
constexpr const char* kBareLineFeed = "found a line that does not end with CRLF";
constexpr std::array<std::string_view, 9> kMethods{"GET",   "HEAD",    "POST",    "PUT",  "DELETE",
                                                   "PATCH", "OPTIONS", "CONNECT", "TRACE"};

Refused Bad(std::string why) { return {400, std::move(why)}; }

bool IsTokenChar(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}
bool IsToken(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), IsTokenChar);
}

bool IsSame(std::string_view one, std::string_view other) {
  return std::equal(one.begin(), one.end(), other.begin(), other.end(), [](char a, char b) {
    return std::tolower(static_cast<unsigned char>(a)) == std::tolower(static_cast<unsigned char>(b));
  });
}

std::string_view Trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

bool Names(std::string_view list, std::string_view word) {
  while (true) {
    const auto comma = list.find(',');
    if (IsSame(Trim(list.substr(0, comma)), word)) return true;
    if (comma == std::string_view::npos) return false;
    list.remove_prefix(comma + 1);
  }
}

// What the headers say about where the request ends and what becomes of the connection.
struct HeaderFacts {
  std::size_t body = 0;
  bool has_length = false;
  bool has_host = false;
  bool closes = false;
  bool keeps = false;
  bool expects = false;
};

std::optional<Refused> ReadRequestLine(std::string_view line, Framed* request) {
  const auto first = line.find(' ');
  const auto last = line.rfind(' ');
  if (first == std::string_view::npos || last == first || !IsToken(line.substr(0, first)))
    return Bad(fmt::format("found the request line \"{}\", expected METHOD TARGET HTTP/1.1",
                           Printable(line.substr(0, 80))));
  request->method = line.substr(0, first);
  request->target = line.substr(first + 1, last - first - 1);
  const auto version = line.substr(last + 1);
  const bool is_version = version.size() == 8 && version.starts_with("HTTP/") && version[6] == '.' &&
                          std::isdigit(static_cast<unsigned char>(version[5])) != 0 &&
                          std::isdigit(static_cast<unsigned char>(version[7])) != 0;
  if (!is_version)
    return Bad(fmt::format("found the version \"{}\", expected HTTP/1.1", Printable(version.substr(0, 20))));
  if (version != "HTTP/1.1" && version != "HTTP/1.0") return Refused{505, "only HTTP/1.1 and HTTP/1.0"};
  request->is_http10 = version == "HTTP/1.0";
  if (std::find(kMethods.begin(), kMethods.end(), request->method) == kMethods.end())
    return Refused{501, "only GET and HEAD, and POST and DELETE for the admin API"};
  const bool is_target =
      !request->target.empty() && std::all_of(request->target.begin(), request->target.end(),
                                              [](unsigned char c) { return c > ' ' && c < 127; });
  if (!is_target) return Bad("found characters in the path that must be encoded");
  return std::nullopt;
}

std::optional<Refused> ReadLength(std::string_view value, HeaderFacts* headers) {
  if (headers->has_length) return Bad("found two Content-Length, expected one");
  headers->has_length = true;
  const bool digits = !value.empty() && std::all_of(value.begin(), value.end(),
                                                    [](unsigned char c) { return std::isdigit(c) != 0; });
  if (!digits) return Bad("found a Content-Length that is no number");
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), headers->body);
  if (error != std::errc() || headers->body > kLongestBody)
    return Refused{413, fmt::format("found a body of {} bytes, expected {} at most",
                                    Printable(value.substr(0, 20)), kLongestBody)};
  return std::nullopt;
}

std::optional<Refused> ReadHeader(std::string_view line, HeaderFacts* headers) {
  if (line.front() == ' ' || line.front() == '\t') return Bad("found a folded header line");
  const auto colon = line.find(':');
  if (colon == std::string_view::npos || !IsToken(line.substr(0, colon)))
    return Bad("found a header line that is not NAME: VALUE");
  const auto name = line.substr(0, colon);
  const auto value = Trim(line.substr(colon + 1));
  const bool clean = std::all_of(value.begin(), value.end(),
                                 [](unsigned char c) { return (c >= ' ' && c != 127) || c == '\t'; });
  if (!clean) return Bad("found a control character in a header");
  if (IsSame(name, "Content-Length")) return ReadLength(value, headers);
  if (IsSame(name, "Transfer-Encoding"))
    return Refused{501, "found Transfer-Encoding, expected Content-Length"};
  if (IsSame(name, "Host")) {
    if (headers->has_host) return Bad("found two Host headers, expected one");
    headers->has_host = true;
  }
  if (IsSame(name, "Connection")) {
    headers->closes = headers->closes || Names(value, "close");
    headers->keeps = headers->keeps || Names(value, "keep-alive");
  }
  if (IsSame(name, "Expect")) headers->expects = true;
  return std::nullopt;
}

std::optional<Refused> Judge(const HeaderFacts& headers, Framed* request) {
  if (!headers.has_host && !request->is_http10) return Bad("found no Host header");
  // Nothing here is worth an offer: a client that asks sends its body without asking after this answer.
  if (headers.expects) return Refused{417, "found Expect, expected the body at once"};
  const bool reads = request->method == "GET" || request->method == "HEAD";
  if (headers.body > 0 &&
      (reads || request->method == "OPTIONS" || request->method == "CONNECT" || request->method == "TRACE"))
    return Bad(fmt::format("found a body with {}, expected none", request->method));
  request->keeps_alive = !headers.closes && (!request->is_http10 || headers.keeps);
  return std::nullopt;
}

// `line`: the request line, or as much of it as has come.
std::optional<Refused> JudgeRequestLine(std::string_view line) {
  if (line.size() > kLongestRequestLine)
    return Refused{414, fmt::format("found a request line of more than {} bytes", kLongestRequestLine)};
  if (line.find('\n') != std::string_view::npos) return Bad(kBareLineFeed);
  // The greeting of TLS, for one, has no end of a line that its client could be refused at.
  const auto method = line.substr(0, line.find(' '));
  if (!std::all_of(method.begin(), method.end(), IsTokenChar)) return Bad("found no HTTP request");
  return std::nullopt;
}

// From `at` on, to behind the empty line. Nothing: they are complete.
std::optional<Framing> ReadHeaders(std::string_view bytes, std::size_t* at, HeaderFacts* headers) {
  const std::size_t begin = *at;
  for (std::size_t count = 0;; ++count) {
    const auto rest = bytes.substr(*at);
    const auto length = rest.find(kLineEnd);
    const auto line = rest.substr(0, length);
    if (length == 0) break;
    if (count >= kMostHeaders && line.size() > 1)
      return Refused{431, fmt::format("found more than {} headers", kMostHeaders)};
    if (line.size() > kLongestHeaderLine || *at + line.size() - begin > kMostHeaderBytes)
      return Refused{431, fmt::format("found headers of more than {} bytes, or a line of more than {}",
                                      kMostHeaderBytes, kLongestHeaderLine)};
    if (line.find('\n') != std::string_view::npos) return Bad(kBareLineFeed);
    if (length == std::string_view::npos) return NeedMore{true};
    if (auto refused = ReadHeader(line, headers)) return *refused;
    *at += length + kLineEnd.size();
  }
  *at += kLineEnd.size();
  return std::nullopt;
}

}  // namespace

Framing Frame(std::string_view bytes) {
  std::size_t skipped = 0;
  while (bytes.substr(skipped).starts_with(kLineEnd)) skipped += kLineEnd.size();
  bytes.remove_prefix(skipped);
  if (bytes.empty() || bytes == "\r") return NeedMore{};

  Framed request;
  const auto end = bytes.find(kLineEnd);
  const bool ended = end != std::string_view::npos;
  const auto first = ended ? bytes.substr(0, end) : bytes.substr(0, bytes.size() - bytes.ends_with('\r'));
  if (auto refused = JudgeRequestLine(first)) return *refused;
  if (!ended) return NeedMore{true};
  if (auto refused = ReadRequestLine(first, &request)) return *refused;

  HeaderFacts headers;
  std::size_t at = end + kLineEnd.size();
  if (auto unfinished = ReadHeaders(bytes, &at, &headers)) return *unfinished;
  if (auto refused = Judge(headers, &request)) return *refused;
  if (bytes.size() - at < headers.body) return NeedMore{true};
  request.bytes = bytes.substr(0, at + headers.body);
  request.consumed = skipped + request.bytes.size();
  return request;
}

}  // namespace redis_zk::watcher::web
