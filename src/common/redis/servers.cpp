#include "redis/servers.h"

#include <fmt/core.h>
#include <poll.h>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>

namespace redis_zk::redis {

namespace {

const Command kInfo{"INFO"};

class ConnectedServer final : public KeptServer {
 public:
  ConnectedServer(Endpoint server, const Access& access, Duration timeout)
      : KeptServer(std::move(server)), access_(access), timeout_(timeout) {}

  Result<Replies> Ask(const std::vector<Command>& commands) override;

 private:
  Result<Replies> TryAsk(const std::vector<Command>& commands, TimePoint deadline);
  Result<Reply> Receive(TimePoint deadline);

  const Access access_;
  const Duration timeout_;
  std::optional<Connection> connection_;
  std::size_t owed_ = 0;  // replies that have not come yet
};

Result<Replies> ConnectedServer::Ask(const std::vector<Command>& commands) {
  const TimePoint deadline = Clock::now() + timeout_;
  const bool kept = connection_.has_value();
  auto replies = TryAsk(commands, deadline);
  // That it was closed since the last question is noticed only now.
  if (!replies && kept && !connection_) replies = TryAsk(commands, deadline);
  if (!replies && replies.error().kind == ErrorKind::kTimeout)
    return tl::unexpected(connection_->Overdue(timeout_));
  return replies;
}

Result<Replies> ConnectedServer::TryAsk(const std::vector<Command>& commands, TimePoint deadline) {
  if (!connection_) {
    auto connection = Connection::Start(server(), access_);
    if (!connection) return tl::unexpected(connection.error());
    connection_ = std::move(*connection);
    owed_ = 0;
  }
  while (owed_ > 0) {
    if (const auto late = Receive(deadline); !late) return tl::unexpected(late.error());
  }
  for (const auto& command : commands) connection_->Send(command);
  owed_ = commands.size();
  Replies replies;
  while (owed_ > 0) {
    auto reply = Receive(deadline);
    if (!reply) return tl::unexpected(reply.error());
    replies.push_back(std::move(*reply));
  }
  return replies;
}

Result<Reply> ConnectedServer::Receive(TimePoint deadline) {
  auto reply = connection_->Receive(deadline);
  if (!reply) {
    connection_.reset();
    return tl::unexpected(reply.error());
  }
  if (!reply->has_value()) return Fail(ErrorKind::kTimeout, "no answer in time");
  --owed_;
  return std::move(**reply);
}

Status ToStatus(const Endpoint& server, const Result<Replies>& replies) {
  if (!replies) return tl::unexpected(replies.error());
  if (replies->front().is_error())
    return Fail(ErrorKind::kRefused, fmt::format("{}: {}", server.ToAddress(), replies->front().text));
  return {};
}

Result<ServerInfo> ToInfo(const Endpoint& server, const Result<Replies>& replies) {
  if (!replies) return tl::unexpected(replies.error());
  const Reply& reply = replies->front();
  if (reply.is_error())
    return Fail(ErrorKind::kRefused, fmt::format("{}: {}", server.ToAddress(), reply.text));
  auto info = ParseServerInfo(reply.text);
  if (!info) return Fail(server.ToAddress(), info.error());
  return info;
}

}  // namespace

Result<ServerInfo> KeptServer::AskInfo() { return ToInfo(server_, Ask({kInfo})); }

Status KeptServer::Order(const Command& command) { return ToStatus(server_, Ask({command})); }

Result<Replies> Servers::Ask(const Endpoint& server, const std::vector<Command>& commands) {
  return AskAll({server}, commands).front();
}

Status Servers::Order(const Endpoint& server, const Command& command) {
  return ToStatus(server, Ask(server, {command}));
}

Result<ServerInfo> Servers::AskInfo(const Endpoint& server) { return AskInfos({server}).front(); }

std::vector<Result<ServerInfo>> Servers::AskInfos(const std::vector<Endpoint>& servers) {
  const auto answers = AskAll(servers, {kInfo});
  std::vector<Result<ServerInfo>> infos;
  for (std::size_t i = 0; i < servers.size(); ++i) infos.push_back(ToInfo(servers[i], answers[i]));
  return infos;
}

std::set<Endpoint> Servers::WhoAnswers(const std::vector<Endpoint>& servers) {
  const auto answers = AskAll(servers, {{"PING"}});
  std::set<Endpoint> living;
  for (std::size_t i = 0; i < servers.size(); ++i) {
    const bool lives = answers[i] || answers[i].error().kind == ErrorKind::kRefused ||
                       answers[i].error().cause == Cause::kFull;
    if (lives) living.insert(servers[i]);
  }
  return living;
}

ConnectedServers::ConnectedServers(const Access& access, Duration timeout)
    : ConnectedServers(
          access, timeout,
          std::unique_ptr<ConnectedServers>(new ConnectedServers(
              {.credentials = {}, .tls = access.tls, .names = access.names}, timeout, nullptr))) {}

ConnectedServers::ConnectedServers(const Access& access, Duration timeout,
                                   std::unique_ptr<ConnectedServers> without)
    : access_(access), timeout_(timeout), without_credentials_(std::move(without)) {}

Servers& ConnectedServers::WithoutCredentials() {
  return without_credentials_ ? *without_credentials_ : *this;
}

std::optional<std::string> ConnectedServers::FindPassword(const std::vector<Endpoint>& servers) {
  const auto known = access_.credentials.Get();
  if (known->password.empty()) return std::nullopt;
  if (known->old_password.empty()) return known->password;
  const auto ask = [&](const std::string& password) {
    ConnectedServers with({.credentials = {{known->username, password}, access_.credentials.trust()},
                           .tls = access_.tls,
                           .names = access_.names},
                          timeout_, nullptr);
    std::vector<Verdict> verdicts;
    for (const auto& answer : with.AskAll(servers, {{"PING"}})) {
      const bool refuses =
          !answer && answer.error().kind == ErrorKind::kRefused && answer.error().cause != Cause::kTls;
      verdicts.push_back(answer ? Verdict::kAccepts : refuses ? Verdict::kRefuses : Verdict::kSilent);
    }
    return verdicts;
  };
  const auto of_new = ask(known->password);
  if (std::find(of_new.begin(), of_new.end(), Verdict::kRefuses) == of_new.end()) return known->password;
  const auto of_old = ask(known->old_password);
  std::vector<Acceptance> all;
  for (std::size_t i = 0; i < servers.size(); ++i) all.push_back({of_new[i], of_old[i]});
  return ChoosePassword(*known, all);
}

std::unique_ptr<KeptServer> ConnectedServers::Keep(const Endpoint& server) {
  return std::make_unique<ConnectedServer>(server, access_, timeout_);
}

std::vector<Result<Replies>> ConnectedServers::AskAll(const std::vector<Endpoint>& servers,
                                                      const std::vector<Command>& commands) {
  struct Dialogue {
    std::optional<Connection> connection;  // while answers are missing
    Replies replies;
  };
  std::vector<Result<Replies>> answers;
  std::vector<Dialogue> dialogues(servers.size());
  for (std::size_t i = 0; i < servers.size(); ++i) {
    auto connection = Connection::Start(servers[i], access_);
    if (!connection) {
      answers.emplace_back(tl::unexpected(connection.error()));
      continue;
    }
    answers.emplace_back();
    for (const auto& command : commands) connection->Send(command);
    dialogues[i].connection = std::move(*connection);
  }
  const TimePoint deadline = Clock::now() + timeout_;
  while (true) {
    std::vector<pollfd> waiting;
    std::vector<std::size_t> who;
    for (std::size_t i = 0; i < dialogues.size(); ++i) {
      if (!dialogues[i].connection) continue;
      waiting.push_back({dialogues[i].connection->fd(), dialogues[i].connection->wanted_events(), 0});
      who.push_back(i);
    }
    if (waiting.empty()) return answers;
    if (Clock::now() >= deadline) {
      for (const std::size_t i : who) answers[i] = tl::unexpected(dialogues[i].connection->Overdue(timeout_));
      return answers;
    }
    poll(waiting.data(), waiting.size(), PollTimeout(Remaining(deadline, Clock::now())));
    for (std::size_t w = 0; w < waiting.size(); ++w) {
      if (waiting[w].revents == 0) continue;
      auto& dialogue = dialogues[who[w]];
      auto reply = dialogue.connection->Progress(waiting[w].revents);
      while (reply && reply->has_value()) {
        dialogue.replies.push_back(std::move(**reply));
        if (dialogue.replies.size() == commands.size()) break;
        reply = dialogue.connection->Progress(0);
      }
      if (!reply) {
        answers[who[w]] = tl::unexpected(reply.error());
        dialogue.connection.reset();
      } else if (dialogue.replies.size() == commands.size()) {
        answers[who[w]] = std::move(dialogue.replies);
        dialogue.connection.reset();
      }
    }
  }
}

}  // namespace redis_zk::redis
