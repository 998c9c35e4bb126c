#include "redis-wrapper/write_fence.h"

#include <fmt/core.h>

#include <algorithm>
#include <future>

#include "base/log.h"
#include "redis-wrapper/lookup.h"
#include "sentinel/client.h"

namespace redis_zk::redis_wrapper {

namespace {

// More replicas than any master has.
const std::string kNever = std::to_string(redis::kFencedMinReplicas);
constexpr const char* kMinReplicas = "min-replicas-to-write";
constexpr const char* kMaxLag = "min-replicas-max-lag";
// With a lag of 0 Redis does not look at min-replicas-to-write at all.
const std::string kAnyLag = "10";

// CONFIG GET answers with name and value.
std::string ValueOf(const redis::Reply& reply, const std::string& otherwise) {
  return reply.items.size() == 2 ? reply.items[1].text : otherwise;
}

}  // namespace

WriteFence::WriteFence(const WrapperOptions& options, const redis::Network& network,
                       redis::KeptServer& server)
    : options_(options), network_(network), server_(server), fence_(options.fence_patience) {}

void WriteFence::Check(const redis::ServerInfo& own, const ZooKeeperSays& zookeeper,
                       const std::vector<sentinel::Peer>& sentinels, const std::vector<Endpoint>& replicas) {
  if (!options_.fence) return;
  FindLeftover(own);
  const bool is_master = own.role == redis::Role::kMaster;
  if (zookeeper.confirms || !is_master) {
    joined_.clear();
    attached_.clear();
    for (const auto& replica : own.replicas) attached_.insert(replica.endpoint);
  }
  const Confirmations confirmations =
      is_master ? AskForConfirmation(own, zookeeper, sentinels, replicas) : Confirmations{};
  const Fence::Action action = fence_.Next(is_master, Confirmed(confirmations), Clock::now());
  if (action == Fence::Action::kNone) return;
  const auto done = action == Fence::Action::kRaise ? Raise() : Lower();
  if (!done) {
    return log_problem_(
        log::Severity::kError, {.event = "fence-failed"},
        fmt::format("cannot {} the fence, retrying: {}; allow CONFIG GET and CONFIG SET to redis-wrapper",
                    action == Fence::Action::kRaise ? "raise" : "lower", done.error().message));
  }
  log_problem_.Reset();
  fence_.Did(action);
  if (action == Fence::Action::kRaise) {
    log::Error(
        {.event = "fence-raised"},
        "fence raised, rejecting writes: ZooKeeper is unreachable or names another master, and only {} of {} "
        "peers confirm this one; restore the network to ZooKeeper or to the peers",
        confirmations.confirming, confirmations.peers);
  } else {
    log::Info({.event = "fence-lowered"}, "fence lowered, accepting writes: {}",
              is_master ? "this master is confirmed again" : "this node is a replica now");
  }
}

Confirmations WriteFence::AskForConfirmation(const redis::ServerInfo& own, const ZooKeeperSays& zookeeper,
                                             const std::vector<sentinel::Peer>& sentinels,
                                             const std::vector<Endpoint>& registered) {
  if (zookeeper.confirms) return {.zookeeper = true};
  std::set<Endpoint> counted(registered.begin(), registered.end());
  counted.insert(joined_.begin(), joined_.end());
  std::set<Endpoint> known = counted;
  for (const auto& replica : own.replicas) {
    if (!attached_.contains(replica.endpoint)) known.insert(replica.endpoint);
  }
  const std::vector<Endpoint> replicas(known.begin(), known.end());
  PeersView view{.self = options_.server.announce, .newer_epoch = zookeeper.newer_epoch};
  // One after the other where no thread can be made.
  auto asked_replicas = std::async(std::launch::async | std::launch::deferred,
                                   [&] { return network_.redis.AskInfos(replicas); });
  for (const auto& report :
       sentinel::AskSentinels(network_.sentinels, sentinels, options_.common.master_name)) {
    if (report) view.sentinels.push_back(*report);
  }
  const auto infos = asked_replicas.get();
  for (std::size_t i = 0; i < replicas.size(); ++i) {
    if (!infos[i]) continue;
    const bool follows = infos[i]->role == redis::Role::kReplica && infos[i]->master == view.self;
    if (!counted.contains(replicas[i]) && !follows) continue;
    if (counted.insert(replicas[i]).second) joined_.insert(replicas[i]);
    view.replicas.push_back(*infos[i]);
  }
  view.peers = sentinels.size() + counted.size();
  return CountPeers(view);
}

Result<std::vector<redis::Reply>> WriteFence::AskOwn(const std::vector<redis::Command>& commands) {
  auto replies = server_.Ask(commands);
  if (!replies) return replies;
  const auto error =
      std::find_if(replies->begin(), replies->end(), [](const auto& reply) { return reply.is_error(); });
  if (error != replies->end()) return Fail(ErrorKind::kRefused, error->text);
  return replies;
}

void WriteFence::FindLeftover(const redis::ServerInfo& own) {
  // INFO counts the fit replicas only where min-replicas-to-write is set.
  if (fence_.may_be_raised() || !own.good_replicas) return;
  const auto found = AskOwn({{"CONFIG", "GET", kMinReplicas}});
  if (!found || ValueOf(found->front(), "0") != kNever) return;
  log::Warn(
      {.event = "fence-leftover"},
      "an earlier redis-wrapper left the fence raised ({} is {}); lowering it once this master is confirmed",
      kMinReplicas, kNever);
  fence_.Sent(Fence::Action::kRaise);
}

Status WriteFence::Raise() {
  const auto before = AskOwn({{"CONFIG", "GET", kMinReplicas}, {"CONFIG", "GET", kMaxLag}});
  if (!before) return tl::unexpected(before.error());
  // A second try, after an answer that was lost, finds our own setting.
  if (ValueOf(before->front(), "0") != kNever)
    users_ = UserSettings{ValueOf(before->front(), "0"), ValueOf(before->back(), kAnyLag)};
  const std::string& max_lag = users_.max_lag == "0" ? kAnyLag : users_.max_lag;
  fence_.Sent(Fence::Action::kRaise);
  const auto raised = AskOwn({{"CONFIG", "SET", kMaxLag, max_lag}, {"CONFIG", "SET", kMinReplicas, kNever}});
  if (!raised) return tl::unexpected(raised.error());
  return {};
}

Status WriteFence::Lower() {
  fence_.Sent(Fence::Action::kLower);
  const auto lowered = AskOwn(
      {{"CONFIG", "SET", kMinReplicas, users_.min_replicas}, {"CONFIG", "SET", kMaxLag, users_.max_lag}});
  if (!lowered) return tl::unexpected(lowered.error());
  return {};
}

}  // namespace redis_zk::redis_wrapper
