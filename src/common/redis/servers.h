// The servers of a fleet, asked many at once: the seam at Redis and Sentinel. The real ones are behind
// ConnectedServers; tests have others.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "net/endpoint.h"
#include "net/tls_context.h"
#include "redis/connection.h"
#include "redis/credentials.h"
#include "redis/server_info.h"

namespace redis_zk::redis {

// How long a server may take for its answers, connecting and authenticating included. Longer than a Redis
// stands still for a fork, and shorter than anything that waits for it.
inline constexpr Duration kAnswerTimeout = 500ms;

// One server, asked over one connection that is kept: where clients use up maxclients, a new one is refused.
//
// Answers that come late are waited for before anything else is asked, so that orders take effect in their
// order. One thread at a time.
class KeptServer {
 public:
  explicit KeptServer(Endpoint server) : server_(std::move(server)) {}
  virtual ~KeptServer() = default;

  // As Servers::Ask. A connection that was closed meanwhile is replaced.
  virtual Result<Replies> Ask(const std::vector<Command>& commands) = 0;

  Result<ServerInfo> AskInfo();
  // One command; an error reply is an error, kRefused.
  Status Order(const Command& command);

 protected:
  const Endpoint& server() const { return server_; }

 private:
  const Endpoint server_;
};

// Any number of threads.
class Servers {
 public:
  virtual ~Servers() = default;

  // Puts the same commands to every server at once and collects the answers, in the order of `servers`. An
  // error stands for a server that did not answer them all in time, and may have carried them out; error
  // replies are answers.
  virtual std::vector<Result<Replies>> AskAll(const std::vector<Endpoint>& servers,
                                              const std::vector<Command>& commands) = 0;
  // Connects when it is asked first. Must not outlive this.
  virtual std::unique_ptr<KeptServer> Keep(const Endpoint& server) = 0;
  // The same, but no server is told a password: for those that may be foreign. One that asks for a
  // password is kRefused. Owned by this.
  virtual Servers& WithoutCredentials() { return *this; }
  // The password for a server that logs in to all of these and cannot try two, as ChoosePassword says. They
  // are only asked while passwords are changed. Nothing: we have none.
  virtual std::optional<std::string> FindPassword(const std::vector<Endpoint>& /*servers*/) {
    return std::nullopt;
  }

  Result<Replies> Ask(const Endpoint& server, const std::vector<Command>& commands);
  // One command; an error reply is an error, kRefused.
  Status Order(const Endpoint& server, const Command& command);

  // INFO. kRefused: it answers, but not us (its message says why); kUnavailable, kTimeout: it does not
  // answer.
  Result<ServerInfo> AskInfo(const Endpoint& server);
  std::vector<Result<ServerInfo>> AskInfos(const std::vector<Endpoint>& servers);

  // Which of them answer a PING. Who refuses our password or has no room lives, too.
  std::set<Endpoint> WhoAnswers(const std::vector<Endpoint>& servers);
};

// Over TCP. A connection for each question, but those that are kept.
class ConnectedServers final : public Servers {
 public:
  explicit ConnectedServers(const Access& access, Duration timeout = kAnswerTimeout);

  std::vector<Result<Replies>> AskAll(const std::vector<Endpoint>& servers,
                                      const std::vector<Command>& commands) override;
  std::unique_ptr<KeptServer> Keep(const Endpoint& server) override;
  Servers& WithoutCredentials() override;
  std::optional<std::string> FindPassword(const std::vector<Endpoint>& servers) override;

 private:
  ConnectedServers(const Access& access, Duration timeout, std::unique_ptr<ConnectedServers> without);

  const Access access_;
  const Duration timeout_;
  const std::unique_ptr<ConnectedServers> without_credentials_;  // nothing: this has none
};

// What a daemon asks: the groups' servers and their Sentinels, each with credentials of its own.
struct Network {
  Servers& redis;
  Servers& sentinels;
};

}  // namespace redis_zk::redis
