#include "store/sentinels.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <utility>

#include "base/log.h"

namespace redis_zk::store {

using zookeeper::Node;
using zookeeper::Watch;

namespace {

// Of the newest kMostOthers. One that starts again and again leaves many behind at one address.
std::int64_t OldestListed(const std::map<Endpoint, std::int64_t>& newest) {
  std::vector<std::int64_t> dates;
  for (const auto& entry : newest) dates.push_back(entry.second);
  if (dates.size() <= kMostOthers) return std::numeric_limits<std::int64_t>::min();
  const auto last = dates.begin() + kMostOthers - 1;
  std::nth_element(dates.begin(), last, dates.end(), std::greater<>());
  return *last;
}

}  // namespace

Result<std::vector<Sentinel>> Sentinels::List(Watch watch, std::size_t* closed) {
  std::size_t found = 0;                    // of others
  std::map<Endpoint, std::int64_t> newest;  // when each of their addresses was registered last
  using Dated = std::pair<Sentinel, std::int64_t>;
  auto listed = znodes_.ListRegistrations<Dated>(
      paths_.Sentinels(), watch,
      [&](const std::string& uuid, const Node& node) -> Result<Dated> {
        return ParseRecord(node.data).map([&](Endpoint&& endpoint) {
          const bool ours = node.stat.ephemeral_owner != 0;
          if (!ours) {
            ++found;
            auto& at = newest.try_emplace(endpoint, node.stat.modified_at).first->second;
            at = std::max(at, node.stat.modified_at);
          }
          return Dated{Sentinel{uuid, std::move(endpoint), ours}, node.stat.modified_at};
        });
      },
      closed);
  if (!listed) return tl::unexpected(listed.error());
  if (found <= kMostOthers) {
    told_crowd_ = false;
  } else if (!std::exchange(told_crowd_, true)) {
    log::Warn(
        {.event = "sentinels-left-behind"},
        "{}: found {} persistent znodes, as the original project's Sentinels leave them behind; all but "
        "the newest {} are left out; delete those whose Sentinel is gone",
        paths_.Sentinels(), found, kMostOthers);
  }
  const std::int64_t oldest = OldestListed(newest);
  std::size_t places = kMostOthers;
  std::vector<Sentinel> sentinels;
  for (auto& [sentinel, since] : *listed) {
    if (!sentinel.ours && found > kMostOthers) {
      if (since < oldest || since < newest.at(sentinel.endpoint) || places == 0) continue;
      --places;
    }
    sentinels.push_back(std::move(sentinel));
  }
  // Applications ask in this order, and those that were left behind cost them a timeout each.
  std::stable_partition(sentinels.begin(), sentinels.end(), [](const auto& each) { return each.ours; });
  return sentinels;
}

Status Sentinels::Register(const Sentinel& sentinel) {
  return znodes_.PutEphemeral(paths_.Sentinels() + '/' + sentinel.uuid, sentinel.endpoint.ToRecord());
}

Status Sentinels::Unregister(const std::string& uuid) {
  const std::string path = paths_.Sentinels() + '/' + uuid;
  const auto found = session_.Exists(path, Watch::kNo);
  if (!found) return tl::unexpected(found.error());
  // Nothing, or that of a successor on the same identity.
  if (!*found || (*found)->ephemeral_owner != session_.id()) return {};
  return znodes_.DeleteIfThere(path);
}

}  // namespace redis_zk::store
