#include "sentinel-wrapper/identity_keeper.h"

#include <fmt/core.h>

#include "base/log.h"
#include "base/random_id.h"
#include "redis/connection.h"
#include "store/sentinel_id.h"

namespace redis_zk::sentinel_wrapper {

namespace {

constexpr Duration kLookForIdentityEvery = 100ms;
// ZooKeeper ends sessions at its ticks only, two seconds apart by default.
constexpr Duration kTick = 2s;

}  // namespace

IdentityKeeper::IdentityKeeper(daemon::WrapperLoop& loop, const WrapperOptions& options,
                               const redis::Network& network)
    : loop_(loop), options_(options), network_(network) {}

bool IdentityKeeper::Acquire(std::uint64_t record_epoch) {
  const TimePoint patience = Clock::now() + options_.common.zk_session_timeout + kTick;
  while (!loop_.stop_requested()) {
    const auto acquired = TryAcquire(record_epoch, patience);
    if (acquired && *acquired) return true;
    // Another Sentinel was quicker: choose again at once.
    const bool raced = !acquired && acquired.error().kind == ErrorKind::kAlreadyExists;
    if (!acquired && !raced)
      loop_.SayWaiting({.name = "identity",
                        .sentence = "cannot take an identity, retrying: " + acquired.error().message,
                        .failing = true});
    loop_.Pump(raced ? Clock::now() : Clock::now() + kLookForIdentityEvery);
  }
  return false;
}

Result<bool> IdentityKeeper::TryAcquire(std::uint64_t record_epoch, TimePoint patience) {
  const auto identities = loop_.registry().identities.List();
  if (!identities) {
    if (identities.error().kind != ErrorKind::kNotFound) return tl::unexpected(identities.error());
    const auto made = loop_.registry().groups.Ensure(options_.common.master_name);
    return made ? Result<bool>(false) : tl::unexpected(made.error());
  }
  const std::uint64_t epoch = store::FleetEpoch(*identities, record_epoch);
  if (attempt_ && attempt_->session == loop_.session().id()) {
    // A lost answer may have taken it: to choose again would wait for our own session, and then take a
    // second.
    attempt_->identity.epoch = epoch;
    if (const auto taken = TakeAttempted(); !taken) return tl::unexpected(taken.error());
    return true;
  }
  const auto choice = ChooseIdentity(LookAt(*identities), options_.server.announce, Clock::now() < patience);
  if (choice.kind == IdentityChoice::Kind::kWait) {
    loop_.SayWaiting(
        {.name = "identity",
         .sentence = fmt::format("waiting for the identity {}: {}", choice.identity.uuid, choice.reason),
         .until = patience});
    return false;
  }
  if (const auto taken = Take(choice, epoch); !taken) return tl::unexpected(taken.error());
  return true;
}

std::vector<IdentitySeen> IdentityKeeper::LookAt(const std::vector<store::Identity>& identities) const {
  std::vector<Endpoint> endpoints;
  for (const auto& identity : identities) endpoints.push_back(identity.endpoint);
  const auto answers = network_.sentinels.AskAll(endpoints, {{"SENTINEL", "MYID"}});
  std::vector<IdentitySeen> seen;
  for (std::size_t i = 0; i < identities.size(); ++i) {
    const bool same = answers[i] && answers[i]->front().text == store::SentinelIdOf(identities[i].uuid);
    seen.push_back({identities[i], same});
  }
  return seen;
}

Status IdentityKeeper::Take(const IdentityChoice& choice, std::uint64_t epoch) {
  const bool is_new = choice.kind == IdentityChoice::Kind::kNew;
  const store::Identity identity{.uuid = is_new ? NewUuid() : choice.identity.uuid,
                                 .endpoint = options_.server.announce,
                                 .epoch = epoch,
                                 .taken = true,
                                 .version = REDIS_ZK_VERSION};
  attempt_ = Attempt{identity, choice, loop_.session().id()};
  return TakeAttempted();
}

Status IdentityKeeper::TakeAttempted() {
  const auto& [identity, choice, session] = *attempt_;
  if (auto taken = loop_.registry().identities.Take(identity); !taken) {
    const ErrorKind kind = taken.error().kind;
    if (kind != ErrorKind::kUnavailable && kind != ErrorKind::kUnknownOutcome) attempt_.reset();
    return taken;
  }
  identity_ = identity;
  session_ = session;
  if (choice.kind == IdentityChoice::Kind::kNew) {
    log::Info({.event = "identity-created"}, "took a new identity, {}: {}", identity.uuid, choice.reason);
  } else {
    log::Info({.event = "identity-taken-over", .peer = choice.identity.endpoint.ToAddress()},
              "took over the identity {}: {}", identity.uuid, choice.reason);
  }
  attempt_.reset();
  return {};
}

IdentityKeeper::Hold IdentityKeeper::Keep() {
  if (!loop_.session().connected()) return Hold::kUnsure;
  const std::int64_t session = loop_.session().id();
  if (session == session_) return Hold::kHeld;
  auto identities = loop_.registry().identities.List();
  // ZooKeeper came back without its data: TakeIdentity makes what is missing.
  if (!identities && identities.error().kind == ErrorKind::kNotFound)
    identities = std::vector<store::Identity>{};
  if (identities && IsLost(*identities, identity_)) return Hold::kLost;
  const auto taken =
      identities ? loop_.registry().identities.Take(identity_) : tl::unexpected(identities.error());
  if (!taken) {
    if (taken.error().kind == ErrorKind::kAlreadyExists) return Hold::kEcho;
    log_problem_(log::Severity::kWarn, {.event = "identity-failed"},
                 "cannot take the identity again, retrying: " + taken.error().message);
    return Hold::kUnsure;
  }
  session_ = session;
  log_problem_.Reset();
  log::Info({.event = "identity-resumed"}, "took the identity {} again in a new ZooKeeper session",
            identity_.uuid);
  return Hold::kHeld;
}

void IdentityKeeper::NoteEpoch(std::uint64_t epoch) {
  if (epoch <= identity_.epoch || session_ != loop_.session().id() || !loop_.session().connected()) return;
  store::Identity grown = identity_;
  grown.epoch = epoch;
  if (const auto written = loop_.registry().identities.Update(grown); !written) {
    log_problem_(log::Severity::kWarn, {.event = "identity-failed"},
                 "cannot note the epoch of the identity, retrying: " + written.error().message);
    return;
  }
  log_problem_.Reset();
  identity_ = grown;
}

}  // namespace redis_zk::sentinel_wrapper
