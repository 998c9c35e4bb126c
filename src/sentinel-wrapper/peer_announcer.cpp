#include "sentinel-wrapper/peer_announcer.h"

#include <utility>

#include "sentinel-wrapper/monitoring.h"
#include "sentinel/client.h"

namespace redis_zk::sentinel_wrapper {

PeerAnnouncer::PeerAnnouncer(daemon::WrapperLoop& loop, const WrapperOptions& options,
                             redis::Servers& as_hello)
    : loop_(loop), options_(options), as_hello_(as_hello) {}

void PeerAnnouncer::Look(const store::Identity& identity, const std::set<std::string>& groups) {
  if (!loop_.session().connected() || (!has_news_ && groups == announced_.groups)) return;
  if (const auto done = AnnouncePeers(identity, groups); !done) {
    log_problem_(log::Severity::kWarn, {.event = "peer-announcement-failed"},
                 "cannot announce the other Sentinels to redis-sentinel, retrying: " + done.error().message);
    return;
  }
  has_news_ = false;
  log_problem_.Reset();
}

Status PeerAnnouncer::AnnouncePeers(const store::Identity& identity, const std::set<std::string>& groups) {
  auto sentinels = loop_.registry().sentinels.List(zookeeper::Watch::kYes);
  if (!sentinels) return tl::unexpected(sentinels.error());
  if (*sentinels == announced_.sentinels && groups == announced_.groups) return {};
  const auto identities = loop_.registry().identities.List();
  if (!identities) return tl::unexpected(identities.error());
  auto peers = PeersOf(identity, *identities, *sentinels);
  // Ours gives its password to those that it is told of.
  std::erase_if(peers, [this](const auto& peer) {
    return !options_.common.credentials.sentinel.MayTell(peer.endpoint);
  });
  if (!peers.empty()) {
    auto told = sentinel::Client(as_hello_, options_.server.bind)
                    .AnnouncePeers(peers, {groups.begin(), groups.end()});
    if (!told) return told;
  }
  announced_ = {std::move(*sentinels), groups};
  return {};
}

}  // namespace redis_zk::sentinel_wrapper
