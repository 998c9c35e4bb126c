#include "watcher/registry_reader.h"

#include <fmt/core.h>

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "base/random_id.h"
#include "base/unix_time.h"
#include "store/sentinel_id.h"
#include "watcher/members.h"
#include "watcher/status.h"

namespace redis_zk::watcher {

using store::Record;
using zookeeper::SessionEvent;
using zookeeper::Watch;

namespace {

// The first change of a burst is read at once, the others together.
constexpr Duration kReadAtMostEvery = 50ms;
constexpr Duration kReadWaitingEvery = 2s;
constexpr Duration kFirstReadRetry = 100ms;
constexpr Duration kLongestReadRetry = 3s;

std::set<std::string> GroupsIn(const std::map<std::string, std::vector<store::Member>>& members) {
  std::set<std::string> groups;
  for (const auto& [group, all] : members) groups.insert(group);
  return groups;
}

std::set<std::string> IdsOf(const std::vector<store::Sentinel>& sentinels,
                            const std::vector<store::Identity>& identities) {
  std::set<std::string> ids;
  for (const auto& sentinel : sentinels) ids.insert(store::SentinelIdOf(sentinel.uuid));
  for (const auto& identity : identities) ids.insert(store::SentinelIdOf(identity.uuid));
  return ids;
}

tl::unexpected<Error> Unread(std::string_view what, const Error& error) {
  return Fail(error.kind, fmt::format("reading the {} failed: {}", what, error.message));
}

}  // namespace

RegistryReader::RegistryReader(const CommonOptions& options, zookeeper::Session& session,
                               store::Registry& registry)
    : options_(options),
      session_(session),
      registry_(registry),
      backoff_(kFirstReadRetry, kLongestReadRetry, RandomFraction) {}

void RegistryReader::Reduce(const SessionEvent& event) {
  switch (event.kind) {
    case SessionEvent::Kind::kConnected:
      figures_.Set({.connections = figures_.Get()->connections + 1});
      MarkStale();
      read_at_ = last_read_ + kReadAtMostEvery;
      break;
    case SessionEvent::Kind::kNodeChanged:
      // Every change of a master is logged there, and that is read by its keeper.
      if (event.path == registry_.event_log.Path()) break;
      changed_.insert(event.path);
      read_at_ = last_read_ + kReadAtMostEvery;
      break;
    case SessionEvent::Kind::kDisconnected:
    case SessionEvent::Kind::kExpired:
      if (std::exchange(current_, false)) view_.known_at = Clock::now();
      break;
    case SessionEvent::Kind::kProgress:
      break;
  }
}

void RegistryReader::Replace(const std::string& group, const Record& record) {
  view_.groups.at(group) = record;
}

std::optional<std::set<std::string>> RegistryReader::Read() {
  const TimePoint began = Clock::now();
  if (!stale() || !session_.connected() || began < read_at_) return std::nullopt;
  auto changed = ReadChanged();
  if (!changed && changed.error().kind == ErrorKind::kNotFound) {
    // The first daemon of all finds an empty ZooKeeper.
    if (const auto made = registry_.groups.Ensure(options_.master_name)) {
      changed = ReadEverything();
    } else {
      changed = tl::unexpected(made.error());
    }
  }
  if (!changed) {
    log_failure_(
        log::Severity::kWarn, {.event = "registry-read-failed"},
        fmt::format("reading the registry in ZooKeeper failed: {}; retrying", changed.error().message));
    read_at_ = Clock::now() + backoff_.Next();
    all_stale_ = true;
    return std::nullopt;
  }
  backoff_.Reset();
  log_failure_.Reset();
  all_stale_ = false;
  changed_.clear();
  current_ = true;
  view_.known_at = last_read_ = Clock::now();
  view_.read_took = last_read_ - began;
  return std::move(*changed);
}

Result<std::set<std::string>> RegistryReader::ReadChanged() {
  std::vector<std::string> groups;
  for (const auto& [group, record] : view_.groups) {
    if (changed_.contains(registry_.records.Path(group))) groups.push_back(group);
  }
  if (all_stale_ || groups.size() < changed_.size()) return ReadEverything();
  const auto records = registry_.records.ReadAll(groups, Watch::kYes);
  if (!records) return tl::unexpected(records.error());
  // A group that is gone, or one of those that exist only by their members.
  const bool simple = std::all_of(groups.begin(), groups.end(), [&records](const auto& group) {
    const auto found = records->find(group);
    return found != records->end() && !store::WasNeverWritten(found->second);
  });
  if (!simple) return ReadEverything();
  auto changed = FindChanged(*records);
  for (const auto& [group, record] : *records) view_.groups.at(group) = record;
  return changed;
}

Result<std::set<std::string>> RegistryReader::ReadEverything() {
  auto groups = registry_.groups.List(Watch::kYes);
  if (!groups) return tl::unexpected(groups.error());
  std::size_t closed_sentinels = 0;
  auto sentinels = registry_.sentinels.List(Watch::kYes, &closed_sentinels);
  if (!sentinels) return tl::unexpected(sentinels.error());
  auto records = registry_.records.ReadAll(*groups, Watch::kYes);
  if (!records) return tl::unexpected(records.error());
  pauses_.Take(registry_.paused_groups.Read(Watch::kYes));
  // The own group is made again; another group was deleted on purpose.
  for (const std::string& group : {std::string(store::kDefaultGroup), options_.master_name}) {
    if (!records->contains(group))
      return Fail(ErrorKind::kNotFound, fmt::format("the group {} does not exist yet", group));
  }
  auto populated = ListPopulated(*records);
  if (!populated) return populated;
  RegistryView next = view_;
  next.sentinels = std::move(*sentinels);
  next.closed_sentinels = closed_sentinels;
  next.groups = std::move(*records);
  next.pauses = pauses_.read();
  next.populated = std::move(*populated);
  LogNews(next);
  auto changed = FindChanged(next.groups);
  view_ = std::move(next);
  return changed;
}

Result<std::set<std::string>> RegistryReader::ListPopulated(const std::map<std::string, Record>& records) {
  std::vector<std::string> unwritten;
  for (const auto& [group, record] : records) {
    if (store::WasNeverWritten(record)) unwritten.push_back(group);
  }
  std::size_t closed = 0;
  const auto members = registry_.members.ListAll(unwritten, &closed);
  if (!members) return tl::unexpected(members.error());
  return GroupsIn(*members);
}

std::set<std::string> RegistryReader::FindChanged(const std::map<std::string, Record>& records) const {
  std::set<std::string> changed;
  for (const auto& [group, record] : records) {
    const auto known = view_.groups.find(group);
    if (known != view_.groups.end() && known->second.version == record.version) continue;
    changed.insert(group);
    if (record.state == Record::State::kUnreadable) {
      log::Warn({.event = "record-unreadable", .group = group},
                "cannot read the record {}: found \"{}\", expected \"host port\"; it is replaced as soon as "
                "most Sentinels name the same master",
                registry_.records.Path(group), record.found);
    }
  }
  return changed;
}

void RegistryReader::LogNews(const RegistryView& next) const {
  if (next.sentinels != view_.sentinels) {
    std::string named;
    for (const auto& sentinel : next.sentinels) named += ' ' + sentinel.endpoint.ToAddress();
    log::Info({.event = "sentinels-changed"}, "registered Sentinels: {}{}{}", next.sentinels.size(),
              named.empty() ? "" : ":", named);
  }
}

Status RegistryReader::ReadOnce() {
  if (auto read = ReadEverything(); !read) return tl::unexpected(read.error());
  if (!MeasureRequest()) return Fail(ErrorKind::kUnavailable, "ZooKeeper does not answer");
  if (auto read = TryReadWaiting(); !read) return tl::unexpected(read.error());
  return {};
}

bool RegistryReader::ReadWaiting() {
  const TimePoint now = Clock::now();
  if (!session_.connected() || now < read_waiting_at_) return false;
  read_waiting_at_ = now + kReadWaitingEvery;
  pauses_.Look();
  // No watch tells that an ACL was changed.
  if (view_.closed_sentinels > 0) MarkStale();
  // A silent ZooKeeper holds the loop up once, not twice.
  if (!MeasureRequest()) return false;
  const auto changed = TryReadWaiting();
  if (!changed) {
    // The next round reads again, but no round ends what an ACL denies.
    const bool denied = changed.error().kind == ErrorKind::kDenied;
    log_waiting_failure_(denied ? log::Severity::kWarn : log::Severity::kDebug,
                         {.event = "members-read-failed"}, changed.error().message + "; retrying");
    return false;
  }
  log_waiting_failure_.Reset();
  return *changed;
}

Result<bool> RegistryReader::TryReadWaiting() {
  const TimePoint now = Clock::now();
  std::vector<std::string> groups;
  for (const auto& [group, record] : view_.groups) groups.push_back(group);
  std::size_t closed = 0;
  auto members = registry_.members.ListAll(groups, &closed);
  if (!members) return Unread("members", members.error());
  const auto identities = registry_.identities.List();
  if (!identities && identities.error().kind != ErrorKind::kNotFound)
    return Unread("identities", identities.error());
  auto sentinel_ids = IdsOf(view_.sentinels, identities.value_or(std::vector<store::Identity>{}));
  auto waiting = FindWaiting(*members, view_.waiting, now);
  auto serving = FindServing(*members);
  auto incomplete = FindIncomplete(*members, view_.incomplete, now);
  auto priorities = FindPriorities(*members);
  auto versions = CountVersions(*members, identities.value_or(std::vector<store::Identity>{}));
  auto populated = GroupsIn(*members);
  auto wrappers = ReadReports();
  if (!wrappers) return Unread("reports of the wrappers", wrappers.error());
  auto waits = FindLongWaits(*wrappers, view_.waits, now, UnixTime());
  // These are shown in no answer.
  view_.members = std::move(*members);
  if (waiting == view_.waiting && serving == view_.serving && incomplete == view_.incomplete &&
      priorities == view_.priorities && versions == view_.versions && populated == view_.populated &&
      waits == view_.waits && sentinel_ids == view_.sentinel_ids && *wrappers == view_.wrappers)
    return false;
  view_.sentinel_ids = std::move(sentinel_ids);
  view_.waiting = std::move(waiting);
  view_.serving = std::move(serving);
  view_.incomplete = std::move(incomplete);
  view_.priorities = std::move(priorities);
  view_.versions = std::move(versions);
  view_.populated = std::move(populated);
  view_.waits = std::move(waits);
  view_.wrappers = std::move(*wrappers);
  return true;
}

Result<std::vector<store::Report>> RegistryReader::ReadReports() {
  auto reports = registry_.reports.List();
  const bool denied = !reports && reports.error().kind == ErrorKind::kDenied;
  if (reports) log_reports_denied_.Reset();
  if (!denied) return reports;
  log_reports_denied_(log::Severity::kWarn, {.event = "members-read-failed"},
                      "cannot read the reports of the wrappers: " + reports.error().message + "; retrying");
  return view_.wrappers;
}

bool RegistryReader::MeasureRequest() {
  const Duration patience = options_.zk_session_timeout;
  const TimePoint began = Clock::now();
  const bool answered = session_.Answers(patience);
  const Clock::duration took = Clock::now() - began;
  // Else it was not even sent. One without an answer took at least that long.
  if (answered || took >= patience)
    figures_.Set({.connections = figures_.Get()->connections, .request_took = took});
  return answered;
}

}  // namespace redis_zk::watcher
