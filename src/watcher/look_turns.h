// Which group the clean-up looks at next, and when: all in turn, and those soon whose Sentinels list an
// address that another server has, or may get at any moment. Values, without a clock.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>

#include "base/time.h"

namespace redis_zk::watcher {

class LookTurns {
 public:
  // What is strange about a group's entries, in words that change when it does.
  struct Strange {
    std::string what;
    bool urgent = false;  // another server has an address already

    bool operator==(const Strange&) const = default;
  };

  // What others than a look have noticed: those groups are looked at soon when that is news.
  void Notice(const std::map<std::string, Strange>& strange, TimePoint now);
  // What the look at `group` has found; nothing: all is well with its entries. `acted`: it was done something
  // about, so that the next look finds something else.
  void Looked(const std::string& group, const std::optional<Strange>& found, bool acted, TimePoint now);
  void Forget(const std::set<std::string>& groups);  // all but these

  // The group whose turn it is: of those that are due soon the one that has waited longest, but every other
  // time the next of all, where that is due. Nothing: none is due. REQUIRES: `groups` is not empty.
  std::optional<std::string> Next(const std::set<std::string>& groups, Duration round, TimePoint now);
  // When the next turn is due, of any, and of one that is urgent.
  TimePoint due() const;
  TimePoint urgent_at() const;

 private:
  struct Soon {
    Strange strange;
    TimePoint at{};
    Duration wait{};  // until the look after that
  };

  std::map<std::string, Soon> soon_;
  std::map<std::string, Strange> noticed_;  // last
  std::string last_;                        // of all in turn
  TimePoint round_at_{};                    // when the next of all is due
  bool passed_over_ = false;
};

// The first looks at a group whose entries are strange follow each other so closely; then, while nothing can
// be done and nothing changes, ever more slowly.
inline constexpr Duration kUrgentLook = 500ms;
inline constexpr Duration kStrangeLook = 1s;
inline constexpr Duration kSlowestLook = 8s;

}  // namespace redis_zk::watcher
