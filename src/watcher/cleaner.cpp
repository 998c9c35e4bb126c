#include "watcher/cleaner.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "redis/server_info.h"
#include "sentinel/client.h"
#include "store/sentinel_id.h"
#include "watcher/foreign_entries.h"

namespace redis_zk::watcher {

namespace {

using Kind = CleanUpAction::Kind;
using zookeeper::Watch;

constexpr Duration kVerifyEvery = 1s;
constexpr Duration kSeldomStep = 5s;
constexpr Duration kOftenStep = 500ms;
// However many groups are to be looked at soon, the loop has other things to do.
constexpr Duration kBetweenLooks = 100ms;
constexpr Duration kDatasetsEvery = 10min;

// Often enough that patience means something, however many groups take turns; but never a load.
Duration StepEvery(Duration patience, std::size_t groups) {
  const Duration round = std::clamp(patience / 4, kOftenStep, kSeldomStep);
  return std::max(round / static_cast<Duration::rep>(std::max<std::size_t>(groups, 1)), kOftenStep);
}

std::set<std::string> NamesOf(const std::map<std::string, store::Record>& groups) {
  std::set<std::string> names;
  for (const auto& [group, record] : groups) names.insert(group);
  return names;
}

}  // namespace

Cleaner::Cleaner(const WatcherOptions& options, const redis::Network& network, zookeeper::Session& session,
                 store::Registry& registry, RecentEvents& events)
    : options_(options),
      network_(network),
      session_(session),
      registry_(registry),
      events_(events),
      lock_(session, registry.clean_up.LockPath(), "watcher " + options.listen.ToAddress()) {}

void Cleaner::Step(const RegistryView& known, const std::function<bool(const std::string&)>& rests) {
  const TimePoint now = Clock::now();
  if (options_.clean_up == CleanUpMode::kOff || now < step_at_) return;
  auto groups = known.groups;
  std::erase_if(groups, [&](const auto& entry) {
    return rests(entry.first) && !(memory_.verifying && memory_.verifying->group == entry.first);
  });
  step_at_ = now + (memory_.verifying ? kVerifyEvery : StepEvery(options_.clean_up_patience, groups.size()));
  Forget(groups);
  if (groups.empty()) {
    ForgetSightings();
    return;
  }
  if (!TakeTurn()) return;
  if (memory_.verifying && !groups.contains(memory_.verifying->group))
    GiveUp(memory_.verifying->group, "the group was deleted");
  if (const auto group = NextGroup(groups, now)) LookAfter(*group, known);
  const TimePoint next = memory_.verifying ? now + kVerifyEvery : turns_.due();
  step_at_ = std::max<TimePoint>(next, Clock::now() + kBetweenLooks);
}

void Cleaner::Notice(const FleetStatus& observed, const RegistryView& known) {
  if (options_.clean_up == CleanUpMode::kOff) return;
  turns_.Notice(FindStrange(observed, known.members), Clock::now());
  if (held_ && !memory_.verifying) step_at_ = std::min(step_at_, turns_.due());
}

TimePoint Cleaner::urgent_at() const {
  const TimePoint at = turns_.urgent_at();
  return at == TimePoint::max() ? at : std::max(at, step_at_);
}

void Cleaner::Forget(const std::map<std::string, store::Record>& groups) {
  const auto is_gone = [&groups](const auto& entry) { return !groups.contains(entry.first); };
  std::erase_if(known_ids_, is_gone);
  std::erase_if(datasets_at_, is_gone);
  std::erase_if(log_action_, is_gone);
  std::erase_if(blocked_, is_gone);
  turns_.Forget(NamesOf(groups));
  ForgetGroups(groups, &memory_);
}

std::optional<std::string> Cleaner::NextGroup(const std::map<std::string, store::Record>& groups,
                                              TimePoint now) {
  if (memory_.verifying) return memory_.verifying->group;
  return turns_.Next(NamesOf(groups), StepEvery(options_.clean_up_patience, groups.size()), now);
}

void Cleaner::LookAfter(const std::string& group, const RegistryView& known) {
  const TimePoint now = Clock::now();
  auto view = Look(group, known);
  if (!view && view.error().kind == ErrorKind::kNotFound) {
    // An older daemon made this group, or it was deleted a moment ago.
    if (!registry_.records.Read(group, Watch::kNo)) return;
    if (const auto made = registry_.groups.Ensure(group); !made) LogFailedStep(group, made.error());
    return;
  }
  if (!view) {
    LogFailedStep(group, view.error());
    return;
  }
  NoteKnownIds(known.groups, &*view);
  view->foreign = FindForeign(*view, now, &memory_);
  Remember(*view, now, &memory_);
  auto action = DecideCleanUp(*view, memory_, options_.clean_up_patience, now);
  if (action.kind == Kind::kAskServers) {
    AskServers(&*view);
    action = DecideCleanUp(*view, memory_, options_.clean_up_patience, now);
  }
  NoteBlocked(*view, action);
  Act(group, action);
  const bool acted = action.kind == Kind::kReset || action.kind == Kind::kVerified;
  turns_.Looked(group, FindStrange(*view), acted, Clock::now());
}

void Cleaner::NoteBlocked(const CleanUpView& view, const CleanUpAction& action) {
  if (view.foreign.empty() || action.kind != Kind::kRefuse) {
    blocked_.erase(view.group);
    return;
  }
  std::string addresses;
  for (const auto& endpoint : view.foreign)
    addresses += (addresses.empty() ? "" : ", ") + endpoint.ToAddress();
  blocked_[view.group] = fmt::format(
      "Sentinels list {}, where another group's server is now, and may make it a replica of this "
      "group; clean-up blocked: {}",
      addresses, action.reason);
}

bool Cleaner::TakeTurn() {
  if (!session_.connected()) return false;
  if (options_.clean_up == CleanUpMode::kObserve) return true;
  const auto acquired = lock_.Acquire();
  if (!acquired) {
    LogFailedStep("", acquired.error());
    if (acquired.error().kind == ErrorKind::kNotFound) {
      const std::string& group = options_.common.master_name;
      if (const auto made = registry_.groups.Ensure(group); !made) LogFailedStep(group, made.error());
    }
  }
  const bool held = acquired && *acquired;
  if (held && !held_)
    log::Info({.event = "clean-up-lock-acquired"}, "this watcher cleans up from now on: it holds the lock");
  if (!held) ForgetSightings();
  held_ = held;
  return held;
}

void Cleaner::ForgetSightings() {
  // No look confirms them meanwhile.
  memory_.stale_since.clear();
  memory_.identities_free_since.clear();
}

Result<CleanUpView> Cleaner::Look(const std::string& group, const RegistryView& known) {
  CleanUpView view{.group = group,
                   .connected = true,
                   .may_act = true,
                   .record = known.groups.at(group),
                   .sentinels = known.sentinels};
  auto members = registry_.members.List(group, Watch::kNo);
  if (!members) return tl::unexpected(members.error());
  view.members = std::move(*members);
  auto identities = registry_.identities.List();
  if (!identities) return tl::unexpected(identities.error());
  view.identities = std::move(*identities);
  if (auto looked = LookAtDatasets(&view); !looked) return tl::unexpected(looked.error());
  AskSentinels(&view);
  AskUnregisteredPeers(&view);
  if (auto asked = AskUnregistered(known, &view); !asked) return tl::unexpected(asked.error());
  return view;
}

Status Cleaner::AskUnregistered(const RegistryView& known, CleanUpView* view) {
  for (const auto& endpoint : FindUnregistered(*view, /*up=*/false)) {
    for (const auto& [group, members] : known.members) {
      const bool is_there = std::any_of(members.begin(), members.end(), [&endpoint](const auto& member) {
        return member.endpoint == endpoint;
      });
      if (is_there && group != view->group) view->elsewhere.insert(endpoint);
    }
  }
  // Those that are down would only hold up the loop.
  std::set<Endpoint> asked = FindUnregistered(*view, /*up=*/true);
  std::erase_if(asked, [view](const auto& endpoint) { return view->elsewhere.contains(endpoint); });
  if (asked.empty()) return {};
  auto datasets = registry_.datasets.List(view->group);
  if (!datasets) return tl::unexpected(datasets.error());
  auto history = registry_.datasets.ReadHistory(view->group);
  if (!history) return tl::unexpected(history.error());
  view->marks =
      store::GroupMarks{.history = std::move(*history), .datasets = std::move(*datasets), .own = {}};
  // They may be foreign, so none is told a password.
  redis::Servers& servers = network_.redis.WithoutCredentials();
  const auto ask = [&servers, view](const std::set<Endpoint>& endpoints) {
    if (endpoints.empty()) return;
    const std::vector<Endpoint> each(endpoints.begin(), endpoints.end());
    auto infos = servers.AskInfos(each);
    for (std::size_t i = 0; i < each.size(); ++i) {
      if (infos[i]) {
        view->unregistered.emplace(each[i], std::move(*infos[i]));
      } else if (infos[i].error().kind == ErrorKind::kRefused) {
        view->refusing.insert(each[i]);
      }
    }
  };
  ask(asked);
  ask(FindUnregisteredMasters(*view));
  return {};
}

void Cleaner::AskUnregisteredPeers(CleanUpView* view) const {
  const auto peers = FindUnregisteredPeers(*view);
  if (peers.empty()) return;
  std::vector<Endpoint> endpoints;
  for (const auto& peer : peers) endpoints.push_back(peer.endpoint);
  const auto answers = network_.sentinels.WithoutCredentials().AskAll(endpoints, {{"SENTINEL", "MYID"}});
  for (std::size_t i = 0; i < peers.size(); ++i) {
    if (answers[i] && IsImpostor(peers[i].id, answers[i]->front())) view->impostors.insert(peers[i].id);
  }
}

Status Cleaner::LookAtDatasets(CleanUpView* view) {
  if (options_.clean_up != CleanUpMode::kOn || Clock::now() < datasets_at_[view->group]) return {};
  auto datasets = registry_.datasets.List(view->group);
  if (!datasets) return tl::unexpected(datasets.error());
  std::erase_if(*datasets, [view](const auto& known) { return IsAlive(*view, known.node); });
  // To ask ZooKeeper for the time is to write, and in most groups all nodes live.
  if (!datasets->empty()) {
    const auto time = registry_.clean_up.AskTime();
    if (!time) return tl::unexpected(time.error());
    view->datasets = std::move(*datasets);
    view->zookeeper_time = *time;
  }
  datasets_at_[view->group] = Clock::now() + kDatasetsEvery;
  return {};
}

void Cleaner::AskSentinels(CleanUpView* view) const {
  auto reports = sentinel::AskSentinels(network_.sentinels, store::PeersIn(view->sentinels), view->group);
  std::vector<store::Sentinel> answering;
  std::vector<sentinel::SentinelReport> answers;
  for (std::size_t i = 0; i < reports.size(); ++i) {
    if (reports[i]) {
      answering.push_back(view->sentinels[i]);
      answers.push_back(std::move(*reports[i]));
    } else if (reports[i].error().kind != ErrorKind::kNotFound) {
      view->silent.push_back(view->sentinels[i]);
    }
  }
  std::vector<Endpoint> endpoints;
  for (const auto& sentinel : answering) endpoints.push_back(sentinel.endpoint);
  auto known = sentinel::AskKnownInstances(network_.sentinels, endpoints, view->group);
  for (std::size_t i = 0; i < answering.size(); ++i) {
    if (known[i]) {
      view->sentinel_views.push_back({answering[i], std::move(answers[i]), std::move(*known[i])});
    } else {
      view->silent.push_back(answering[i]);
    }
  }
}

void Cleaner::NoteKnownIds(const std::map<std::string, store::Record>& groups, CleanUpView* view) {
  auto& ids = known_ids_[view->group];
  ids.clear();
  for (const auto& sentinel_view : view->sentinel_views) {
    for (const auto& peer : sentinel_view.known.peers) ids.insert(peer.id);
  }
  if (!view->silent.empty()) known_ids_.erase(view->group);
  std::set<std::string> elsewhere;
  for (const auto& [group, record] : groups) {
    if (group == view->group) continue;
    const auto known = known_ids_.find(group);
    if (known == known_ids_.end()) return;
    elsewhere.insert(known->second.begin(), known->second.end());
  }
  view->known_elsewhere = std::move(elsewhere);
}

void Cleaner::AskServers(CleanUpView* view) {
  std::set<Endpoint> endpoints{view->record.master};
  for (const auto& member : view->members) {
    if (member.serving) endpoints.insert(member.endpoint);
  }
  const std::vector<Endpoint> asked(endpoints.begin(), endpoints.end());
  auto infos = network_.redis.AskInfos(asked);
  view->servers.emplace();
  for (std::size_t i = 0; i < asked.size(); ++i) {
    if (infos[i]) view->servers->emplace(asked[i], std::move(*infos[i]));
  }
  view->may_act = TakeTurn();
  view->connected = session_.connected();
}

void Cleaner::Act(const std::string& group, const CleanUpAction& action) {
  const bool observing = options_.clean_up == CleanUpMode::kObserve;
  auto& log_action = log_action_[group];
  switch (action.kind) {
    case Kind::kNothing:
    case Kind::kAskServers:
      log_action.Reset();
      break;
    case Kind::kWait:
      log::Debug({.event = "clean-up-waiting", .group = group}, "clean-up waits: {}", action.reason);
      break;
    case Kind::kRefuse:
      log_action(log::Severity::kWarn, {.event = "clean-up-blocked", .group = group},
                 "clean-up blocked: " + action.reason);
      break;
    case Kind::kVerified:
      Note(group, action, Clock::now(), &memory_);
      log_action(log::Severity::kInfo, {.event = "clean-up-verified", .group = group},
                 "clean-up verified: " + action.reason);
      break;
    case Kind::kGiveUp:
      GiveUp(group, action.reason);
      break;
    case Kind::kReset:
    case Kind::kRemoveIdentity:
    case Kind::kForgetDataset:
      if (observing) {
        log_action(log::Severity::kInfo, {.event = "clean-up-observed", .group = group},
                   "CLEANUP=observe, skipped: " + action.reason);
      } else {
        log_action(log::Severity::kInfo, {.event = "clean-up-step", .group = group},
                   "clean-up: " + action.reason);
        CarryOut(group, action);
      }
      break;
  }
}

void Cleaner::CarryOut(const std::string& group, const CleanUpAction& action) {
  Note(group, action, Clock::now(), &memory_);
  events_.Add({.kind = event_kind::kCleanUp,
               .group = group,
               .sentence = fmt::format("{}: clean-up: {}", group, action.reason)});
  if (action.kind == Kind::kReset) {
    const auto reset = sentinel::Client(network_.sentinels, action.sentinel.endpoint).RequestReset(group);
    // Whether it was done or not: once is enough.
    if (!reset) GiveUp(group, reset.error().message);
    return;
  }
  const auto removed = action.kind == Kind::kRemoveIdentity ? registry_.identities.Remove(action.entry)
                                                            : registry_.datasets.Forget(group, action.entry);
  if (removed) {
    // There may be more of them.
    if (action.kind == Kind::kForgetDataset) datasets_at_.erase(group);
  } else if (removed.error().kind == ErrorKind::kConflict) {
    log::Info({.event = "clean-up-skipped", .group = group}, "clean-up skipped: {} {} was {} in the meantime",
              action.kind == Kind::kRemoveIdentity ? "identity" : "the dataset metadata of node",
              action.entry, action.kind == Kind::kRemoveIdentity ? "taken" : "reported");
  } else {
    log::Warn({.event = "clean-up-failed", .group = group}, "clean-up failed: cannot remove {}: {}; retrying",
              action.entry, removed.error().message);
  }
}

void Cleaner::GiveUp(const std::string& group, const std::string& why) {
  Note(group, {.kind = Kind::kGiveUp}, Clock::now(), &memory_);
  log::Warn({.event = "clean-up-verification-failed", .group = group},
            "clean-up paused for {} min: SENTINEL RESET could not be verified: {}",
            kPauseAfterFailedVerification / 1min, why);
}

void Cleaner::LogFailedStep(const std::string& group, const Error& error) {
  log::Debug({.event = "clean-up-step-failed", .group = group}, "clean-up step failed: {}; retrying",
             error.message);
}

}  // namespace redis_zk::watcher
