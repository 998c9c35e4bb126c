// Who may use the admin API.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.h"
#include "net/endpoint.h"
#include "watcher/admin_tokens.h"

namespace redis_zk::watcher {

enum class Access { kOff, kDenied, kBlocked, kGranted };
struct Permission {
  Access access = Access::kOff;
  std::string name{};  // kGranted: that of the token, which may have none

  bool operator==(const Permission&) const = default;
};
// `header` is that of an HTTP request, "Bearer TOKEN"; no tokens: admin is off. Takes as long for a token
// that is nearly one of them, whichever, as for any other of its length. Never kBlocked.
Permission Authorize(const std::vector<AdminToken>& tokens, std::string_view header);

// The clients that have sent wrong tokens lately, by their addresses: values.
class WrongTokens {
 public:
  void Note(const std::string& address, TimePoint now);
  // How long this address is told to stay away after too many wrong tokens; 0: it is not.
  Duration BlockedFor(const std::string& address, TimePoint now) const;

 private:
  std::map<std::string, std::vector<TimePoint>> by_holder_;
};

// Any thread.
class AdminDoor {
 public:
  struct Decision {
    Access access = Access::kOff;
    std::string who{};       // kGranted: the name of the token; empty: it has none
    Duration retry_after{};  // kBlocked
  };

  explicit AdminDoor(std::vector<AdminToken> tokens) : tokens_(std::move(tokens)) {}

  // False: they are the same.
  bool Replace(std::vector<AdminToken> tokens);
  // Logs refusals, now and then.
  Decision Check(std::string_view authorization, const Endpoint& from, TimePoint now);

 private:
  std::mutex mutex_;
  std::vector<AdminToken> tokens_;
  WrongTokens wrong_;
  int denied_ = 0;  // since it was logged last
  TimePoint log_denied_at_{};
};

}  // namespace redis_zk::watcher
