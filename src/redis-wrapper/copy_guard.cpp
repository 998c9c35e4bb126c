#include "redis-wrapper/copy_guard.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "sentinel/client.h"

namespace redis_zk::redis_wrapper {

namespace {

using Master = GuardView::Master;
using redis::Role;

// A master that cannot be judged, or whose link does not come up, is looked at again: for a while soon, since
// a failover or a start is over soon.
constexpr Duration kJudgeSoonFor = 5s;
constexpr Duration kJudgeAgain = 1s;
// A registration that outlives its session by this is a living member's. It has written down by then what its
// data are called, unless ZooKeeper refuses that.
constexpr Duration kBecomesKnownWithin = 5s;

// Whether data of the one are, or were before their last promotion, those of the other.
bool SameData(const redis::ServerInfo& info, const store::Dataset& dataset) {
  const auto is_of = [&dataset](const std::string& id) {
    return !id.empty() && (id == dataset.replication_id || id == dataset.previous_id);
  };
  return is_of(info.replication_id) || is_of(info.previous_replication_id);
}

}  // namespace

GuardAction DecideGuard(const GuardView& view) {
  if (view.master == Master::kOurs) return GuardAction::kTrust;
  if (view.master == Master::kUnknown) return GuardAction::kWait;
  if (view.another_is_recorded) return GuardAction::kRedirect;
  if (!view.is_recorded) return GuardAction::kWait;
  if (view.link_up) return view.master == Master::kForeign ? GuardAction::kLost : GuardAction::kWait;
  return view.confirmed ? GuardAction::kPromote : GuardAction::kWait;
}

CopyGuard::CopyGuard(const std::string& group, const redis::Network& network, const Membership& membership,
                     Lookup& lookup, redis::KeptServer& own_server, const Launch& launch)
    : group_(group),
      network_(network),
      own_server_(own_server),
      membership_(membership),
      lookup_(lookup),
      lock_(launch.lock) {
  // An order may come before this master has written down what the group's data are called.
  if (!launch.replication_id.empty()) marks_ = {.history = {.replication_id = launch.replication_id}};
}

bool CopyGuard::Check(const redis::ServerInfo& own, bool can_store) {
  const bool trusted = own.role == Role::kReplica && own.master == trusted_;
  if (own.role == Role::kMaster || (own.link_up && trusted)) {
    unsteady_ = false;
    wait_.reset();
    judged_ = {};
    if (!trusted) trusted_ = {};
    followed_ = trusted_;
    lineage_ = {.replication_id = own.replication_id, .previous_id = own.previous_replication_id};
    lock_.Close();
    return true;
  }
  unsteady_ = true;
  // It has shown that it is ours, and its copy is on its way.
  if (trusted && own.synchronising && can_store) return true;
  const TimePoint now = Clock::now();
  if (own.master != judged_.master) judged_ = {.master = own.master, .since = now};
  // Its master's address may take the whole time of a question, and others wait for this look.
  if (now < judged_.next) return true;
  const auto action = DecideGuard(Look(own));
  if (Clock::now() - judged_.since >= kJudgeSoonFor) judged_.next = Clock::now() + kJudgeAgain;
  if (action != GuardAction::kLost) wait_.reset();
  if (action == GuardAction::kTrust && own.link_up) {
    // It has its copy already, as after a start.
    trusted_ = own.master;
    lock_.Close();
    return true;
  }
  if (action == GuardAction::kTrust && can_store) {
    Trust(own.master);
    return true;
  }
  lock_.Close();
  // One that is slow for a moment is still the one that has shown it; but it shows it once more, for another
  // server may have its address by now.
  if (action == GuardAction::kWait && trusted) return true;
  trusted_ = {};
  switch (action) {
    case GuardAction::kTrust:
    case GuardAction::kWait:
      return true;
    case GuardAction::kPromote:
      Order(own.master, {"REPLICAOF", "NO", "ONE"}, "this node is the master again, with its data");
      break;
    case GuardAction::kRedirect: {
      const Endpoint& master = membership_.record().master;
      Order(own.master, {"REPLICAOF", master.host, std::to_string(master.port)},
            "it replicates from the recorded master " + master.ToAddress() + " again");
      break;
    }
    case GuardAction::kLost:
      ReportLost(own.master);
      break;
  }
  return false;
}

void CopyGuard::Trust(const Endpoint& master) {
  if (lock_.Open(network_.redis.FindPassword({master}))) trusted_ = master;
}

GuardView CopyGuard::Look(const redis::ServerInfo& own) {
  // From a master of its own that is gone, a replica is led to the next one without an error.
  const bool another =
      membership_.AnotherIsRecorded() && membership_.record().master != own.master && own.master != followed_;
  GuardView view{.master = Judge(own),
                 .link_up = own.link_up,
                 .is_recorded = membership_.IsRecorded(),
                 .another_is_recorded = another};
  const bool by_zookeeper = view.master == Master::kForeign && membership_.IsCurrent();
  if (view.master != Master::kOurs && view.is_recorded)
    view.confirmed = by_zookeeper || MostSentinelsNameUs();
  return view;
}

bool CopyGuard::Knows(const redis::ServerInfo& own) const {
  return own.role == Role::kMaster || !own.link_up || own.master == trusted_;
}

bool CopyGuard::HoldsOurs(const redis::ServerInfo& own) {
  if (own.role == Role::kMaster) return true;
  if (own.link_up) return own.master == trusted_;
  if (lineage_.replication_id.empty() || SameData(own, lineage_)) return true;
  return IsOfGroup(own).value_or(true);
}

Master CopyGuard::Judge(const redis::ServerInfo& own) {
  const Endpoint& master = own.master;
  if (!lookup_.MayFollow(master, "is what redis-server was told to replicate from")) return Master::kForeign;
  // It may be foreign, so it is told no password.
  auto info = network_.redis.WithoutCredentials().AskInfo(master);
  if (!info) {
    const auto judged = JudgeSilent(master, info.error());
    if (judged != Master::kOurs) return judged;
    // Its address is a member's, and to copy from it would tell it the password, too. But the member may have
    // died a moment ago, and a stranger may have its address, and the same password.
    info = network_.redis.AskInfo(master);
    if (!info) return Master::kUnknown;
  }
  const auto ours = IsOfGroup(*info);
  if (!ours) return Master::kUnknown;
  if (*ours) return Master::kOurs;
  // Until it has loaded them, it does not say what its data are called.
  if (info->loading) return Master::kUnknown;
  if (lookup_.IsElsewhere(master)) return IsServingMember(master) ? Master::kUnknown : Master::kForeign;
  // It may have registered a moment ago; without ZooKeeper no node begins.
  (void)lookup_.Refresh(membership_.self().endpoint);
  if (IsServingMember(master)) {
    const bool is_new =
        Clock::now() - judged_.since < lookup_.options().common.zk_session_timeout + kBecomesKnownWithin;
    return is_new ? Master::kUnknown : Master::kOurs;
  }
  if (membership_.AnotherIsRecorded() && membership_.record().master == master)
    lookup_.ReportStranger(master, "is recorded as the master of " + group_, store::DescribeStranger(*info));
  return Master::kForeign;
}

Master CopyGuard::JudgeSilent(const Endpoint& master, const Error& error) {
  const bool refused = error.kind == ErrorKind::kRefused;
  const bool known = IsServingMember(master) || IsNamed(master);
  if (known && !refused) return Master::kUnknown;
  // Where both groups have a node registered there, the one has been left by the dead.
  if (lookup_.IsElsewhere(master)) return known ? Master::kUnknown : Master::kForeign;
  if (known) return Master::kOurs;
  // It may have registered a moment ago.
  if (!lookup_.Refresh(membership_.self().endpoint) || IsServingMember(master)) return Master::kUnknown;
  return Master::kUnnamed;
}

std::optional<bool> CopyGuard::IsOfGroup(const redis::ServerInfo& info) {
  if (SameData(info, lineage_)) return true;
  const auto& own = lineage_.replication_id.empty() ? membership_.self().dataset : lineage_;
  if (!marks_) marks_ = lookup_.last_marks();
  const bool named = marks_ && !marks_->history.replication_id.empty();
  if (named && store::BelongsToGroup(info, *marks_)) return true;
  // To a group without a history, everybody belongs: what was known before ZooKeeper lost it counts.
  auto marks = lookup_.ReadMarks(own);
  if (marks && (!named || !marks->history.replication_id.empty())) marks_ = std::move(*marks);
  // Without ZooKeeper it is unknown whether the group has a history by now.
  if (!marks && !named && !lineage_.replication_id.empty()) return false;
  if (!marks_) return std::nullopt;
  return store::BelongsToGroup(info, *marks_);
}

bool CopyGuard::IsServingMember(const Endpoint& endpoint) const {
  const auto& others = lookup_.others();
  return std::find(others.begin(), others.end(), endpoint) != others.end();
}

bool CopyGuard::MostSentinelsNameUs() const {
  const auto& sentinels = lookup_.sentinels();
  std::size_t naming = 0;
  for (const auto& report : sentinel::AskSentinels(network_.sentinels, sentinels, group_))
    naming += report && report->master == membership_.self().endpoint ? 1 : 0;
  return naming * 2 > sentinels.size();
}

bool CopyGuard::IsNamed(const Endpoint& master) const {
  const auto& record = membership_.record();
  if (record.state == store::Record::State::kMaster && record.master == master) return true;
  const auto reports = sentinel::AskSentinels(network_.sentinels, lookup_.sentinels(), group_);
  return std::any_of(reports.begin(), reports.end(),
                     [&master](const auto& report) { return report && report->master == master; });
}

bool CopyGuard::Order(const Endpoint& foreign, const redis::Command& command, const std::string& done) {
  if (const auto ordered = own_server_.Order(command); !ordered) {
    log_failure_(
        log::Severity::kError, {.event = "foreign-copy-not-stopped", .peer = foreign.ToAddress()},
        fmt::format("redis-server was made a replica of {}, which does not belong to this group, and "
                    "refuses to leave it, retrying: {}; run REPLICAOF NO ONE on it, and SENTINEL RESET "
                    "on the Sentinels that list it in another group",
                    foreign.ToAddress(), ordered.error().message));
    return false;
  }
  log_failure_.Reset();
  log::Error(
      {.event = "foreign-master-left", .peer = foreign.ToAddress()},
      "redis-server was made a replica of {}, which does not belong to this group; {}; find the Sentinel "
      "that lists this address in another group, and run SENTINEL RESET there if the watcher does not",
      foreign.ToAddress(), done);
  return true;
}

void CopyGuard::ReportLost(const Endpoint& foreign) {
  const std::string told = fmt::format(
      "redis-server was made a replica of {}, which does not belong to this group, and has copied "
      "its data over this group's; restore the data from a backup, or run REPLICAOF NO ONE on it to "
      "go on with the foreign data",
      foreign.ToAddress());
  log_failure_(log::Severity::kError, {.event = "data-replaced", .peer = foreign.ToAddress()}, told);
  wait_ = {.name = "data-replaced", .sentence = told, .needs_person = true, .told = true};
}

}  // namespace redis_zk::redis_wrapper
