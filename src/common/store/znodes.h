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

#include "base/result.h"
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
  void WarnClosed(const std::string& path, const Error& error);
  // Whole paths, ordered by name.
  Result<std::vector<std::string>> ChildPaths(const std::string& parent, zookeeper::Watch watch);

  zookeeper::Session& session_;
  std::map<std::string, std::string> warned_;  // by path: the last complaint
  std::set<std::string> crowded_;              // paths whose children were cut off
};

template <class Entry, class Parse>
Result<std::vector<Entry>> Znodes::List(const std::string& parent, zookeeper::Watch watch, const Parse& parse,
                                        std::size_t* closed) {
  const auto paths = ChildPaths(parent, watch);
  if (!paths) return tl::unexpected(paths.error());
  return Read<Entry>(
      *paths,
      [&](const std::string& path, const zookeeper::Node& node) {
        return parse(path.substr(parent.size() + 1), node);
      },
      closed);
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
  const auto nodes = session_.GetAll(paths, zookeeper::Watch::kNo);
  std::vector<Entry> entries;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    const auto& node = nodes[i];
    if (!node) {
      if (node.error().kind == ErrorKind::kNotFound) continue;  // gone since it was listed
      if (node.error().kind == ErrorKind::kDenied && closed != nullptr) {
        ++*closed;
        WarnClosed(paths[i], node.error());
        continue;
      }
      return tl::unexpected(node.error());
    }
    if (Result<Entry> entry = parse(paths[i], *node)) {
      entries.push_back(std::move(*entry));
    } else {
      WarnUnreadable(paths[i], node->data, entry.error().message, "left out");
    }
  }
  return entries;
}

}  // namespace redis_zk::store
