// Who may use the admin API.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "net/endpoint.h"

namespace redis_zk::watcher {

enum class Access { kOff, kDenied, kBlocked, kGranted };
// `header` is that of an HTTP request, "Bearer TOKEN"; an empty token: admin is off. Takes as long for a
// token that is nearly right as for any other of its length. Never kBlocked.
Access Authorize(std::string_view token, std::string_view header);

// The addresses that have sent wrong tokens lately: values.
class WrongTokens {
 public:
  void Note(const std::string& address, TimePoint now);
  // How long this address is told to stay away after too many wrong tokens; 0: it is not.
  Duration BlockedFor(const std::string& address, TimePoint now) const;

 private:
  std::map<std::string, std::vector<TimePoint>> by_address_;
};

// Any thread.
class AdminDoor {
 public:
  struct Decision {
    Access access = Access::kOff;
    Duration retry_after{};  // kBlocked
  };

  explicit AdminDoor(std::string token) : token_(std::move(token)) {}

  // False: it is the same.
  bool Replace(std::string token);
  // Logs refusals, now and then.
  Decision Check(std::string_view authorization, const Endpoint& from, TimePoint now);

 private:
  std::mutex mutex_;
  std::string token_;
  WrongTokens wrong_;
  int denied_ = 0;  // since it was logged last
  TimePoint log_denied_at_{};
};

}  // namespace redis_zk::watcher
