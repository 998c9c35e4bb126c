#include "redis-wrapper/copy_guard.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "base/random_id.h"
#include "sentinel/client.h"

namespace redis_zk::redis_wrapper {

namespace {

using Master = GuardView::Master;
using redis::Role;

// A replica without a link, whose master does not answer or has just been judged.
constexpr Duration kJudgeAgain = 1s;

// The value in the reply to CONFIG GET of one name; nothing: this Redis does not know it.
std::optional<std::string> ValueIn(const redis::Reply& reply) {
  if (reply.items.size() < 2) return std::nullopt;
  return reply.items[1].text;
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

CopyGuard::CopyGuard(const std::string& group, const redis::Network& network, redis::KeptServer& own_server,
                     const Membership& membership, Lookup& lookup)
    : group_(group), network_(network), own_server_(own_server), membership_(membership), lookup_(lookup) {}

bool CopyGuard::Check(const redis::ServerInfo& own) {
  unsteady_ = false;
  if (own.role == Role::kMaster) {
    wait_.reset();
    trusted_ = {};
    Close();
    return true;
  }
  // Who answers at its address may be another by now.
  if (own.link_up && own.master == trusted_) return true;
  // Its master's address may take the whole time of a question, and others wait for this look.
  if (closed_with_.empty() && own.master == judged_ && Clock::now() < judge_at_) return true;
  judged_ = own.master;
  const auto action = DecideGuard(Look(own));
  judge_at_ = Clock::now() + kJudgeAgain;
  if (action != GuardAction::kLost) wait_.reset();
  unsteady_ = !closed_with_.empty();
  switch (action) {
    case GuardAction::kTrust:
      Trust(own.master);
      return true;
    case GuardAction::kWait:
      return true;
    case GuardAction::kPromote:
      Order(own.master, {"REPLICAOF", "NO", "ONE"}, "this node is the master again, with its data");
      break;
    case GuardAction::kRedirect: {
      const Endpoint& master = membership_.record().master;
      Close();
      Order(own.master, {"REPLICAOF", master.host, std::to_string(master.port)},
            "it replicates from the recorded master " + master.ToAddress() + " again");
      break;
    }
    case GuardAction::kLost:
      ReportLost(own.master);
      break;
  }
  trusted_ = {};
  unsteady_ = true;
  return false;
}

void CopyGuard::Trust(const Endpoint& master) {
  if (Open()) trusted_ = master;
}

GuardView CopyGuard::Look(const redis::ServerInfo& own) {
  const bool another = membership_.AnotherIsRecorded() && membership_.record().master != own.master;
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

Master CopyGuard::Judge(const redis::ServerInfo& own) {
  const auto is_member = [&] {
    const auto& others = lookup_.others();
    return std::find(others.begin(), others.end(), own.master) != others.end();
  };
  if (is_member()) return Master::kOurs;
  // It may be foreign, so it is told no password.
  const auto info = network_.redis.WithoutCredentials().AskInfo(own.master);
  if (!info) {
    const bool named = IsNamed(own.master);
    if (named && info.error().kind == ErrorKind::kRefused) return Master::kOurs;
    // It may have registered a moment ago.
    if (named || !lookup_.Refresh(membership_.self().endpoint)) return Master::kUnknown;
    return is_member() ? Master::kOurs : Master::kUnnamed;
  }
  // To a group without a history, everybody belongs: what was known before ZooKeeper lost it counts.
  auto marks = lookup_.ReadMarks(membership_.self().dataset);
  if (marks && (!marks_ || !marks->history.replication_id.empty())) marks_ = std::move(*marks);
  if (!marks_) return Master::kUnknown;
  if (store::BelongsToGroup(*info, *marks_)) return Master::kOurs;
  if (!lookup_.Refresh(membership_.self().endpoint)) return Master::kUnknown;
  return is_member() ? Master::kOurs : Master::kForeign;
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

Result<CopyGuard::Login> CopyGuard::ReadLogin() {
  const auto replies = own_server_.Ask({{"CONFIG", "GET", "masterauth"}, {"CONFIG", "GET", "masteruser"}});
  if (!replies) return tl::unexpected(replies.error());
  if (replies->front().is_error()) return Fail(ErrorKind::kRefused, "CONFIG GET: " + replies->front().text);
  return Login{ValueIn(replies->front()).value_or(""), ValueIn(replies->back())};
}

// An error without the server's text, which may repeat the password.
Status CopyGuard::SetLogin(const Login& login) {
  std::vector<redis::Command> commands;
  if (login.masteruser) commands.push_back({"CONFIG", "SET", "masteruser", *login.masteruser});
  commands.push_back({"CONFIG", "SET", "masterauth", login.masterauth});
  const auto replies = own_server_.Ask(commands);
  if (!replies) return tl::unexpected(replies.error());
  if (std::any_of(replies->begin(), replies->end(), [](const auto& reply) { return reply.is_error(); }))
    return Fail(ErrorKind::kRefused, "redis-server refuses CONFIG SET masterauth");
  return {};
}

bool CopyGuard::Close() {
  if (!closed_with_.empty()) return true;
  auto login = ReadLogin();
  Login closed{.masterauth = NewHexId() + NewHexId()};
  // With a user's name, a master that asks for no password would let it in.
  if (login && login->masteruser) closed.masteruser = "";
  const auto set = login ? SetLogin(closed) : tl::unexpected(login.error());
  if (!set) {
    log_failure_(
        log::Severity::kWarn, {.event = "copy-guard-failed"},
        fmt::format("cannot keep redis-server from copying another group's data, retrying: {}; allow "
                    "CONFIG GET and CONFIG SET to redis-wrapper",
                    set.error().message));
    return false;
  }
  log_failure_.Reset();
  login_ = std::move(*login);
  closed_with_ = closed.masterauth;
  return true;
}

bool CopyGuard::Open() {
  if (closed_with_.empty()) return true;
  const auto now = ReadLogin();
  // What was set meanwhile is right.
  Login back = login_;
  if (now && now->masterauth != closed_with_) back.masterauth = now->masterauth;
  if (now && now->masteruser && !now->masteruser->empty()) back.masteruser = now->masteruser;
  const auto set = now ? SetLogin(back) : tl::unexpected(now.error());
  if (!set) {
    log_failure_(
        log::Severity::kError, {.event = "copy-guard-failed"},
        fmt::format("cannot give redis-server the password of its master, retrying: {}; allow CONFIG "
                    "SET to redis-wrapper, or set masterauth there",
                    set.error().message));
    return false;
  }
  log_failure_.Reset();
  closed_with_.clear();
  login_ = {};
  unsteady_ = false;
  return true;
}

}  // namespace redis_zk::redis_wrapper
