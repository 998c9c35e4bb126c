// The server that this wrapper supervises, asked over one connection that is kept: where clients use up
// maxclients, a new one is refused.
//
// Answers that come late are waited for before anything else is asked, so that orders take effect in their
// order. One thread at a time.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "redis/connection.h"
#include "redis/server_info.h"

namespace redis_zk::redis {

class OwnServer {
 public:
  // `credentials` must outlive this.
  OwnServer(Endpoint server, const Credentials& credentials)
      : server_(std::move(server)), credentials_(credentials) {}

  // As redis::Ask. A connection that was closed meanwhile is replaced.
  Result<std::vector<Reply>> Ask(const std::vector<Command>& commands, Duration timeout);
  // As redis::AskServerInfo.
  Result<ServerInfo> AskInfo(Duration timeout);
  // One command; an error reply is an error, kRefused.
  Status Order(const Command& command, Duration timeout);

 private:
  Result<std::vector<Reply>> TryAsk(const std::vector<Command>& commands, TimePoint deadline);
  Result<Reply> Receive(TimePoint deadline);

  const Endpoint server_;
  const Credentials& credentials_;
  std::optional<Connection> connection_;
  std::size_t owed_ = 0;  // replies that have not come yet
};

}  // namespace redis_zk::redis
