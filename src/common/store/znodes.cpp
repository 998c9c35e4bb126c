#include "store/znodes.h"

#include <fmt/core.h>

#include <algorithm>
#include <iterator>

#include "base/printable.h"

namespace redis_zk::store {

using zookeeper::kAnyVersion;
using zookeeper::Lifetime;
using zookeeper::Transaction;
using zookeeper::Watch;

namespace {

constexpr Duration kReadLeftBehindEvery = 60s;
// Bytes of one of them; what is larger is read each time instead.
constexpr std::size_t kMostRemembered = 1000;
// What is left behind by the thousand is one line.
constexpr std::size_t kMostLines = 30;

}  // namespace

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

Znodes::Nodes Znodes::GetRegistrations(const std::vector<std::string>& paths) {
  const TimePoint now = Clock::now();
  std::erase_if(left_behind_, [now](const auto& known) { return known.second.known_until <= now; });
  std::vector<std::string> asked;
  std::copy_if(paths.begin(), paths.end(), std::back_inserter(asked),
               [this](const auto& path) { return !left_behind_.contains(path); });
  Nodes answers;
  if (!asked.empty()) answers = session_.GetAll(asked, Watch::kNo);
  Nodes nodes;
  nodes.reserve(paths.size());
  auto answer = answers.begin();
  for (const auto& path : paths) {
    if (const auto known = left_behind_.find(path); known != left_behind_.end()) {
      nodes.emplace_back(known->second.node);
      continue;
    }
    if (*answer && (*answer)->stat.ephemeral_owner == 0 && (*answer)->data.size() <= kMostRemembered)
      left_behind_.emplace(path, LeftBehind{**answer, now + kReadLeftBehindEvery});
    nodes.push_back(std::move(*answer++));
  }
  return nodes;
}

std::string Znodes::Unreadable(const std::string& path, const std::string& found, const std::string& expected,
                               std::string_view so) {
  return fmt::format("{}: found \"{}\", expected {}; {}", path, Printable(found), expected, so);
}

void Znodes::WarnUnreadable(const std::string& path, const std::string& found, const std::string& expected,
                            std::string_view so) {
  const auto line = Unreadable(path, found, expected, so);
  if (std::exchange(warned_[path], line) != line) log::Warn({.event = "znode-unreadable"}, "{}", line);
}

void Znodes::WarnLeftOut(const log::About& about, const std::vector<Complaint>& complaints) {
  std::vector<std::string> news;
  for (const auto& [path, line] : complaints) {
    if (std::exchange(warned_[path], line) != line) news.push_back(line);
  }
  if (news.size() <= kMostLines) {
    for (const auto& line : news) log::Say(log::Severity::kWarn, about, "{}", line);
    return;
  }
  log::Say(log::Severity::kWarn, about, "{}, and so are {} more, for a similar reason; delete unused znodes",
           news.front(), news.size() - 1);
}

}  // namespace redis_zk::store
