// What the subjects of the registry have in common: they list, read and put znodes. For the files of store/
// only.
//
// Same thread as the session.
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "zookeeper/session.h"

namespace redis_zk::store {

// How many children of a znode are read; a hundred times what the largest fleets have.
inline constexpr std::size_t kMostChildren = 10'000;

class Znodes {
 public:
  explicit Znodes(zookeeper::Session& session) : session_(session) {}

  // `parse` makes an entry of a child's name and znode, or says what it expected. Ordered by name. Unreadable
  // entries are left out and logged. So are those that an ACL closes to us, where `closed` counts them;
  // without it, one of them fails the whole list.
  template <class Entry, class Parse>
  Result<std::vector<Entry>> List(const std::string& parent, zookeeper::Watch watch, const Parse& parse,
                                  std::size_t* closed = nullptr);
  // Those that are gone or unreadable are left out; here `parse` gets the whole path.
  template <class Entry, class Parse>
  Result<std::vector<Entry>> Read(const std::vector<std::string>& paths, const Parse& parse,
                                  std::size_t* closed = nullptr);
  // Both for entries that are ephemeral where our daemons keep them. Others leave persistent ones behind, by
  // the thousand, and never change them: such a one is read once a minute.
  template <class Entry, class Parse>
  Result<std::vector<Entry>> ListRegistrations(const std::string& parent, zookeeper::Watch watch,
                                               const Parse& parse, std::size_t* closed = nullptr);
  template <class Entry, class Parse>
  Result<std::vector<Entry>> ReadRegistrations(const std::vector<std::string>& paths, const Parse& parse,
                                               std::size_t* closed = nullptr);

  // The same of entries that are shown and nothing more, of which one that is missing does no harm: those
  // that an ACL closes to us are left out, and a parent that is missing has none.
  template <class Entry, class Parse>
  Result<std::vector<Entry>> ListShown(const std::string& parent, const Parse& parse);
  // Puts one of them, as PutEphemeral; the first one makes the parent.
  Status PutShown(const std::string& parent, const std::string& name, const std::string& data);

  // Creates a persistent znode with its parents, or sets its data.
  Status Put(const std::string& path, const std::string& data);
  // Creates an ephemeral znode of the current session, in place of one that an earlier session of ours left
  // behind.
  Status PutEphemeral(const std::string& path, const std::string& data);
  // Deletes it in whatever version; no error when it is not there.
  Status DeleteIfThere(const std::string& path);

  // In their order, and no more than kMostChildren: the others are left out, and logged once.
  std::vector<std::string> Bound(const std::string& parent, std::vector<std::string> names);

  // Logs what was found and what was expected, and `so`, what follows. What is read again and again is
  // complained of once.
  void WarnUnreadable(const std::string& path, const std::string& found, const std::string& expected,
                      std::string_view so);

 private:
  static std::string Unreadable(const std::string& path, const std::string& found,
                                const std::string& expected, std::string_view so);
  using Nodes = std::vector<Result<zookeeper::Node>>;
  using Complaint = std::pair<std::string, std::string>;  // the path, and a line about it
  struct LeftBehind {
    zookeeper::Node node;
    TimePoint known_until;
  };

  // `parse`, for whoever reads whole paths below `parent`; both must outlive it.
  template <class Parse>
  static auto ByName(const std::string& parent, const Parse& parse) {
    return [&](const std::string& path, const zookeeper::Node& node) {
      return parse(path.substr(parent.size() + 1), node);
    };
  }
  // In the order of `paths`, of which those that were left behind are not asked for.
  Nodes GetRegistrations(const std::vector<std::string>& paths);
  template <class Entry, class Parse>
  Result<std::vector<Entry>> ParseAll(const std::vector<std::string>& paths, const Nodes& nodes,
                                      const Parse& parse, std::size_t* closed);
  // Those of one reading, which are one line where they are many.
  void WarnLeftOut(const log::About& about, const std::vector<Complaint>& complaints);
  // Whole paths, ordered by name.
  Result<std::vector<std::string>> ChildPaths(const std::string& parent, zookeeper::Watch watch);

  zookeeper::Session& session_;
  std::map<std::string, std::string> warned_;  // by path: the last complaint
  std::set<std::string> crowded_;              // paths whose children were cut off
  std::map<std::string, LeftBehind> left_behind_;
};

template <class Entry, class Parse>
Result<std::vector<Entry>> Znodes::List(const std::string& parent, zookeeper::Watch watch, const Parse& parse,
                                        std::size_t* closed) {
  const auto paths = ChildPaths(parent, watch);
  if (!paths) return tl::unexpected(paths.error());
  return Read<Entry>(*paths, ByName(parent, parse), closed);
}

template <class Entry, class Parse>
Result<std::vector<Entry>> Znodes::ListRegistrations(const std::string& parent, zookeeper::Watch watch,
                                                     const Parse& parse, std::size_t* closed) {
  const auto paths = ChildPaths(parent, watch);
  if (!paths) return tl::unexpected(paths.error());
  return ReadRegistrations<Entry>(*paths, ByName(parent, parse), closed);
}

template <class Entry, class Parse>
Result<std::vector<Entry>> Znodes::ListShown(const std::string& parent, const Parse& parse) {
  std::size_t closed = 0;
  auto listed = List<Entry>(parent, zookeeper::Watch::kNo, parse, &closed);
  if (!listed && listed.error().kind == ErrorKind::kNotFound) return std::vector<Entry>{};
  return listed;
}

template <class Entry, class Parse>
Result<std::vector<Entry>> Znodes::Read(const std::vector<std::string>& paths, const Parse& parse,
                                        std::size_t* closed) {
  return ParseAll<Entry>(paths, session_.GetAll(paths, zookeeper::Watch::kNo), parse, closed);
}

template <class Entry, class Parse>
Result<std::vector<Entry>> Znodes::ReadRegistrations(const std::vector<std::string>& paths,
                                                     const Parse& parse, std::size_t* closed) {
  return ParseAll<Entry>(paths, GetRegistrations(paths), parse, closed);
}

template <class Entry, class Parse>
Result<std::vector<Entry>> Znodes::ParseAll(const std::vector<std::string>& paths, const Nodes& nodes,
                                            const Parse& parse, std::size_t* closed) {
  std::vector<Entry> entries;
  std::vector<Complaint> unreadable;
  std::vector<Complaint> closed_lines;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    const auto& node = nodes[i];
    if (!node) {
      if (node.error().kind == ErrorKind::kNotFound) continue;  // gone since it was listed
      if (node.error().kind == ErrorKind::kDenied && closed != nullptr) {
        ++*closed;
        closed_lines.emplace_back(paths[i], node.error().message + "; left out");
        continue;
      }
      return tl::unexpected(node.error());
    }
    if (Result<Entry> entry = parse(paths[i], *node)) {
      entries.push_back(std::move(*entry));
    } else {
      unreadable.emplace_back(paths[i], Unreadable(paths[i], node->data, entry.error().message, "left out"));
    }
  }
  WarnLeftOut({.event = "znode-unreadable"}, unreadable);
  WarnLeftOut({.event = "znode-closed"}, closed_lines);
  return entries;
}

}  // namespace redis_zk::store
