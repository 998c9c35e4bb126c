#include "redis-wrapper/readiness.h"

#include <fmt/core.h>

#include <utility>
#include <vector>

#include "redis-wrapper/promotable.h"
#include "sentinel/client.h"

namespace redis_zk::redis_wrapper {

namespace {

daemon::Wait WaitForLink(const redis::ServerInfo& own) {
  if (own.synchronising) {
    return {.name = "copy",
            .sentence = "the link to the master is down: the data are being copied",
            .told = true};
  }
  return {.name = "link", .sentence = "the link to the master is down", .told = true};
}

// Of a server that says something, but not how it is.
daemon::Wait WaitForAnswer(const Error& error) {
  if (error.cause == Cause::kFull) return {.name = "server-full", .sentence = error.message, .failing = true};
  if (error.cause == Cause::kTls) return daemon::WaitForCertificates("redis-server", error);
  return {.name = "credentials",
          .sentence = fmt::format("redis-server refuses our credentials: {}; make REDIS_USERNAME and "
                                  "REDIS_PASSWORD match REDIS_CONF",
                                  error.message),
          .needs_person = true};
}

}  // namespace

Readiness::Readiness(const std::string& group, const Endpoint& self, const redis::Network& network,
                     const Lookup& lookup, const PromotableKeeper& promotable, daemon::HealthFile& health)
    : group_(group),
      self_(self),
      network_(network),
      lookup_(lookup),
      promotable_(promotable),
      health_(health) {}

void Readiness::Say(const Result<redis::ServerInfo>& own) {
  wait_.reset();
  if (!own && own.error().kind != ErrorKind::kRefused && own.error().cause != Cause::kFull) {
    wait_ = {.name = "server-silent", .sentence = "redis-server is unreachable: " + own.error().message};
    health_.Say(false, wait_->sentence);
  } else if (!own) {
    wait_ = WaitForAnswer(own.error());
    health_.Say(ready_,
                (own.error().cause == Cause::kTls ? "redis-server cannot be reached with TLS: "
                                                  : "redis-server is up but refuses our credentials: ") +
                    own.error().message);
  } else if (own->role == redis::Role::kMaster) {
    ready_ = true;
    health_.Say(ready_, "master at " + self_.ToAddress());
  } else {
    SayReplica(*own);
  }
}

void Readiness::SayReplica(const redis::ServerInfo& own) {
  const std::string role = fmt::format("replica of {} at {}", own.master.ToAddress(), self_.ToAddress());
  if (!ready_) {
    wait_ = FindMissing(own);
    ready_ = !wait_;
  } else if (!own.link_up) {
    wait_ = WaitForLink(own);
  }
  if (!promotable_.HoldsCopy(own) && wait_)
    wait_->sentence += "; this replica holds no complete copy of the data";
  health_.Say(ready_, wait_ ? role + "; " + wait_->sentence : role);
}

std::optional<daemon::Wait> Readiness::FindMissing(const redis::ServerInfo& own) const {
  if (!own.link_up) return WaitForLink(own);
  const auto& sentinels = lookup_.sentinels();
  if (sentinels.empty()) return std::nullopt;
  std::vector<Result<sentinel::GroupReport>> answers;
  for (auto& of_one : sentinel::AskAboutGroups(network_.sentinels, sentinels, {group_}))
    answers.push_back(std::move(of_one.front()));
  const auto unaware = FindUnaware(sentinels, answers, self_, own.master, promotable_.users_priority());
  if (!unaware) return std::nullopt;
  return daemon::Wait{.name = "sentinels-unaware", .sentence = "linked; " + *unaware, .told = true};
}

}  // namespace redis_zk::redis_wrapper
