#include "zookeeper/survey.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <set>
#include <utility>

#include "base/printable.h"
#include "base/result.h"
#include "net/endpoint.h"
#include "net/stream.h"

namespace redis_zk::zookeeper {

namespace {

constexpr std::string_view kQuestion = "srvr";
// A client that moves on to another server of the ensemble needs some hundred milliseconds.
constexpr Duration kSurveyAfter = 1s;
constexpr Duration kSurveyEvery = 5s;
constexpr Duration kLongestSurvey = 1s;
// A server's answer has some 200 bytes.
constexpr std::size_t kLongestAnswer = 4096;

// One server that is asked.
class Interview {
 public:
  explicit Interview(const std::string& address) {
    // The C client takes an IPv6 address without brackets.
    const auto colon = address.rfind(':');
    const auto port = ParsePort(std::string_view(address).substr(colon + 1));
    const Endpoint server{address.substr(0, colon), port ? *port : std::uint16_t{0}};
    name_ = server.ToAddress();
    auto stream = Stream::Connect(server, nullptr, nullptr);
    if (stream) {
      stream_ = std::move(*stream);
    } else {
      said_ = stream.error().message;
    }
  }

  bool over() const { return !stream_; }
  pollfd AsPollFd() const { return {stream_->fd(), stream_->wanted_events(unsent_), 0}; }

  void Advance(short events) {
    const auto ready = stream_->Advance(events);
    if (!ready) {
      // A connection too many is taken by the kernel, and closed by ZooKeeper.
      const std::string& why = ready.error().message;
      const bool hung_up = why.ends_with(std::strerror(ECONNRESET)) || why.ends_with(std::strerror(EPIPE));
      return unsent_ && !hung_up ? End(why) : Conclude();
    }
    if (unsent_ && (*ready & POLLOUT) != 0) {
      const auto sent = stream_->Write(kQuestion);
      if (!sent) return Conclude();
      unsent_ = *sent == 0;
    }
    if ((*ready & POLLIN) == 0) return;
    std::array<char, 1024> bytes{};
    const auto read = stream_->Read(bytes.data(), bytes.size());
    if (!read || answer_.size() > kLongestAnswer) return Conclude();
    answer_.append(bytes.data(), *read);
  }

  std::string Tell() const { return over() ? said_ : name_ + " does not answer"; }

 private:
  void Conclude() { End(name_ + ' ' + DescribeServer(answer_)); }
  void End(std::string said) {
    said_ = std::move(said);
    stream_.reset();
  }

  std::string name_;
  std::optional<Stream> stream_;  // nothing: it is over
  bool unsent_ = true;
  std::string answer_;
  std::string said_;
};

}  // namespace

std::string DescribeServer(std::string_view answer) {
  if (answer.empty()) return "closes connections at once: see its maxClientCnxns and its log";
  if (answer.find("not currently serving") != std::string_view::npos)
    return "does not serve: it starts, or most of its ensemble is missing";
  constexpr std::string_view kMode = "\nMode: ";
  const auto found = answer.find(kMode);
  // Its 4lw.commands.whitelist may not have the question.
  if (found == std::string_view::npos) return "takes connections";
  const auto mode = answer.substr(found + kMode.size());
  const auto word = Printable(mode.substr(0, mode.find('\n')));
  return word == "read-only" ? "is read-only: most of its ensemble is missing" : "serves (" + word + ")";
}

std::string SurveyServers(const std::vector<std::string>& addresses, Duration within) {
  const TimePoint deadline = Clock::now() + within;
  std::vector<Interview> interviews;
  for (const auto& address : addresses) interviews.emplace_back(address);
  for (;;) {
    std::vector<pollfd> sockets;
    std::vector<Interview*> asked;
    for (auto& interview : interviews) {
      if (interview.over()) continue;
      asked.push_back(&interview);
      sockets.push_back(interview.AsPollFd());
    }
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    if (sockets.empty() || left.count() <= 0) break;
    if (poll(sockets.data(), sockets.size(), static_cast<int>(left.count())) <= 0) continue;
    for (std::size_t i = 0; i < sockets.size(); ++i) {
      if (sockets[i].revents != 0) asked[i]->Advance(sockets[i].revents);
    }
  }
  // Names are resolved in an order that changes, and the same text is logged once.
  std::set<std::string> sentences;
  for (const auto& interview : interviews) sentences.insert(interview.Tell());
  std::string told;
  for (const auto& sentence : sentences) told += (told.empty() ? "" : "; ") + sentence;
  return told;
}

void Survey::Look(const std::vector<std::string>& addresses, std::optional<Duration> disconnected_for,
                  TimePoint now) {
  if (!disconnected_for) {
    asking_.reset();
    said_.clear();
    next_at_ = {};
    return;
  }
  if (asking_) {
    if (auto said = asking_->Take()) {
      said_ = std::move(*said);
      asking_.reset();
    }
    return;
  }
  if (now < next_at_ || *disconnected_for < kSurveyAfter) return;
  next_at_ = now + kSurveyEvery;
  // Where no thread can be started, that of the names cannot either, and its owner says so.
  if (auto begun = Inquiry<std::string>::Begin(
          [addresses] { return SurveyServers(addresses, kLongestSurvey); }, on_news_))
    asking_ = std::move(*begun);
}

}  // namespace redis_zk::zookeeper
