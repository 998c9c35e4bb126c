// Has the server of a wrapper accept the passwords that have been read anew; its clients stay.
//
// Loop thread only.
#pragma once

#include <string>
#include <utility>

#include "base/log.h"
#include "daemon/passwords.h"
#include "redis/conf_file.h"
#include "redis/credentials.h"
#include "redis/servers.h"

namespace redis_zk::daemon {

class ServerPasswords {
 public:
  // `server`: its name. All must outlive this, but the source.
  ServerPasswords(const Passwords& passwords, redis::CredentialsSource credentials,
                  redis::KeptServer& own_server, std::string server)
      : passwords_(passwords),
        credentials_(std::move(credentials)),
        own_server_(own_server),
        server_(std::move(server)) {}

  // It is launched with the passwords of this generation, or not with all of them.
  static constexpr int kNotAll = -1;
  void NoteLaunch(int generation) { told_ = generation; }
  // Tells it, until it has taken them. `users`: the user's configuration, whose own default user is left
  // alone. False: it has not.
  bool Check(const redis::Conf& users);

 private:
  const Passwords& passwords_;
  const redis::CredentialsSource credentials_;
  redis::KeptServer& own_server_;
  const std::string server_;
  int told_ = kNotAll;  // the generation
  LogOnChange log_problem_;
};

}  // namespace redis_zk::daemon
