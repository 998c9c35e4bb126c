#include "store/members.h"

#include <cstddef>
#include <utility>

namespace redis_zk::store {

using zookeeper::Node;
using zookeeper::Watch;

namespace {

Result<Member> ToMember(const std::string& uuid, const Node& node) {
  // It would be awaited for ever.
  if (node.stat.ephemeral_owner == 0) return Fail(ErrorKind::kInvalid, "an ephemeral znode");
  auto member = ParseMember(node.data);
  if (member) member->uuid = uuid;
  return member;
}

}  // namespace

Result<std::vector<Member>> Members::List(const std::string& group, Watch watch) {
  return znodes_.ListRegistrations<Member>(paths_.Members(group), watch, ToMember);
}

Result<std::map<std::string, std::vector<Member>>> Members::ListAll(const std::vector<std::string>& groups,
                                                                    std::size_t* closed) {
  std::vector<std::string> parents;
  for (const auto& group : groups) parents.push_back(paths_.Members(group));
  auto names = session_.ChildrenOfAll(parents, Watch::kNo);
  std::vector<std::string> paths;
  std::map<std::string, std::string> group_of;  // by path
  for (std::size_t i = 0; i < groups.size(); ++i) {
    // A group whose record was made without a wrapper.
    if (!names[i] && names[i].error().kind == ErrorKind::kNotFound) continue;
    if (!names[i]) return tl::unexpected(names[i].error());
    for (const auto& name : znodes_.Bound(parents[i], std::move(*names[i]))) {
      paths.push_back(parents[i] + '/' + name);
      group_of[paths.back()] = groups[i];
    }
  }
  using Placed = std::pair<std::string, Member>;
  const auto members = znodes_.ReadRegistrations<Placed>(
      paths,
      [&](const std::string& path, const Node& node) -> Result<Placed> {
        auto member = ToMember(path.substr(path.rfind('/') + 1), node);
        if (!member) return tl::unexpected(member.error());
        return Placed{group_of.at(path), std::move(*member)};
      },
      closed);
  if (!members) return tl::unexpected(members.error());
  std::map<std::string, std::vector<Member>> by_group;
  for (const auto& [group, member] : *members) by_group[group].push_back(member);
  return by_group;
}

Status Members::Register(const std::string& group, const Member& member) {
  return znodes_.PutEphemeral(paths_.Members(group) + '/' + member.uuid, Render(member));
}

}  // namespace redis_zk::store
