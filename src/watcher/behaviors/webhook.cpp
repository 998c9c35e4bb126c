#include "watcher/behaviors/webhook.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <httplib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "base/backoff.h"
#include "base/file.h"
#include "base/log.h"
#include "base/random_id.h"
#include "watcher/web/json.h"

namespace redis_zk::watcher {

namespace {

constexpr Duration kFirstRetry = 500ms;
constexpr Duration kLongestRetry = 30s;
// However long a server asks us to wait.
constexpr Duration kLongestRetryAfter = 5min;
constexpr int kRequestTimeout = 408;
constexpr int kTooManyRequests = 429;

#ifdef CPPHTTPLIB_OPENSSL_SUPPORT
constexpr bool kHasTls = true;
#else
constexpr bool kHasTls = false;
#endif

std::unique_ptr<httplib::ClientImpl> MakeClient(const HookUrl& url) {
#ifdef CPPHTTPLIB_OPENSSL_SUPPORT
  if (url.tls) return std::make_unique<httplib::SSLClient>(url.server.host, url.server.port);
#endif
  return std::make_unique<httplib::ClientImpl>(url.server.host, url.server.port);
}

// One request. It is made on a thread that is left to itself when the time is up: a name server that is away
// holds it up for as long as it likes. The socket is cut then, so that a server that drips does not.
class Attempt {
 public:
  Attempt() = default;
  ~Attempt() {
    if (socket_ >= 0) close(socket_);
  }
  Attempt(const Attempt&) = delete;
  Attempt& operator=(const Attempt&) = delete;

  void Ask(const HookUrl& url, httplib::Request request, Duration timeout) {
    const auto client = MakeClient(url);
    client->set_connection_timeout(timeout);
    client->set_read_timeout(timeout);
    client->set_write_timeout(timeout);
    client->set_tcp_nodelay(true);
    // What stands in the URL is sent as it stands there.
    client->set_url_encode(false);
    client->set_socket_options([this](socket_t opened) { Note(opened); });
    // The status is all that is asked for.
    request.content_receiver = [](const char*, std::size_t, std::uint64_t, std::uint64_t) { return false; };
    httplib::Response response;
    auto error = httplib::Error::Success;
    client->send(request, response, error);
    const std::lock_guard lock(mutex_);
    if (response.status > 0) {
      answer_ = {.status = response.status, .retry_after = response.get_header_value("Retry-After")};
    } else {
      answer_ = {.error = fmt::format("no answer ({})", httplib::to_string(error))};
    }
    over_ = true;
    ended_.notify_all();
  }

  HookAnswer Await(Duration timeout, const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    if (ended_.wait_for(lock, stop, timeout, [this] { return over_; })) return answer_;
    cut_ = true;
    if (socket_ >= 0) shutdown(socket_, SHUT_RDWR);
    return {.error = stop.stop_requested() ? "no answer yet"
                                           : fmt::format("no answer within {} ms", timeout.count())};
  }

 private:
  // A duplicate is ours to cut, whatever becomes of the number that the library has.
  void Note(int opened) {
    const std::lock_guard lock(mutex_);
    if (cut_) shutdown(opened, SHUT_RDWR);
    if (socket_ >= 0) close(socket_);
    socket_ = fcntl(opened, F_DUPFD_CLOEXEC, 0);
  }

  std::mutex mutex_;
  std::condition_variable_any ended_;
  bool over_ = false;
  bool cut_ = false;
  int socket_ = -1;
  HookAnswer answer_;
};

Result<HookHeader> ReadHeaderFile(const std::string& path) {
  const auto line = ReadFirstLine(path);
  if (!line) return tl::unexpected(line.error());
  return ParseHookHeader(*line);
}

class Webhook : public Behavior {
 public:
  struct Settings {
    HookUrl url;
    Duration timeout{};
    Duration retry_for{};
    std::string header_file;  // empty: there is none
  };

  Webhook(std::string name, Settings settings) : name_(std::move(name)), settings_(std::move(settings)) {}

  Status Handle(const Event& event, const std::stop_token& stop) override {
    httplib::Request request;
    request.method = "POST";
    request.path = settings_.url.target;
    request.headers = {{"Content-Type", "application/json"},
                       {"Idempotency-Key", event.key},
                       {"User-Agent", std::string("redis-zk/") + REDIS_ZK_VERSION}};
    request.body = web::RenderEventData(event);
    if (!settings_.header_file.empty()) {
      // Every time, for secrets are changed now and then.
      const auto header = ReadHeaderFile(settings_.header_file);
      if (!header) return Fail("header_file: expected", header.error());
      request.headers.emplace(header->name, header->value);
    }
    const TimePoint deadline = Clock::now() + settings_.retry_for;
    Backoff backoff(kFirstRetry, kLongestRetry, RandomFraction);
    while (true) {
      const auto answer = Ask(request, stop);
      const auto verdict = Judge(answer);
      if (verdict.kind == HookVerdict::Kind::kDone) {
        log_trouble_.Reset();
        return {};
      }
      const std::string why =
          fmt::format("{}: {}", settings_.url.server.ToAddress(),
                      answer.status == 0 ? answer.error : fmt::format("answered {}", answer.status));
      if (verdict.kind == HookVerdict::Kind::kGiveUp) return Fail(ErrorKind::kRefused, why);
      const Duration pause = std::max(backoff.Next(), verdict.pause);
      if (Clock::now() + pause >= deadline)
        return Fail(ErrorKind::kTimeout,
                    fmt::format("given up after {} ms (retry_for): {}", settings_.retry_for.count(), why));
      if (!stop.stop_requested())
        log_trouble_(log::Severity::kWarn, {.event = "behavior-retrying", .more = {{"behavior", name_}}},
                     fmt::format("behavior {}: request failed: {}; retrying", name_, why));
      if (!Rest(pause, stop)) return Fail(ErrorKind::kUnavailable, why);
    }
  }

 private:
  HookAnswer Ask(const httplib::Request& request, const std::stop_token& stop) const {
    const auto attempt = std::make_shared<Attempt>();
    try {
      std::thread([attempt, request, url = settings_.url, timeout = settings_.timeout] {
        attempt->Ask(url, request, timeout);
      }).detach();
    } catch (const std::system_error& error) {
      return {.error = fmt::format("cannot create a thread for the request ({})", error.what())};
    }
    return attempt->Await(settings_.timeout, stop);
  }

  // False: it is to stop.
  static bool Rest(Duration pause, const std::stop_token& stop) {
    std::mutex mutex;
    std::unique_lock lock(mutex);
    std::condition_variable_any never_notified;
    never_notified.wait_for(lock, stop, pause, [] { return false; });
    return !stop.stop_requested();
  }

  const std::string name_;
  const Settings settings_;
  LogOnChange log_trouble_;
};

bool IsToken(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '_';
  });
}

}  // namespace

BehaviorSettings::Make ReadWebhook(SectionReader& section) {
  Webhook::Settings settings;
  settings.url = section.TakeSecret<HookUrl>("url", ParseHookUrl);
  settings.timeout = section.Take<Duration>("timeout", DurationBetween(100ms, 1min), "5s");
  settings.retry_for = section.Take<Duration>("retry_for", DurationBetween(0ms, 24h), "10m");
  const auto readable = [](std::string_view path) -> Result<std::string> {
    if (path.empty()) return std::string();
    const auto header = ReadHeaderFile(std::string(path));
    if (!header) return tl::unexpected(header.error());
    return std::string(path);
  };
  settings.header_file = section.Take<std::string>("header_file", readable, "");
  return [settings](const std::string& name, const Host& /*host*/) {
    return std::make_unique<Webhook>(name, settings);
  };
}

Result<HookUrl> ParseHookUrl(std::string_view text) {
  const auto wrong =
      Fail(ErrorKind::kInvalid, kHasTls ? "http(s)://HOST[:PORT][/PATH][?QUERY], without a user"
                                        : "http://HOST[:PORT][/PATH][?QUERY], without a user");
  const bool tls = kHasTls && text.starts_with("https://");
  if (!tls && !text.starts_with("http://")) return wrong;
  text.remove_prefix(text.find("//") + 2);
  // As RFC 3986 has it, nothing else comes without a percent sign; a fragment is the client's own.
  if (std::any_of(text.begin(), text.end(), [](unsigned char c) { return c <= ' ' || c >= 127 || c == '#'; }))
    return wrong;
  const auto authority = text.substr(0, text.find_first_of("/?"));
  std::string target(text.substr(authority.size()));
  if (!target.starts_with('/')) target.insert(0, 1, '/');
  const auto server = ParseAddress(authority, tls ? 443 : 80);
  if (!server) return wrong;
  return HookUrl{.tls = tls, .server = *server, .target = std::move(target)};
}

Result<HookHeader> ParseHookHeader(std::string_view line) {
  const auto colon = line.find(':');
  const auto wrong = Fail(ErrorKind::kInvalid, "a file whose first line is a header, \"Name: value\"");
  if (colon == std::string_view::npos || !IsToken(line.substr(0, colon))) return wrong;
  std::string_view value = line.substr(colon + 1);
  const auto first = value.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return wrong;
  value = value.substr(first, value.find_last_not_of(" \t\r") - first + 1);
  if (std::any_of(value.begin(), value.end(), [](unsigned char c) { return c < ' ' || c == 127; }))
    return wrong;
  return HookHeader{std::string(line.substr(0, colon)), std::string(value)};
}

HookVerdict Judge(const HookAnswer& answer) {
  using Kind = HookVerdict::Kind;
  constexpr int kServerErrors = 500;
  if (answer.status >= 200 && answer.status < 300) return {Kind::kDone};
  const bool for_now = answer.status == 0 || answer.status >= kServerErrors ||
                       answer.status == kRequestTimeout || answer.status == kTooManyRequests;
  if (!for_now) return {Kind::kGiveUp};
  std::int64_t seconds = 0;
  const std::string& text = answer.retry_after;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (end != text.data() + text.size() || seconds < 0) return {Kind::kRetry};
  if (error == std::errc::result_out_of_range || seconds > kLongestRetryAfter / 1s)
    return {Kind::kRetry, kLongestRetryAfter};
  return {Kind::kRetry, seconds * 1s};
}

}  // namespace redis_zk::watcher
