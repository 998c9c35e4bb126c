// What a daemon waits for, as a value, and the one way to say it: at once when it begins, as a warning when
// it has lasted for kLongWait, and then once a minute until it is over.
#pragma once

#include <chrono>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/log.h"
#include "base/result.h"
#include "base/time.h"

namespace redis_zk::daemon {

// A wait that lasts this long is worth a look by a person, whatever it is for.
inline constexpr Duration kLongWait = 30s;
inline constexpr Duration kSayAgain = 60s;

struct Wait {
  // A stable code in kebab-case; the runbook lists them all.
  std::string name;
  // One sentence: what is found, and what is waited for.
  std::string sentence;
  // Something fails and is tried again: a warning from the start.
  bool failing = false;
  // No daemon ends it, and the sentence says what a person must do: an error from the start.
  bool needs_person = false;
  // Another line has told of its beginning.
  bool told = false;
  // When it ends at the latest; nothing: when what it is for has happened.
  std::optional<TimePoint> until{};
  // When it began; the epoch of the clock: when it is said for the first time.
  TimePoint since{};

  bool operator==(const Wait&) const = default;
};

// After a request to ZooKeeper failed, which is made again. `what` opens its sentence: "cannot read the
// groups". What an ACL denies is for a person to end.
Wait WaitAfter(const Error& error, std::string name, const std::string& what);
// For certificates with which `server` ("redis-server") can be reached.
Wait WaitForCertificates(std::string_view server, const Error& error);
// For a master that may not be told our password, as `error` says.
Wait WaitForTrust(const Error& error);
// For a connection to ZooKeeper, whose session logs that it has none and why. `hosts` may be empty.
// `refused`, `outage`: as of the session.
Wait WaitForZooKeeper(const std::string& hosts, bool refused, const std::string& outage);

// The current wait of a daemon, or of a part of it. Loop thread only.
//
// A new reason does not begin a new wait: a daemon that waits for one thing and then for another has waited
// all the time, and a wait whose reason alternates must not stay silent.
class Waiting {
 public:
  // `group`: of its lines; empty: the process's own.
  explicit Waiting(std::string group = "") : group_(std::move(group)) {}

  // Call it as often as the daemon looks again: a sentence is logged when it is new, at most once a minute.
  void Say(Wait wait, TimePoint now);
  void End(TimePoint now);
  // Ends it without a line: it has not come to what was waited for.
  void Drop();
  // Says or ends it.
  void Note(std::optional<Wait> wait, TimePoint now);

  const std::optional<Wait>& current() const { return current_; }
  // The current one, once it has lasted for kLongWait.
  std::optional<Wait> FindLong(TimePoint now) const;

 private:
  const std::string group_;
  std::optional<Wait> current_;
  std::set<std::string> said_;  // since it was said as a whole
  TimePoint say_again_at_{};
};

}  // namespace redis_zk::daemon
