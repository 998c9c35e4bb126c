#include "redis-wrapper/bootstrap.h"

#include <fmt/core.h>

#include "redis-wrapper/cold_start.h"
#include "redis/connection.h"

namespace redis_zk::redis_wrapper {

namespace {

using Action = Decision::Action;
using State = store::Record::State;

const redis::ServerInfo* FindLiving(const View& view, const Endpoint& endpoint) {
  const auto found = view.living.find(endpoint);
  return found == view.living.end() ? nullptr : &found->second;
}

bool ActsAsMaster(const View& view, const Endpoint& endpoint) {
  const auto* info = FindLiving(view, endpoint);
  return info != nullptr && info->role == redis::Role::kMaster;
}

// A living member that should be the master, for an empty or older one would wipe its data. Those that are
// never promoted are compared in a cold start.
std::optional<Endpoint> DataHolder(const View& view) {
  for (const auto& [endpoint, info] : view.living) {
    // What it loads is not counted yet.
    if ((info.keys > 0 || info.loading) && !IsNeverPromoted(info)) return endpoint;
  }
  return std::nullopt;
}

Decision Follow(const View& view, const Endpoint& master, std::string reason) {
  return {.action = Action::kFollow,
          .master = master,
          .replication_id = view.living.at(master).replication_id,
          .reason = std::move(reason)};
}

// What only Sentinels can end, and `otherwise` a person: there may be none.
Decision WaitForSentinels(const View& view, std::string name, std::string reason,
                          const std::string& otherwise) {
  const bool needs_person = view.sentinels_answering == 0;
  if (needs_person) reason += "; no Sentinel answers: start the Sentinels, or " + otherwise;
  Decision decision = Decision::Wait(std::move(name), std::move(reason));
  decision.needs_person = needs_person;
  return decision;
}

// A living node that acts as master although neither the record nor a Sentinel names it: a failover that has
// not been told yet.
std::optional<Endpoint> ActingMaster(const View& view) {
  for (const auto& [endpoint, info] : view.living) {
    if (info.role == redis::Role::kMaster) return endpoint;
  }
  return std::nullopt;
}

std::optional<Endpoint> Promotable(const View& view) {
  for (const auto& [endpoint, info] : view.living) {
    if (!IsNeverPromoted(info)) return endpoint;
  }
  return std::nullopt;
}

Decision WaitForActing(const std::string& what, const Endpoint& acting) {
  return Decision::Wait(
      "unnamed-master",
      fmt::format("{}; {} acts as master; waiting for the record or the Sentinels to name it", what,
                  acting.ToAddress()));
}

// No daemon gives this node another password, or other certificates.
Decision WaitForAccess(const View& view, const std::string& what) {
  const Error& error = view.refusing.begin()->second;
  Decision decision =
      Decision::Wait(error.cause == Cause::kTls               ? "certificates"
                     : error.cause == Cause::kTrustedNetworks ? "trusted-networks"
                                                              : "credentials",
                     fmt::format("{}; {}; {}", what, error.message, redis::HowToBeAccepted(error)));
  decision.needs_person = true;
  return decision;
}

Decision WaitForSilent(const View& view, const std::string& what) {
  if (!view.refusing.empty()) return WaitForAccess(view, what);
  const Endpoint& silent = view.silent.front();
  const auto stranger = view.strangers.find(silent);
  if (stranger == view.strangers.end()) {
    return Decision::Wait(
        "silent-member",
        fmt::format(
            "{}; {} is registered but unreachable; waiting until it answers or its ZooKeeper session expires",
            what, silent.ToAddress()));
  }
  return Decision::Wait(
      "silent-member",
      fmt::format("{}; {} is registered, but {}; waiting until that ZooKeeper session expires", what,
                  silent.ToAddress(), stranger->second));
}

// No running member holds the group's data or names a master.
std::optional<Decision> WaitForTheDead(const View& view, const std::string& what) {
  if (const auto acting = ActingMaster(view)) return WaitForActing(what, *acting);
  if (const auto holder = DataHolder(view)) {
    return Decision::Wait(
        "failover", fmt::format("{}; {} is running and holds data; waiting for Sentinel to promote it", what,
                                holder->ToAddress()));
  }
  if (view.sentinels_seeing_master > 0) {
    if (!view.refusing.empty()) return WaitForAccess(view, what);
    return Decision::Wait(
        "unreachable-master",
        fmt::format("{}, but {} Sentinels reach it; waiting until it answers this node or they fail over",
                    what, view.sentinels_seeing_master));
  }
  if (const auto replica = Promotable(view); replica && view.sentinels_answering > 0) {
    return Decision::Wait(
        "failover", fmt::format("{}; {} is running and can be promoted; waiting for Sentinel to promote it",
                                what, replica->ToAddress()));
  }
  if (!view.silent.empty()) return WaitForSilent(view, what);
  return std::nullopt;
}

// Another node is supposed to be the master.
Decision DecideUnder(const View& view, const Endpoint& master, const std::string& who_says) {
  const std::string address = master.ToAddress();
  const auto* info = FindLiving(view, master);
  if (info == nullptr) {
    const auto stranger = view.strangers.find(master);
    const std::string what = fmt::format("{} names {} as master, but {}", who_says, address,
                                         stranger != view.strangers.end() ? stranger->second
                                         : view.refusing.contains(master) ? "it refuses this node"
                                                                          : "it is unreachable");
    if (auto wait = WaitForTheDead(view, what)) return std::move(*wait);
    if (view.refusing.contains(master)) return WaitForAccess(view, what);
    // Of ours, the znode of its member would still be there; of a foreign server there is no such sign.
    const bool foreign = view.record.state == State::kMaster && !view.record.lineage_fits;
    if (foreign && view.patient) {
      Decision decision = Decision::Wait(
          "foreign-record",
          fmt::format("{}; another program wrote the record; waiting for that master (COLD_START_WAIT)",
                      what));
      decision.awaits_datasets = true;
      return decision;
    }
    return DecideColdStart(view, what);
  }
  if (info->role == redis::Role::kMaster) {
    return Follow(view, master,
                  fmt::format("{} names {} as master, and it acts as master", who_says, address));
  }
  return Decision::Wait(
      "stale-record",
      fmt::format("{} names {} as master, but it is a replica; waiting for a majority of the Sentinels to "
                  "name the master",
                  who_says, address));
}

// This node is supposed to be the master, and its Redis does not run.
Decision DecideAsNamedMaster(const View& view, const std::string& who_says) {
  if (const auto acting = ActingMaster(view))
    return WaitForActing(who_says + " names this node as master", *acting);
  if (const auto holder = DataHolder(view)) {
    Decision decision = Decision::Wait(
        "failover",
        fmt::format("{} names this node as master, but {} is running and holds data; waiting for Sentinel to "
                    "promote it",
                    who_says, holder->ToAddress()));
    decision.ask_failover = true;
    return decision;
  }
  if (!view.refusing.empty()) return WaitForAccess(view, who_says + " names this node as master");
  if (!view.silent.empty()) {
    return Decision::Wait(
        "silent-member",
        fmt::format("{} names this node as master; {} is registered but unreachable and may hold data; "
                    "waiting until it answers or its ZooKeeper session expires",
                    who_says, view.silent.front().ToAddress()));
  }
  return DecideColdStart(view, who_says + " names this node as master");
}

// No master is recorded, and the Sentinels agree on none.
Decision DecideWithoutRecord(const View& view) {
  const bool unreadable = view.record.state == State::kUnreadable;
  const std::string found = unreadable
                                ? fmt::format("the record is unreadable (found \"{}\")", view.record.found)
                                : "no master is recorded";
  std::optional<Endpoint> acting;
  for (const auto& [endpoint, info] : view.living) {
    if (info.role != redis::Role::kMaster) continue;
    if (acting) {
      return WaitForSentinels(
          view, "several-masters",
          fmt::format(
              "{}, and both {} and {} act as master; waiting for a majority of the Sentinels to name one",
              found, acting->ToAddress(), endpoint.ToAddress()),
          "send REPLICAOF to the one whose data are to be given up");
    }
    acting = endpoint;
  }
  if (acting) {
    Decision decision =
        Follow(view, *acting, fmt::format("{}, but {} acts as master", found, acting->ToAddress()));
    decision.needs_lock = true;
    return decision;
  }
  if (const auto holder = DataHolder(view)) {
    return WaitForSentinels(
        view, "unrecorded-data",
        fmt::format("{}, but {} is running and holds data; waiting for it to become master", found,
                    holder->ToAddress()),
        "send REPLICAOF NO ONE to it");
  }
  if (unreadable && !view.living.empty()) {
    return WaitForSentinels(view, "unreadable-record",
                            fmt::format("{}, and {} is running; waiting for a repaired record", found,
                                        view.living.begin()->first.ToAddress()),
                            "write \"host port\" of the master into the record");
  }
  if (unreadable && view.sentinels_answering > 0) {
    return Decision::Wait(
        "unreadable-record",
        fmt::format("{}, and Sentinels are running; waiting for the watcher to write it from their answers",
                    found));
  }
  if (!view.silent.empty()) return WaitForSilent(view, found);
  return DecideColdStart(view, found);
}

Decision DecideRole(const View& view) {
  const bool recorded = view.record.state == State::kMaster;
  // A recorded master that is one needs no confirmation: this is every ordinary start of a replica.
  if (recorded && view.record.master != view.self && ActsAsMaster(view, view.record.master)) {
    return DecideUnder(view, view.record.master, "the record");
  }
  // Otherwise the Sentinels lead, where they agree.
  if (view.sentinels_say && (!recorded || view.sentinels_say->master != view.record.master)) {
    const Endpoint& named = view.sentinels_say->master;
    const std::string who = fmt::format("a majority of the Sentinels ({})", view.sentinels_say->votes);
    return named == view.self ? DecideAsNamedMaster(view, who) : DecideUnder(view, named, who);
  }
  if (!recorded) return DecideWithoutRecord(view);
  return view.record.master == view.self ? DecideAsNamedMaster(view, "the record")
                                         : DecideUnder(view, view.record.master, "the record");
}

}  // namespace

bool IsNeverPromoted(const redis::ServerInfo& info) {
  return info.role == redis::Role::kReplica && info.priority == 0 && !info.loading;
}

Decision Decide(const View& view) {
  Decision decision = DecideRole(view);
  decision.epoch = view.record.epoch;
  // A cold start is a configuration of its own, newer than what any Sentinel knows; the very first start and
  // the return of the recorded master are not.
  const bool anew = view.record.state != State::kNone || view.highest_epoch > 0;
  const bool returns = view.record.state == State::kMaster && view.record.master == view.self;
  if (decision.cold_start && anew && !returns) decision.epoch = view.highest_epoch + 1;
  return decision;
}

}  // namespace redis_zk::redis_wrapper
