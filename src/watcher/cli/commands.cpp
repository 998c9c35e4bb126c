#include "watcher/cli/commands.h"

#include <fmt/core.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <deque>
#include <string>
#include <string_view>
#include <thread>

#include "base/exit_code.h"
#include "base/printable.h"
#include "watcher/cli/output.h"
#include "watcher/cli/render.h"
#include "watcher/cli/secure.h"
#include "watcher/doctor/doctor.h"
#include "watcher/web/client.h"
#include "zookeeper/client_session.h"

namespace redis_zk::watcher::cli {

namespace {

constexpr Duration kPatience = 5s;
// The watcher gives up before.
constexpr Duration kFailoverPatience = 65s;
constexpr Duration kOrderPatience = 15s;
// It sends a sign of life every 15 s.
constexpr Duration kStreamPatience = 35s;
constexpr Duration kRetry = 1s;
// A watcher that was started anew tells what it remembers; so much of it is known to have been printed.
constexpr std::size_t kRemembered = 1000;
constexpr int kOk = 200;
constexpr const char* kText = "text/plain";
constexpr const char* kJson = "application/json";

// The one line that says why the watcher refused.
int Refused(const web::Response& reply) {
  const auto line = reply.body.substr(0, reply.body.find('\n'));
  return Complain(kExitRefused, line.empty()
                                    ? fmt::format("the watcher answered {} without a reason", reply.status)
                                    : Printable(line));
}

// An answer as it came, on lines of its own.
void PrintAsItCame(const std::string& body) { Print(body.ends_with('\n') ? body : body + '\n'); }

std::string OfGroup(std::string_view path, const std::string& group) {
  return std::string(path) + (group.empty() ? "" : "?group=" + web::Encoded(group));
}

int ShowStatus(const CommandOptions& options) {
  const auto reply =
      web::Get(options.watcher, OfGroup("/status", options.group), {{"Accept", kText}}, kPatience);
  if (!reply) return Complain(reply.error());
  if (reply->status != kOk) return Refused(*reply);
  const auto rendered = RenderStatusTable(reply->body, LookOfTerminal());
  if (!rendered) return Complain(rendered.error());
  if (options.json) {
    PrintAsItCame(reply->body);
  } else {
    Print(rendered->text);
  }
  return rendered->warnings == 0 ? kExitStopped : kExitWarnings;
}

// An answer that is text already, or JSON.
int Show(const Result<web::Response>& reply, const CommandOptions& options) {
  if (!reply) return Complain(reply.error());
  if (reply->status != kOk) return Refused(*reply);
  if (options.json) {
    PrintAsItCame(reply->body);
  } else {
    Print(PrintableLines(reply->body));
  }
  return kExitStopped;
}

const char* TypeFor(const CommandOptions& options) { return options.json ? kJson : kText; }

int ShowExplanation(const CommandOptions& options) {
  return Show(web::Get(options.watcher, OfGroup("/explain", options.group), {{"Accept", TypeFor(options)}},
                       kPatience),
              options);
}

web::Headers AdminHeaders(const CommandOptions& options, const char* accept) {
  web::Headers headers{{"Accept", accept}};
  if (!options.admin_token.empty()) headers.emplace("Authorization", "Bearer " + options.admin_token);
  return headers;
}

// Of what is harmless to do again.
int Order(const CommandOptions& options, const std::string& path) {
  return Show(web::Post(options.watcher, path, AdminHeaders(options, TypeFor(options)), kOrderPatience),
              options);
}

int Pause(const CommandOptions& options) {
  std::string path = "/pause?reason=" + web::Encoded(options.reason);
  if (!options.group.empty()) path += "&group=" + web::Encoded(options.group);
  if (!options.lasts.empty()) path += "&for=" + web::Encoded(options.lasts);
  return Order(options, path);
}

int FailOver(const CommandOptions& options) {
  const auto headers = AdminHeaders(options, kText);
  std::string path = "/masters/" + web::Encoded(options.group) + "/failover";
  if (!options.to.empty()) path += "?to=" + web::Encoded(options.to);
  const auto reply = web::Post(options.watcher, path, headers, kFailoverPatience);
  if (!reply && reply.error().kind == ErrorKind::kUnknownOutcome) {
    return Complain(kExitUnavailable,
                    reply.error().message + "; the failover may have happened: check with watcher status");
  }
  if (!reply) return Complain(reply.error());
  if (reply->status != kOk) return Refused(*reply);
  const auto sentence = RenderFailover(reply->body);
  if (!sentence) return Complain(sentence.error());
  if (options.json) {
    PrintAsItCame(reply->body);
  } else {
    Print(options.group + ": " + *sentence + '\n');
  }
  return kExitStopped;
}

// --- events

// Prints what it is told, once each.
class Teller {
 public:
  explicit Teller(bool json) : json_(json) {}

  // False: its reader has gone.
  bool Tell(std::string_view piece) {
    for (const auto& event : parser_.Take(piece)) {
      last_id_ = event.id;
      if (std::find(told_.begin(), told_.end(), event.id) != told_.end()) continue;
      told_.push_back(event.id);
      if (told_.size() > kRemembered) told_.pop_front();
      // JSON strings escape control characters.
      const auto line = json_ ? Result<std::string>(event.data) : RenderEventLine(event.data);
      if (line && !Print(*line + '\n')) return false;
    }
    return true;
  }

  // After a new connection the rest of a broken event is none of it.
  void BeginAnew() { parser_ = {}; }
  const std::string& last_id() const { return last_id_; }

 private:
  const bool json_;
  EventParser parser_;
  std::string last_id_ = "0";
  std::deque<std::string> told_;
};

// Ends the process when it is asked to, or when the reader of its output has gone: between two events nothing
// is written, by which that could be noticed.
void EndWhenUnwanted(const BlockedSignals& signals) {
  std::array<pollfd, 2> fds{{{signals.fd(), POLLIN, 0}, {STDOUT_FILENO, 0, 0}}};
  while (true) {
    poll(fds.data(), fds.size(), -1);
    if ((fds[1].revents & (POLLERR | POLLHUP | POLLNVAL)) != 0) _exit(kExitStopped);
    while (const auto signal = signals.Next()) {
      for (const int asks : {SIGINT, SIGTERM, SIGQUIT, SIGHUP}) {
        if (signal->number == asks) _exit(kExitStopped);
      }
    }
  }
}

int ShowEvents(const CommandOptions& options) {
  Teller teller(options.json);
  const auto take = [&teller](std::string_view piece) { return teller.Tell(piece); };
  const auto reply = web::Stream(options.watcher, "/events?since=0&wait=0s", {}, kPatience, take);
  if (!reply) return Complain(reply.error());
  return reply->status == kOk ? kExitStopped : Refused(*reply);
}

int FollowEvents(const CommandOptions& options, const BlockedSignals& signals) {
  std::thread(EndWhenUnwanted, std::cref(signals)).detach();
  Teller teller(options.json);
  bool heard = false;
  bool lost = false;
  bool read = true;
  const auto take = [&](std::string_view piece) {
    heard = true;
    lost = false;
    return read = teller.Tell(piece);
  };
  while (true) {
    teller.BeginAnew();
    const auto reply =
        web::Stream(options.watcher, "/events", {{"Last-Event-ID", teller.last_id()}}, kStreamPatience, take);
    if (!read) return kExitStopped;
    // Who was there once will return; who never was may be another address.
    if (!heard) return reply ? Refused(*reply) : Complain(reply.error());
    if (!lost)
      Complain(0, fmt::format("lost the watcher at {}; retrying", options.watcher.watcher.ToAddress()));
    lost = true;
    std::this_thread::sleep_for(kRetry);
  }
}

}  // namespace

int Run(const WatcherOptions& options, const BlockedSignals& signals) {
  const auto& command = options.ask;
  if (options.command == kEvents && command.follow) return FollowEvents(command, signals);
  sigprocmask(SIG_SETMASK, &signals.original_mask(), nullptr);
  if (options.command == kEvents) return ShowEvents(command);
  if (options.command == kFailover) return FailOver(command);
  if (options.command == kPause) return Pause(command);
  if (options.command == kResume) return Order(command, OfGroup("/resume", command.group));
  if (options.command == kSecureZooKeeper) return SecureZooKeeper(options, zookeeper::OpenClientSession);
  if (options.command == kDoctor) return doctor::Diagnose(options, zookeeper::OpenClientSession);
  return options.command == kExplain ? ShowExplanation(command) : ShowStatus(command);
}

}  // namespace redis_zk::watcher::cli
