// All connections of the poller: how many there may be, which of them has to make room for others, and which
// must be looked at next.
//
// The poller's thread alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/time.h"
#include "watcher/web/connection.h"

namespace redis_zk::watcher::web {

class Connections {
 public:
  using Id = std::uint64_t;  // never used twice; those below kFirst are free for other uses
  static constexpr Id kFirst = 16;

  explicit Connections(std::size_t most) : most_(most) {}

  // Whether the holder of an address may have another one; loopback, where proxies are, may have all there
  // are.
  bool IsBelowShare(const std::string& holder) const;
  // Whether there is a place for it, too.
  bool HasRoomFor(const std::string& holder) const;
  // Which one to close for it: one that has been answered and refused, else one that is idle, else one that
  // sends a request or shakes hands, else one that waits for news; of equals the oldest. Empty: of any
  // holder.
  std::optional<Id> FindDispensable(const std::string& holder) const;
  // Which one to close when all of them together hold too many bytes: the one that holds most. Nothing: they
  // do not, or what is held belongs to requests that are being answered.
  std::optional<Id> FindTooMuch() const;

  std::pair<Id, Connection*> Add(std::unique_ptr<Connection> connection);
  Connection* Find(Id id) const;
  void Remove(Id id);
  // REQUIRES: it is there. After each change of it: counts what it holds, and when it is to be looked at.
  void Note(Id id, Connection& connection);

  bool empty() const { return all_.empty(); }
  // A copy, so that they may be closed one by one.
  std::vector<Id> ids() const;
  // When the next is due, or perhaps only has been.
  TimePoint next_due() const { return timers_.empty() ? TimePoint::max() : timers_.begin()->first; }
  // One whose time has come; nothing: no more.
  std::optional<Id> TakeDue(TimePoint now);

 private:
  const std::size_t most_;
  Id next_ = kFirst;
  std::unordered_map<Id, std::unique_ptr<Connection>> all_;
  std::map<std::string, std::size_t> by_holder_;
  // Later than its entry is what a connection often is, never earlier.
  std::set<std::pair<TimePoint, Id>> timers_;
  std::size_t held_ = 0;
};

}  // namespace redis_zk::watcher::web
