// What host names stand for, for those who must not wait for a name server: each look-up runs on a thread of
// its own, and what it finds serves for a while.
//
// Any thread. A look-up that hangs concerns its own name alone; its thread ends by itself, also after this is
// gone. There is one at most for each name, and kMostLookUps in all.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/inquiry.h"
#include "base/result.h"
#include "base/time.h"

namespace redis_zk {

class Resolver {
 public:
  // What is found serves so long without a question.
  static constexpr Duration kFreshFor = 5s;
  // While the name servers say nothing else, so long.
  static constexpr Duration kServesFor = 5min;
  // A failure is not questioned for so long.
  static constexpr Duration kFailedFor = 1s;
  // A look-up that takes longer is a failure until it ends.
  static constexpr Duration kLongestLookUp = 3s;
  static constexpr std::size_t kMostLookUps = 32;

  using Addresses = Result<std::vector<std::string>>;
  // As LookUp, on any thread.
  using Ask = std::function<Addresses(const std::string& host)>;

  explicit Resolver(Ask ask);
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  // A descriptor that becomes readable, and stays so, when it is worth to ask again.
  class News;
  struct Found {
    std::optional<Result<std::string>> address;  // nothing: not yet
    std::shared_ptr<const News> news{};          // then
  };
  // Never blocks. Of several addresses the first of IPv4, which is what servers are bound to unless told
  // otherwise. kUnavailable: there is none, no name server said so, or no look-up can begin; the message
  // names the host.
  Found Find(const std::string& host);

 private:
  struct Name {
    std::optional<std::string> address;
    TimePoint found_at{};
    std::optional<Error> failure;  // of the last look-up
    TimePoint failed_at{};
    TimePoint used_at{};
    // The look-up under way.
    std::unique_ptr<Inquiry<Addresses>> asking;
    TimePoint asked_at{};
    std::shared_ptr<const News> news;
  };

  void Collect(Name& name, TimePoint now);
  void Begin(const std::string& host, Name& name, TimePoint now);
  // Whether another look-up may begin. Forgets the names that nobody asked for.
  bool HasRoom(TimePoint now);

  const Ask ask_;
  std::mutex mutex_;
  std::map<std::string, Name> names_;
};

class Resolver::News {
 public:
  News();
  ~News();
  News(const News&) = delete;
  News& operator=(const News&) = delete;

  // Negative: there was no descriptor to be had.
  int fd() const { return fd_; }
  void Tell() const;
  // When the answer came; nothing: it is about to be told.
  std::optional<TimePoint> told_at() const {
    const Clock::rep at = told_at_;
    return at == 0 ? std::nullopt : std::optional(TimePoint(Clock::duration(at)));
  }

 private:
  const int fd_;
  mutable std::atomic<Clock::rep> told_at_{0};
};

}  // namespace redis_zk
