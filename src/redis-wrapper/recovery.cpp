#include "redis-wrapper/recovery.h"

#include <fmt/core.h>

#include <algorithm>
#include <tuple>
#include <utility>

#include "redis-wrapper/dataset.h"
#include "redis-wrapper/history.h"

namespace redis_zk::redis_wrapper {

namespace {

using RecoveryAction = RecoveryDecision::Action;
using State = store::Record::State;
using Peer = RecoveryView::Peer;

// From the moment at which no peer confirms a master until its fence is up, on top of FENCE_PATIENCE: a
// request to ZooKeeper under way, a question to the peers, and the turn of the loop.
constexpr Duration kFenceTakes = 5s;
// A member that stands in the way of this one (it does not answer, or is the better choice) has this many
// times the patience to prove it.
constexpr int kTimesForOthers = 2;
// By then a Sentinel that holds the master for dead has begun with a failover, if only to give it up: those
// who vote for another, or gave up themselves, wait for minutes. They ask one another once a second.
constexpr Duration kSentinelsBegin = 2s;
// By then one has given it up, if it knew no replica to promote. Of replicas Sentinels learn from a living
// master, so that they will not.
constexpr Duration kSentinelsGiveUp = 500ms;
// A master says something every ten seconds, if only PING.
constexpr Duration kLongestSilence = 11s;

RecoveryDecision None(std::string reason) {
  return {.action = RecoveryAction::kNone, .reason = std::move(reason)};
}
RecoveryDecision Wait(std::string reason) {
  return {.action = RecoveryAction::kWait, .reason = std::move(reason)};
}

bool IsRecorded(const RecoveryView& view, const Endpoint& endpoint) { return endpoint == view.record.master; }

// Also where it acts as master already: a Sentinel may have died before it told anybody of the promotion.
bool MayBePromoted(const Peer& peer) {
  return peer.info && !peer.info->loading && peer.info->priority != 0 && !peer.member.incomplete;
}

// Whose word counts: the registered Sentinels, and the members that serve, this one among them. The recorded
// master has no vote about itself. In the fence the same are asked.
struct Votes {
  std::size_t electorate = 1;
  std::size_t denying = 1;
  std::string alive;  // who counts the recorded master as alive; empty: none

  bool Suffice() const { return alive.empty() && denying * 2 > electorate; }
};

Votes Count(const RecoveryView& view) {
  Votes votes;
  const bool is_stranger = view.strangers.contains(view.record.master);
  for (const auto& [sentinel, report, replicas, vote] : view.sentinels) {
    ++votes.electorate;
    // What one in TILT says of the master may be half a minute old.
    if (!report || report->tilt) continue;
    if (IsRecorded(view, report->master) && !report->master_down && !is_stranger) {
      votes.alive = "Sentinel " + sentinel.ToAddress();
    } else {
      ++votes.denying;
    }
  }
  for (const auto& [member, info] : view.members) {
    if (!member.serving || IsRecorded(view, member.endpoint)) continue;
    ++votes.electorate;
    if (!info) continue;
    if (IsRecorded(view, info->master) && HearsMaster(*info) && !is_stranger) {
      votes.alive = "replica " + member.endpoint.ToAddress();
    } else {
      ++votes.denying;
    }
  }
  return votes;
}

// Of the members, but for the one whose place this node has taken; nullptr: none acts as master.
const Peer* FindActing(const RecoveryView& view) {
  const auto found = std::find_if(view.members.begin(), view.members.end(), [&view](const auto& peer) {
    return peer.info && peer.info->role == redis::Role::kMaster && peer.member.endpoint != view.owed_from;
  });
  return found == view.members.end() ? nullptr : &*found;
}

// Why there is nothing to recover, or not by this node.
std::string FindNoNeed(const RecoveryView& view) {
  if (view.record.state != State::kMaster) return "no master is recorded";
  if (IsRecorded(view, view.self)) return "the record names this node";
  if (HearsMaster(view.own)) return "this node is linked to its master";
  if (view.recorded && view.recorded->role == redis::Role::kMaster)
    return fmt::format("the recorded master {} acts as master", view.record.master.ToAddress());
  return "";
}

// Why this node is the wrong one. Without a complete copy its wrapper sets the priority to 0; where it is
// another one, an operator insists.
std::string FindUnfit(const RecoveryView& view) {
  if (view.own.priority != 0) return "";
  return view.holds_copy ? "its replica-priority is 0" : "it holds no complete copy of the group's data";
}

// An old master that was not demoted, since its successor was gone first: not a replica that was promoted.
bool WasSucceeded(const RecoveryView& view) {
  const std::string& now = view.history.replication_id;
  return view.own.role == redis::Role::kMaster && !now.empty() && now != view.own.replication_id &&
         now != view.own.previous_replication_id;
}

// Of the others.
bool IsNobodyFit(const RecoveryView& view) {
  return std::none_of(view.members.begin(), view.members.end(), MayBePromoted);
}

bool IsMember(const RecoveryView& view, const Endpoint& endpoint) {
  return endpoint == view.self ||
         std::any_of(view.members.begin(), view.members.end(),
                     [&](const auto& peer) { return peer.member.endpoint == endpoint; });
}

// Whether the recorded master still has a wrapper, and runs for all that its registration says. As a replica
// it takes no writes.
bool IsRegistered(const RecoveryView& view) {
  if (view.recorded && view.recorded->role == redis::Role::kReplica) return false;
  return std::any_of(view.members.begin(), view.members.end(), [&view](const auto& peer) {
    return peer.member.serving && IsRecorded(view, peer.member.endpoint);
  });
}

std::string FindNewer(const RecoveryView& view) {
  // The epoch of a recovery is its node's own invention: a failover of Sentinel's at the same one counts,
  // while there is a node that the watcher can record.
  const auto is_newer = [&view](const sentinel::SentinelReport& report) {
    if (report.config_epoch > view.record.epoch) return true;
    return view.record.origin == store::Origin::kUnelected && report.config_epoch == view.record.epoch &&
           IsMember(view, report.master);
  };
  for (const auto& [sentinel, report, replicas, vote] : view.sentinels) {
    if (report && is_newer(*report) && !IsRecorded(view, report->master) &&
        !view.strangers.contains(report->master))
      return fmt::format("Sentinel {} knows a newer configuration (epoch {}, master {})",
                         sentinel.ToAddress(), report->config_epoch, report->master.ToAddress());
  }
  return "";
}

// Who acts already, then the lowest priority, as Sentinel does it, and then by address.
bool GoesFirst(const RecoveryView& view, const Peer& peer) {
  const auto rank = [](const redis::ServerInfo& info, const Endpoint& endpoint) {
    return std::tuple(info.role != redis::Role::kMaster, info.priority, endpoint);
  };
  return rank(*peer.info, peer.member.endpoint) < rank(view.own, view.self);
}

// Whether so many have voted for others that those who are left are no majority. A vote is given once in an
// epoch (sentinel.c, sentinelVoteLeader). Who has chosen a replica was elected, or needs no election.
bool HasLostElection(const RecoveryView& view, const RecoveryView::Witness& candidate) {
  const std::string& self = candidate.report->id;
  if (!candidate.vote || candidate.vote->leader != self || sentinel::HasChosen(candidate.replicas))
    return false;
  const auto is_for_another = [&](const RecoveryView::Witness& voter) {
    return voter.vote && voter.vote->leader != self && voter.vote->epoch == candidate.vote->epoch;
  };
  const auto lost = std::count_if(view.sentinels.begin(), view.sentinels.end(), is_for_another);
  const std::size_t voters = std::max(view.sentinels.size(), sentinel::FleetOf(*candidate.report));
  return static_cast<std::size_t>(lost) * 2 >= voters;
}

// No Sentinel knows a node that it could promote, nor this one.
bool AreSentinelsBlind(const RecoveryView& view) {
  const auto is_known = [&view](const sentinel::ReplicaReport& replica) {
    return replica.endpoint == view.self || (!replica.down && replica.priority != 0);
  };
  return std::none_of(view.sentinels.begin(), view.sentinels.end(), [&is_known](const auto& witness) {
    return std::any_of(witness.replicas.begin(), witness.replicas.end(), is_known);
  });
}

// All Sentinels have given up, so that no node with a complete copy is to be waited for.
bool HaveGivenUp(const RecoveryView& view, TimePoint now) {
  if (!view.holds_copy || !view.idle_since) return false;
  return now - *view.idle_since >= (AreSentinelsBlind(view) ? kSentinelsGiveUp : kSentinelsBegin);
}

// Whether Sentinels know this member, and all that do call it down.
bool IsDown(const RecoveryView& view, const Endpoint& member) {
  bool known = false;
  for (const auto& witness : view.sentinels) {
    for (const auto& replica : witness.replicas) {
      if (replica.endpoint != member) continue;
      if (!replica.down) return false;
      known = true;
    }
  }
  return known;
}

// For how long others go first.
struct Courtesy {
  bool to_down = true;    // Sentinels call them down
  bool to_others = true;  // they do not answer, or are the better choice
};

// Who stands in the way of this node, and how.
RecoveryDecision CompareWithOthers(const RecoveryView& view, const Courtesy& courtesy) {
  for (const auto& peer : view.members) {
    const std::string address = peer.member.endpoint.ToAddress();
    if (IsRecorded(view, peer.member.endpoint) || !peer.member.serving) continue;
    if (!peer.info) {
      if (!courtesy.to_others || (!courtesy.to_down && IsDown(view, peer.member.endpoint))) continue;
      return Wait(fmt::format("{} is registered but unreachable and may hold better data", address));
    }
    if (peer.member.incomplete) continue;
    switch (Compare(DataOf(*peer.info), DataOf(view.own), view.history)) {
      case Order::kNewer:
        // Its user may never let it be one, and its data outrank this node's all the same.
        if (MayBePromoted(peer)) {
          if (courtesy.to_others) return Wait(address + " holds better data than this node");
          return {
              .action = RecoveryAction::kRefuse,
              .reason = fmt::format("{} holds better data than this node and does not promote itself; "
                                    "restart its redis-wrapper, or to give up what only it holds, stop it",
                                    address)};
        }
        return {.action = RecoveryAction::kRefuse,
                .reason = fmt::format("{} holds better data than this node and cannot be promoted (its "
                                      "replica-priority is 0); to make it the master, set its "
                                      "replica-priority to 10 with CONFIG SET",
                                      address)};
      case Order::kSame:
        if (MayBePromoted(peer) && GoesFirst(view, peer) && courtesy.to_others)
          return Wait(address + " holds the same data and goes first");
        break;
      case Order::kUnrelated:
        return {.action = RecoveryAction::kRefuse,
                .reason = fmt::format(
                    "this node (data {}) and {} (data {}) hold unrelated datasets; stop the "
                    "one whose data are to be given up, and empty its data directory",
                    view.own.replication_id.substr(0, 8), address, peer.info->replication_id.substr(0, 8))};
      case Order::kOlder:
        break;
    }
  }
  return None("");
}

}  // namespace

bool HearsMaster(const redis::ServerInfo& replica) {
  return replica.link_up && replica.link_silent_for <= kLongestSilence;
}

bool AreSentinelsIdle(const RecoveryView& view) {
  const std::size_t registered = view.sentinels.size();
  for (const auto& witness : view.sentinels) {
    const auto& report = witness.report;
    if (!report || !report->identified || report->tilt) return false;
    if (!report->master_down || !IsRecorded(view, report->master)) return false;
    if (report->failover_in_progress && !HasLostElection(view, witness)) return false;
    // Those that are not registered, maybe for lack of ZooKeeper, may confirm the master.
    if (registered < report->quorum || registered * 2 <= sentinel::FleetOf(*report)) return false;
  }
  return registered > 0;
}

RecoveryDecision DecideRecovery(const RecoveryView& view, TimePoint now) {
  // The order to the server was lost, or its answer. An old master that is back by now gives way to the
  // record as soon as this one acts; where anybody else acts, the group has gone on meanwhile.
  const bool obeyed = view.own.role == redis::Role::kMaster;
  if (view.owed_from && !obeyed && FindActing(view) == nullptr && FindNewer(view).empty())
    return {.action = RecoveryAction::kFinish, .epoch = view.record.epoch, .reason = view.record.reason};
  if (auto no_need = FindNoNeed(view); !no_need.empty()) return None(std::move(no_need));
  const std::string what =
      fmt::format("the recorded master {} does not act as master", view.record.master.ToAddress());
  const auto wait = [&what](const std::string& why) { return Wait(fmt::format("{}; {}", what, why)); };
  const bool given_up = HaveGivenUp(view, now);
  if (!given_up && IsRegistered(view))
    return wait("its redis-wrapper is registered; waiting until it answers or its ZooKeeper session expires");
  if (const auto newer = FindNewer(view); !newer.empty())
    return wait(newer + "; waiting for the watcher to record it");
  const Votes votes = Count(view);
  if (!votes.alive.empty()) return wait(votes.alive + " still reaches it");
  if (!votes.Suffice()) {
    return wait(
        fmt::format("only {} of {} Sentinels and members answer this node, and more than half have to",
                    votes.denying, votes.electorate));
  }
  if (WasSucceeded(view))
    return wait("this node acts as one, with data that the group has gone on from; waiting for newer data");
  const Duration quiet = std::chrono::duration_cast<Duration>(now - view.quiet_since);
  const bool patient = quiet < view.patience;
  const auto unfit = FindUnfit(view);
  if (patient && (!given_up || !unfit.empty()))
    return wait(fmt::format("waiting for Sentinel to fail over, for {} ms at least", view.patience.count()));
  if (!unfit.empty()) {
    if (!IsNobodyFit(view))
      return wait(fmt::format("this node cannot be promoted: {}; waiting for another one", unfit));
    return {
        .action = RecoveryAction::kRefuse,
        .reason = fmt::format("{}; no running member can be promoted (this node: {}); start the nodes with "
                              "the group's data, or set replica-priority to 10 with CONFIG SET on the "
                              "replica to promote",
                              what, unfit)};
  }
  const bool for_others = quiet < kTimesForOthers * view.patience;
  auto others = CompareWithOthers(view, {.to_down = !given_up, .to_others = for_others});
  if (others.action != RecoveryAction::kNone) {
    // What only a person can decide may be decided otherwise while anybody has time.
    if (patient) others.action = RecoveryAction::kWait;
    others.reason = fmt::format("{}; {}", what, others.reason);
    return others;
  }
  const std::string why =
      patient ? fmt::format("{}, all {} Sentinels say so and have given up", what, view.sentinels.size())
              : fmt::format("{} for {} ms, Sentinel has promoted no replica", what, quiet.count());
  return {.action = view.locked ? RecoveryAction::kPromote : RecoveryAction::kTakeLock,
          .epoch = std::max(view.highest_epoch, view.record.epoch) + 1,
          .reason = fmt::format("{}, {} of {} Sentinels and members confirm that, and this node has the best "
                                "data",
                                why, votes.denying, votes.electorate)};
}

Duration PatienceFor(Duration patience, Duration fence_patience) {
  return std::max(patience, fence_patience + kFenceTakes);
}

TimePoint Quiet::Note(const RecoveryView& view, TimePoint now) {
  // The fence of a master that was confirmed until now is not up yet: while it is registered, ZooKeeper may
  // do that, and its peers while they see it.
  const bool confirmed = IsRegistered(view) || !Count(view).Suffice();
  bool begins = !since_ || master_ != view.record.master || confirmed;
  for (const auto& [sentinel, report, replicas, vote] : view.sentinels) {
    // One that is silent for a moment does nothing new by that.
    if (!report) continue;
    const auto [known, is_new] = failovers_.try_emplace(sentinel);
    const bool started = report->failover_in_progress && !known->second.runs;
    begins = begins || (!is_new && (started || report->config_epoch > known->second.config_epoch));
    known->second = {report->config_epoch, report->failover_in_progress};
  }
  if (begins) since_ = now;
  if (!AreSentinelsIdle(view)) {
    idle_since_.reset();
  } else if (!idle_since_) {
    idle_since_ = now;
  }
  master_ = view.record.master;
  return *since_;
}

}  // namespace redis_zk::redis_wrapper
