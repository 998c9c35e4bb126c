#include "store/znodes.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/log.h"
#include "base/printable.h"

namespace redis_zk::store {

using zookeeper::kAnyVersion;
using zookeeper::Lifetime;
using zookeeper::Transaction;
using zookeeper::Watch;

Result<std::vector<std::string>> Znodes::ChildPaths(const std::string& parent, Watch watch) {
  auto names = session_.Children(parent, watch);
  if (!names) return names;
  auto paths = Bound(parent, std::move(*names));
  for (auto& name : paths) name = parent + '/' + name;
  return paths;
}

std::vector<std::string> Znodes::Bound(const std::string& parent, std::vector<std::string> names) {
  std::sort(names.begin(), names.end());
  if (names.size() <= kMostChildren) {
    crowded_.erase(parent);
    return names;
  }
  if (crowded_.insert(parent).second) {
    log::Warn({.event = "znodes-left-out"},
              "{}: found {} znodes, expected at most {}; the others are left out", parent, names.size(),
              kMostChildren);
  }
  names.resize(kMostChildren);
  return names;
}

Status Znodes::Put(const std::string& path, const std::string& data) {
  auto set = session_.Set(path, data, kAnyVersion);
  if (set || set.error().kind != ErrorKind::kNotFound) return set;
  if (auto made = session_.EnsurePath(path); !made) return made;
  return session_.Set(path, data, kAnyVersion);
}

Status Znodes::PutEphemeral(const std::string& path, const std::string& data) {
  // Read first, also by DeleteIfThere: a write that is refused stands in ZooKeeper's log like any other.
  const auto node = session_.Get(path, Watch::kNo);
  if (!node && node.error().kind == ErrorKind::kNotFound) {
    const auto created = session_.Create(path, data, Lifetime::kEphemeral);
    return created ? Status{} : tl::unexpected(created.error());
  }
  if (!node) return tl::unexpected(node.error());
  if (node->stat.ephemeral_owner == session_.id()) {
    return node->data == data ? Status{} : session_.Set(path, data, node->stat.version);
  }
  Transaction replace;
  replace.Add(Transaction::DeleteOp{path, node->stat.version});
  replace.Add(Transaction::CreateOp{path, data, Lifetime::kEphemeral});
  const auto replaced = session_.Commit(replace);
  if (!replaced) return Fail("cannot register " + path, replaced.error());
  return {};
}

Status Znodes::PutShown(const std::string& parent, const std::string& name, const std::string& data) {
  if (auto made = session_.EnsurePath(parent); !made) return made;
  return PutEphemeral(parent + '/' + name, data);
}

Status Znodes::DeleteIfThere(const std::string& path) {
  const auto there = session_.Exists(path, Watch::kNo);
  if (!there) return tl::unexpected(there.error());
  if (!there->has_value()) return {};
  auto deleted = session_.Delete(path, kAnyVersion);
  if (!deleted && deleted.error().kind != ErrorKind::kNotFound) return deleted;
  return {};
}

void Znodes::WarnUnreadable(const std::string& path, const std::string& found, const std::string& expected,
                            std::string_view so) {
  const auto line = fmt::format("{}: found \"{}\", expected {}; {}", path, Printable(found), expected, so);
  if (std::exchange(warned_[path], line) != line) log::Warn({.event = "znode-unreadable"}, "{}", line);
}

void Znodes::WarnClosed(const std::string& path, const Error& error) {
  const auto line = error.message + "; left out";
  if (std::exchange(warned_[path], line) != line) log::Warn({.event = "znode-closed"}, "{}", line);
}

}  // namespace redis_zk::store
