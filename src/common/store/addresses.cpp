#include "store/addresses.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "base/printable.h"
#include "store/record.h"

namespace redis_zk::store {

using zookeeper::Lifetime;
using zookeeper::Watch;

namespace {

// Before the number of a claim.
constexpr char kSeparator = '-';

}  // namespace

AddressVerdict JudgeAddress(const std::optional<Announcer>& other, bool answered, bool patient) {
  if (!answered && (!other || (other->serving && !other->alive))) return AddressVerdict::kOurs;
  return patient ? AddressVerdict::kWait : AddressVerdict::kRefuse;
}

Addresses::Addresses(zookeeper::Session& session, std::string root)
    : session_(session), root_(std::move(root) + "/announced") {}

Result<Addresses::Place> Addresses::TakePlace(const Endpoint& address, const std::string& name) {
  if (auto made = session_.EnsurePath(root_); !made) return tl::unexpected(made.error());
  const auto is_ours = [this](const Found& claim) { return claim.owner == session_.id(); };
  auto claims = ListClaims(address);
  if (!claims) return tl::unexpected(claims.error());
  const bool is_missing = std::none_of(claims->begin(), claims->end(), is_ours);
  // One that is there already is news, too, when the answer to its creation was lost.
  const bool is_new = is_missing || placed_session_ != session_.id();
  if (is_missing) {
    const auto made =
        session_.Create(root_ + '/' + address.ToAddress() + kSeparator, name, Lifetime::kEphemeralSequential);
    if (!made) return tl::unexpected(made.error());
    claims = ListClaims(address);
    if (!claims) return tl::unexpected(claims.error());
  }
  claims->erase(std::find_if(claims->begin(), claims->end(), is_ours), claims->end());
  std::erase_if(*claims, [&name](const Found& claim) { return claim.data == name; });
  placed_session_ = session_.id();
  return Place{.before = std::move(*claims), .is_new = is_new};
}

Result<std::optional<std::string>> Addresses::PutBack(const Endpoint& address, const std::string& name) {
  const auto place = TakePlace(address, name);
  if (!place) return tl::unexpected(place.error());
  if (!place->is_new || place->before.empty()) return std::nullopt;
  return place->before.front().name;
}

Result<std::optional<Announcer>> Addresses::Claim(const Endpoint& address, const std::string& name,
                                                  bool answered) {
  const auto place = TakePlace(address, name);
  if (!place) return tl::unexpected(place.error());
  // A server that is registered there, without a claim of its wrapper and without an answer, is dead.
  if (place->before.empty() && !answered) return std::nullopt;
  const auto registrations = ListRegistrations(address);
  if (!registrations) return tl::unexpected(registrations.error());
  for (const auto& claim : place->before) {
    const bool serving =
        std::any_of(registrations->begin(), registrations->end(),
                    [&claim](const auto& registration) { return registration.owner == claim.owner; });
    if (serving) continue;
    seen_starting_.insert(claim.owner);
    return Announcer{.name = claim.name};
  }
  if (registrations->empty()) return std::nullopt;
  const auto living =
      std::find_if(registrations->begin(), registrations->end(),
                   [this](const auto& registration) { return seen_starting_.contains(registration.owner); });
  const bool alive = living != registrations->end();
  return Announcer{.name = (alive ? *living : registrations->front()).name, .serving = true, .alive = alive};
}

Result<std::vector<Addresses::Found>> Addresses::ListClaims(const Endpoint& address) {
  auto names = session_.Children(root_, Watch::kNo);
  if (!names) return tl::unexpected(names.error());
  const std::string prefix = address.ToAddress() + kSeparator;
  std::erase_if(*names, [&prefix](const auto& name) { return !name.starts_with(prefix); });
  // The numbers have ten digits each.
  std::sort(names->begin(), names->end());
  std::vector<std::string> paths;
  for (const auto& name : *names) paths.push_back(root_ + '/' + name);
  const auto nodes = session_.GetAll(paths, Watch::kNo);
  std::vector<Found> claims;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    if (!nodes[i] && nodes[i].error().kind == ErrorKind::kNotFound) continue;
    if (!nodes[i]) return tl::unexpected(nodes[i].error());
    claims.push_back({fmt::format("{} ({})", paths[i], Printable(nodes[i]->data)),
                      nodes[i]->stat.ephemeral_owner, nodes[i]->data});
  }
  return claims;
}

Result<std::vector<Addresses::Found>> Addresses::ListRegistrations(const Endpoint& address) {
  const std::string root = root_.substr(0, root_.rfind('/'));
  std::vector<std::string> parents{root + "/sentinels"};
  const auto groups = session_.Children(root + "/members", Watch::kNo);
  if (!groups && groups.error().kind != ErrorKind::kNotFound) return tl::unexpected(groups.error());
  if (groups) {
    for (const auto& group : *groups) parents.push_back(root + "/members/" + group);
  }
  const auto children = session_.ChildrenOfAll(parents, Watch::kNo);
  std::vector<std::string> paths;
  for (std::size_t i = 0; i < parents.size(); ++i) {
    if (!children[i] && children[i].error().kind == ErrorKind::kNotFound) continue;
    if (!children[i]) return tl::unexpected(children[i].error());
    for (const auto& child : *children[i]) paths.push_back(parents[i] + '/' + child);
  }
  const auto nodes = session_.GetAll(paths, Watch::kNo);
  std::vector<Found> registrations;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    if (!nodes[i] && nodes[i].error().kind == ErrorKind::kNotFound) continue;
    if (!nodes[i]) return tl::unexpected(nodes[i].error());
    const std::int64_t session = nodes[i]->stat.ephemeral_owner;
    // Persistent ones are the originals'; nothing says whether what they speak of lives.
    if (session == 0 || session == session_.id()) continue;
    const bool is_sentinel = paths[i].starts_with(parents.front() + '/');
    const auto member = ParseMember(nodes[i]->data);
    if (is_sentinel && ParseRecord(nodes[i]->data) == address)
      registrations.push_back({paths[i], session, nodes[i]->data});
    if (!is_sentinel && member && member->serving && member->endpoint == address)
      registrations.push_back(
          {fmt::format("{}, node {}", paths[i], Printable(member->node)), session, nodes[i]->data});
  }
  return registrations;
}

}  // namespace redis_zk::store
