// Who we are to Redis and to Sentinel.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/published.h"
#include "base/result.h"
#include "net/endpoint.h"
#include "redis/trust.h"

namespace redis_zk::redis {

// A password, and the ACL user it belongs to; both empty: none is needed. A value.
struct Credentials {
  std::string username;
  std::string password;
  std::string old_password{};  // while passwords are changed, the one before; empty: they are not
};

// The credentials of connections that begin now, and to which addresses they may go. They are replaced when
// passwords change. Copies share them. Any thread.
class CredentialsSource {
 public:
  CredentialsSource(Credentials first = {},  // NOLINT(google-explicit-constructor): a source of these alone
                    std::shared_ptr<Trust> trust = std::make_shared<Trust>())
      : current_(std::make_shared<Published<Credentials>>(std::move(first))), trust_(std::move(trust)) {}

  std::shared_ptr<const Credentials> Get() const { return current_->Get(); }
  void Set(Credentials next) const { current_->Set(std::move(next)); }
  const std::shared_ptr<Trust>& trust() const { return trust_; }
  // Whether a server of ours that logs in at `server` by itself may do so with the password. kRefused: as of
  // Trust::Check.
  Status MayTell(const Endpoint& server) const {
    return current_->Get()->password.empty() ? Status{} : trust_->Check(server);
  }

 private:
  std::shared_ptr<Published<Credentials>> current_;
  std::shared_ptr<Trust> trust_;
};

// Of a group's servers, and of the Sentinels that watch them.
struct FleetCredentials {
  CredentialsSource redis;
  CredentialsSource sentinel;
};

// What a server says to both passwords.
enum class Verdict { kAccepts, kRefuses, kSilent };
struct Acceptance {
  Verdict of_new = Verdict::kSilent;
  Verdict of_old = Verdict::kSilent;
};
// The one password for somebody who logs in to all of these servers and cannot try two: the new one, unless a
// server accepts the old one alone. One that accepts neither does not count.
const std::string& ChoosePassword(const Credentials& credentials, const std::vector<Acceptance>& servers);

}  // namespace redis_zk::redis
