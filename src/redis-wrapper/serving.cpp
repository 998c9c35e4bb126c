#include "redis-wrapper/serving.h"

#include <algorithm>
#include <utility>

#include "failover/appointment.h"
#include "redis-wrapper/loading.h"

namespace redis_zk::redis_wrapper {

namespace {

constexpr Duration kCheckInterval = 1s;
constexpr Duration kCheckSoon = 200ms;
// A replica without a master may be promoted at any moment.
constexpr Duration kCheckUnlinked = 100ms;
// A Sentinel that has promoted a replica sees it within this time.
constexpr Duration kPromotionShows = 5s;
// Where the data have just got another name, all of the group is about to: a node that dies before it is
// written down leaves data of unknown origin.
constexpr Duration kSettling = 5s;

Conversion::To NextConversion(const DatasetKeeper& keeper) {
  if (!NeedsConversion(keeper.files(), keeper.plan())) return Conversion::To::kNothing;
  return keeper.files().append_only ? Conversion::To::kAppendOnly : Conversion::To::kSnapshots;
}

}  // namespace

Serving::Serving(const Parts& parts, store::Member self, store::Record record)
    : parts_(parts),
      membership_(parts.options.common.master_name, parts.loop, parts.address_claim, parts.lock, parts.lookup,
                  std::move(self), std::move(record)),
      promotable_(membership_.self().priority, parts.keeper.loads_offset(), parts.own_server, membership_),
      follower_(parts.options.common.master_name, parts.network, membership_, parts.lookup, parts.own_server,
                parts.launch),
      recoverer_(parts.options, parts.network, parts.loop.session(), parts.loop.registry(), parts.lookup,
                 parts.lock, parts.own_server),
      readiness_(parts.options.common.master_name, membership_.self().endpoint, parts.network, parts.lookup,
                 promotable_, parts.loop.health()),
      fence_(parts.options, parts.network, parts.own_server),
      give_way_(parts.options, parts.network, parts.own_server, membership_, parts.lookup,
                parts.loop.registry(), parts.loop.reporter()),
      certificates_(parts.loop.certificates(), parts.options.common.redis_tls.files.certificate,
                    parts.own_server),
      conversion_(NextConversion(parts.keeper)),
      stop_(parts.options, parts.network, parts.loop, parts.runner, parts.own_server, membership_,
            parts.lookup, parts.keeper, conversion_),
      seen_{.holding = membership_.self().dataset} {}

int Serving::Run() {
  TimePoint check_at = Clock::now();
  parts_.loop.TakeZooKeeperNews();
  membership_.Refresh();
  while (!parts_.loop.exit_code() && !parts_.loop.stop_requested()) {
    Pump(std::min(give_way_.Step().value_or(check_at), check_at));
    if (parts_.loop.exit_code() || parts_.loop.stop_requested()) break;
    // Who is no longer the master must know it at once.
    const bool switched = parts_.loop.TakeZooKeeperNews() && membership_.Refresh();
    if (!switched && Clock::now() < check_at) continue;
    if (parts_.runner.AddressIsLost()) return stop_.EndUnreachable();
    Check();
    const bool soon = fence_.alone() || Clock::now() < naming_.settled_at;
    const bool unsteady = promotable_.unsteady() || follower_.unsteady();
    check_at = Clock::now() + (unsteady ? kCheckUnlinked : soon ? kCheckSoon : kCheckInterval);
  }
  return parts_.loop.exit_code() ? stop_.ReportEnd() : StopOnRequest();
}

void Serving::Pump(TimePoint until) {
  parts_.loop.reporter().Hold(give_way_.pauses_writes() || stop_.pauses_writes());
  parts_.loop.Pump(until);
}

int Serving::StopOnRequest() {
  parts_.loop.NoteWaiting(std::nullopt);
  const TimePoint until = Clock::now() + parts_.options.handover_timeout;
  if (!EndGiveWay(until)) return stop_.Stop();
  TimePoint check_at = Clock::now() + kCheckInterval;
  while (const auto wake = stop_.HandOver(until)) {
    Pump(*wake);
    // A pause is short, and must not be made longer by waiting for anybody else.
    if (!stop_.writes_go_on()) continue;
    if (parts_.loop.TakeZooKeeperNews()) membership_.Refresh();
    if (Clock::now() < check_at) continue;
    if (membership_.Due() || fence_.alone()) membership_.Refresh();
    if (const auto own = parts_.own_server.AskInfo()) KeepFenced(*own);
    check_at = Clock::now() + (fence_.alone() ? kCheckSoon : kCheckInterval);
  }
  return stop_.Stop();
}

bool Serving::EndGiveWay(TimePoint until) {
  const int requests = parts_.loop.stop_requests();
  give_way_.Interrupt("this node is to stop");
  while (const auto wake = give_way_.Step()) {
    if (parts_.loop.exit_code() || parts_.loop.stop_requests() > requests || Clock::now() >= until)
      return false;
    Pump(std::min(*wake, until));
  }
  return true;
}

void Serving::Check() {
  const bool reachable = membership_.ZooKeeperAnswers();
  // A refresh that failed is made up for; and who was alone must not go by what he knew before.
  if (reachable && (membership_.Due() || fence_.alone())) membership_.Refresh();
  const auto own = parts_.own_server.AskInfo();
  // One that refuses this wrapper answers its clients.
  TellServing(own || own.error().kind == ErrorKind::kRefused, reachable);
  // What it holds while it loads is not complete, whosever it is.
  if (own)
    promotable_.Keep(*own, own->loading || follower_.GuardCopy(*own, !parts_.runner.CannotStore()),
                     reachable);
  if (own) {
    certificates_.Check();
    parts_.passwords.Check(parts_.users_conf);
    if (!own->loading) failed_save_.Check(*own, parts_.own_server, parts_.keeper.files().dir);
  }
  readiness_.Say(own);
  // What recovery waits for is as old as the last answer of the server.
  const bool told = own && !own->loading;
  // A full disk is the cause of whatever else is waited for.
  const auto storage = parts_.runner.FindStorageTrouble(parts_.keeper.files().dir);
  parts_.loop.NoteWaiting(storage                       ? storage
                          : told && failed_save_.wait() ? failed_save_.wait()
                          : follower_.wait()            ? follower_.wait()
                          : told && recoverer_.wait()   ? recoverer_.wait()
                                                        : readiness_.wait());
  if (!own || own->loading) return;
  if (own->replication_id != naming_.replication_id) {
    naming_.replication_id = own->replication_id;
    naming_.settled_at = Clock::now() + kSettling;
  }
  if (own->role == redis::Role::kReplica) seen_.replica_at = Clock::now();
  parts_.loop.reporter().NoteRole(own->role == redis::Role::kMaster ? "master" : "replica");
  membership_.LookAtPause();
  const auto* const pause = membership_.pause();
  const bool is_promoted = pause == nullptr && own->role == redis::Role::kMaster && seen_.replica_at &&
                           Clock::now() - *seen_.replica_at < kPromotionShows;
  if (is_promoted && reachable && membership_.AnotherIsRecorded())
    NoteRecorded(failover::RecordAppointed(
        parts_.network.sentinels, parts_.lookup.sentinels(), parts_.options.common.master_name,
        membership_.self().endpoint, membership_.record(), parts_.loop.registry(), parts_.options.name()));
  if (!follower_.Follow(*own)) return;
  stop_.NoteSeen(*own);
  // Also where it has no key: in the next moment it may.
  seen_.holding = HeldBy(*own, membership_.self().dataset);
  NoteRecorded(recoverer_.Check(*own, promotable_.HoldsCopy(*own), membership_.IsRecorded(), pause));
  conversion_.Check(*own, parts_.own_server);
  parts_.keeper.SetConverting(conversion_.pending());
  const bool leads = own->role == redis::Role::kMaster && membership_.IsRecorded();
  parts_.keeper.Keep(*own, leads, reachable, Clock::now());
  KeepFenced(*own);
  if (pause == nullptr) give_way_.Check(*own);
}

void Serving::NoteRecorded(std::optional<store::Record> record) {
  if (!record) return;
  membership_.NoteWritten(std::move(*record));
  follower_.NoteRecorded();
  membership_.Refresh();
}

void Serving::TellServing(bool answers, bool reachable) {
  if (answers) seen_.answering_at = Clock::now();
  const bool hangs = parts_.options.recovery_patience > Duration::zero() &&
                     Clock::now() - seen_.answering_at >= parts_.options.recovery_patience;
  if (!membership_.SetHanging(hangs ? std::optional(seen_.holding) : std::nullopt)) return;
  if (hangs) {
    log::Error({.event = "server-hangs"},
               "redis-server has not answered for {} ms; registered as not serving until it does, so that a "
               "replica can take over; find out what holds it, or restart this redis-wrapper",
               parts_.options.recovery_patience.count());
  } else {
    log::Info({.event = "server-answers"}, "redis-server answers again");
  }
  if (reachable) membership_.Refresh();
}

void Serving::KeepFenced(const redis::ServerInfo& own) {
  const bool another = membership_.AnotherIsRecorded();
  const auto& record = membership_.record();
  fence_.Check(own,
               {.confirms = !another && membership_.IsCurrent(),
                .newer_epoch = another && record.lineage_fits ? record.epoch : 0},
               parts_.lookup.sentinels(), parts_.lookup.others());
  parts_.loop.reporter().NoteFence(fence_.raised());
}

}  // namespace redis_zk::redis_wrapper
