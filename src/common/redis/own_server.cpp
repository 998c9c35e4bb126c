#include "redis/own_server.h"

#include <fmt/core.h>

#include <utility>

namespace redis_zk::redis {

Result<std::vector<Reply>> OwnServer::Ask(const std::vector<Command>& commands, Duration timeout) {
  const TimePoint deadline = Clock::now() + timeout;
  const bool kept = connection_.has_value();
  auto replies = TryAsk(commands, deadline);
  // That it was closed since the last question is noticed only now.
  if (!replies && kept && !connection_) replies = TryAsk(commands, deadline);
  if (!replies && replies.error().kind == ErrorKind::kTimeout)
    return Fail(ErrorKind::kTimeout,
                fmt::format("{}: no answer within {} ms", server_.ToAddress(), timeout.count()));
  return replies;
}

Result<ServerInfo> OwnServer::AskInfo(Duration timeout) {
  return ToServerInfo(server_, Ask({{"INFO"}}, timeout));
}

Status OwnServer::Order(const Command& command, Duration timeout) {
  const auto replies = Ask({command}, timeout);
  if (!replies) return tl::unexpected(replies.error());
  if (replies->front().is_error()) return Fail(ErrorKind::kRefused, replies->front().text);
  return {};
}

Result<std::vector<Reply>> OwnServer::TryAsk(const std::vector<Command>& commands, TimePoint deadline) {
  if (!connection_) {
    auto connection = Connection::Start(server_, credentials_);
    if (!connection) return tl::unexpected(connection.error());
    connection_ = std::move(*connection);
    owed_ = 0;
  }
  while (owed_ > 0) {
    if (const auto late = Receive(deadline); !late) return tl::unexpected(late.error());
  }
  for (const auto& command : commands) connection_->Send(command);
  owed_ = commands.size();
  std::vector<Reply> replies;
  while (owed_ > 0) {
    auto reply = Receive(deadline);
    if (!reply) return tl::unexpected(reply.error());
    replies.push_back(std::move(*reply));
  }
  return replies;
}

Result<Reply> OwnServer::Receive(TimePoint deadline) {
  auto reply = connection_->Receive(deadline);
  if (!reply) {
    connection_.reset();
    return tl::unexpected(reply.error());
  }
  if (!reply->has_value()) return Fail(ErrorKind::kTimeout, "no answer in time");
  --owed_;
  return std::move(**reply);
}

}  // namespace redis_zk::redis
