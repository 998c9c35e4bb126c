#include "sentinel-wrapper/seat_keeper.h"

#include <fmt/core.h>

#include "base/log.h"
#include "base/random_id.h"
#include "redis/connection.h"
#include "registry/sentinel_id.h"

namespace redis_zk::sentinel_wrapper {

namespace {

constexpr Duration kAnswerTimeout = 500ms;
constexpr Duration kLookAgain = 100ms;
// ZooKeeper ends sessions at its ticks only, two seconds apart by default.
constexpr Duration kTick = 2s;

}  // namespace

SeatKeeper::SeatKeeper(daemon::WrapperLoop& loop, const WrapperOptions& options)
    : loop_(loop), options_(options) {}

bool SeatKeeper::Sit(std::uint64_t record_epoch) {
  const TimePoint patience = Clock::now() + options_.common.zk_session_timeout + kTick;
  while (!loop_.stop_requested()) {
    const auto seated = TrySit(record_epoch, patience);
    if (seated && *seated) return true;
    // Somebody was quicker: choose again at once.
    const bool raced = !seated && seated.error().kind == ErrorKind::kAlreadyExists;
    if (!seated && !raced) loop_.SayWaiting("waiting for a seat: " + seated.error().message);
    loop_.Pump(raced ? Clock::now() : Clock::now() + kLookAgain);
  }
  return false;
}

Result<bool> SeatKeeper::TrySit(std::uint64_t record_epoch, TimePoint patience) {
  const auto seats = loop_.registry().ListSeats();
  if (!seats) {
    if (seats.error().kind != ErrorKind::kNotFound) return tl::unexpected(seats.error());
    const auto made = loop_.registry().EnsureGroup(options_.common.master_name);
    return made ? Result<bool>(false) : tl::unexpected(made.error());
  }
  const auto choice = ChooseSeat(LookAt(*seats), options_.server.announce, Clock::now() < patience);
  if (choice.kind == SeatChoice::Kind::kWait) {
    loop_.SayWaiting(fmt::format("waiting for the seat {}: {}", choice.seat.uuid, choice.reason));
    return false;
  }
  if (const auto taken = Take(choice, FleetEpoch(*seats, record_epoch)); !taken)
    return tl::unexpected(taken.error());
  return true;
}

std::vector<SeatSeen> SeatKeeper::LookAt(const std::vector<registry::Seat>& seats) const {
  std::vector<Endpoint> endpoints;
  for (const auto& seat : seats) endpoints.push_back(seat.endpoint);
  const auto answers =
      redis::AskAll(endpoints, options_.common.sentinel, {{"SENTINEL", "MYID"}}, kAnswerTimeout);
  std::vector<SeatSeen> seen;
  for (std::size_t i = 0; i < seats.size(); ++i) {
    const bool same = answers[i] && answers[i]->front().text == registry::SentinelIdOf(seats[i].uuid);
    seen.push_back({seats[i], same});
  }
  return seen;
}

Status SeatKeeper::Take(const SeatChoice& choice, std::uint64_t epoch) {
  const bool is_new = choice.kind == SeatChoice::Kind::kNew;
  const registry::Seat seat{.uuid = is_new ? NewUuid() : choice.seat.uuid,
                            .endpoint = options_.server.announce,
                            .epoch = epoch,
                            .taken = true};
  const std::int64_t session = loop_.session().id();
  if (auto taken = loop_.registry().TakeSeat(seat); !taken) return taken;
  seat_ = seat;
  session_ = session;
  if (is_new) {
    log::Info("took a new seat, {}: {}", seat.uuid, choice.reason);
  } else {
    log::Info("took over the seat {} from {}: {}", seat.uuid, choice.seat.endpoint.ToAddress(),
              choice.reason);
  }
  return {};
}

SeatKeeper::Hold SeatKeeper::Keep() {
  if (!loop_.session().connected()) return Hold::kUnsure;
  const std::int64_t session = loop_.session().id();
  if (session == session_) return Hold::kHeld;
  auto seats = loop_.registry().ListSeats();
  // ZooKeeper came back without its data: TakeSeat makes what is missing.
  if (!seats && seats.error().kind == ErrorKind::kNotFound) seats = std::vector<registry::Seat>{};
  if (seats && IsLost(*seats, seat_)) return Hold::kLost;
  const auto taken = seats ? loop_.registry().TakeSeat(seat_) : tl::unexpected(seats.error());
  if (!taken) {
    if (taken.error().kind == ErrorKind::kAlreadyExists) return Hold::kEcho;
    log_problem_(taken.error().message, LogOnChange::Level::kWarn);
    return Hold::kUnsure;
  }
  session_ = session;
  log_problem_.Reset();
  log::Info("took the seat {} again in a new session", seat_.uuid);
  return Hold::kHeld;
}

void SeatKeeper::NoteEpoch(std::uint64_t epoch) {
  if (epoch <= seat_.epoch || session_ != loop_.session().id() || !loop_.session().connected()) return;
  registry::Seat grown = seat_;
  grown.epoch = epoch;
  if (const auto written = loop_.registry().UpdateSeat(grown); !written) {
    log_problem_(written.error().message, LogOnChange::Level::kWarn);
    return;
  }
  log_problem_.Reset();
  seat_ = grown;
}

}  // namespace redis_zk::sentinel_wrapper
