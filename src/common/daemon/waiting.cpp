#include "daemon/waiting.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <utility>

namespace redis_zk::daemon {

namespace {

using Severity = log::Severity;

std::int64_t WholeSeconds(Clock::duration duration) {
  return std::chrono::duration_cast<std::chrono::seconds>(duration).count();
}

Severity SeverityOfNew(const Wait& wait) {
  if (wait.needs_person) return Severity::kError;
  return wait.failing ? Severity::kWarn : Severity::kInfo;
}

std::string BoundOf(const Wait& wait, TimePoint now) {
  if (!wait.until || *wait.until <= now) return "";
  return fmt::format("; ends within {} s", WholeSeconds(*wait.until - now) + 1);
}

}  // namespace

Wait WaitAfter(const Error& error, std::string name, const std::string& what) {
  return {.name = std::move(name),
          .sentence = fmt::format("{}, retrying: {}", what, error.message),
          .failing = true,
          .needs_person = error.kind == ErrorKind::kDenied};
}

Wait WaitForTrust(const Error& error) {
  return {.name = "trusted-networks",
          .sentence = fmt::format("the recorded master cannot be followed: {}; add its network to "
                                  "TRUSTED_NETWORKS if that server is yours, else correct the record",
                                  error.message),
          .needs_person = true};
}

Wait WaitForCertificates(std::string_view server, const Error& error) {
  return {.name = "certificates",
          .sentence = fmt::format("{} cannot be reached with TLS: {}; write certificates that it and the "
                                  "daemons accept, and restart this node if it keeps old ones",
                                  server, error.message),
          .needs_person = true};
}

Wait WaitForZooKeeper(const std::string& hosts, bool refused, const std::string& outage) {
  const std::string why = outage.empty() ? "" : ": " + outage;
  return {.name = "zookeeper",
          .sentence = fmt::format("ZooKeeper{}{} {}", hosts.empty() ? "" : " ", hosts,
                                  refused ? "takes no digest credentials; waiting until it does"
                                          : "is unreachable" + why + "; waiting until it answers"),
          .needs_person = refused,
          .told = true};
}

void Waiting::Say(Wait wait, TimePoint now) {
  if (current_) {
    wait.since = current_->since;
  } else {
    if (wait.since == TimePoint{}) wait.since = now;
    say_again_at_ = wait.since + kLongWait;
  }
  const bool is_new = said_.insert(wait.sentence).second;
  current_ = std::move(wait);
  if (now >= say_again_at_) {
    const Severity severity = current_->needs_person ? Severity::kError : Severity::kWarn;
    log::Say(severity, {.event = "waiting-long", .group = group_, .more = {{"wait", current_->name}}},
             "has waited for {} s: {}{}", WholeSeconds(now - current_->since), current_->sentence,
             BoundOf(*current_, now));
    say_again_at_ = now + kSayAgain;
    said_ = {current_->sentence};
  } else if (is_new && !current_->told) {
    const Severity severity = SeverityOfNew(*current_);
    log::Say(severity, {.event = "waiting", .group = group_, .more = {{"wait", current_->name}}}, "{}",
             current_->sentence);
  }
}

void Waiting::End(TimePoint now) {
  if (const auto wait = FindLong(now)) {
    log::Info({.event = "waiting-ended", .group = group_, .more = {{"wait", wait->name}}},
              "no longer waiting, after {} s: {}", WholeSeconds(now - wait->since), wait->sentence);
  }
  Drop();
}

void Waiting::Drop() {
  current_.reset();
  said_.clear();
}

void Waiting::Note(std::optional<Wait> wait, TimePoint now) {
  if (wait) {
    Say(std::move(*wait), now);
  } else {
    End(now);
  }
}

std::optional<Wait> Waiting::FindLong(TimePoint now) const {
  return current_ && now - current_->since >= kLongWait ? current_ : std::nullopt;
}

}  // namespace redis_zk::daemon
