#include "store/identities.h"

namespace redis_zk::store {

using zookeeper::kAnyVersion;
using zookeeper::Lifetime;
using zookeeper::Node;
using zookeeper::Watch;

namespace {

constexpr const char* kTaken = "/taken";

}  // namespace

Result<std::vector<Identity>> Identities::List() {
  auto identities =
      znodes_.List<Identity>(paths_.Identities(), Watch::kNo, [](const std::string& uuid, const Node& node) {
        auto identity = ParseIdentity(node.data);
        if (identity) identity->uuid = uuid;
        return identity;
      });
  if (!identities) return identities;
  for (auto& identity : *identities) {
    const auto taken = session_.Exists(Path(identity.uuid) + kTaken, Watch::kNo);
    if (!taken) return tl::unexpected(taken.error());
    identity.taken = taken->has_value();
  }
  return identities;
}

Status Identities::Take(const Identity& identity) {
  const std::string taken = Path(identity.uuid) + kTaken;
  // With its data at once: one without could neither be taken nor removed.
  if (auto made = session_.EnsurePath(paths_.Identities()); !made) return made;
  const auto made = session_.Create(Path(identity.uuid), Render(identity), Lifetime::kPersistent);
  if (!made && made.error().kind != ErrorKind::kAlreadyExists) return tl::unexpected(made.error());
  const auto created = session_.Create(taken, identity.endpoint.ToRecord(), Lifetime::kEphemeral);
  if (!created) {
    if (created.error().kind != ErrorKind::kAlreadyExists) return tl::unexpected(created.error());
    // Ours already, if the answer to an earlier try was lost.
    const auto node = session_.Get(taken, Watch::kNo);
    if (!node) return tl::unexpected(node.error());
    if (node->stat.ephemeral_owner != session_.id()) return tl::unexpected(created.error());
  }
  return Update(identity);
}

Status Identities::Update(const Identity& identity) {
  return session_.Set(Path(identity.uuid), Render(identity), kAnyVersion);
}

Status Identities::Remove(const std::string& uuid) { return znodes_.DeleteIfThere(Path(uuid)); }

}  // namespace redis_zk::store
