#include "daemon/reporter.h"

#include <chrono>
#include <tuple>
#include <utility>

#include "base/file.h"
#include "base/log.h"
#include "base/unix_time.h"
#include "redis/servers.h"

namespace redis_zk::daemon {

namespace {

constexpr Duration kReportAtMostEvery = 10s;
constexpr Duration kReportUrgentEvery = 1s;
// One that was reported is replaced by a slower one at once, and by any after this time.
constexpr Duration kSlowTurnStaysFor = 10min;
constexpr Duration kSlowTurnRounding = 100ms;

std::int64_t AsUnixTime(TimePoint time, TimePoint now) {
  return UnixTime() + std::chrono::duration_cast<Duration>(time - now).count();
}

std::optional<store::LoggedLine> AsLine(const std::optional<log::Problem>& problem) {
  if (!problem) return std::nullopt;
  return store::LoggedLine{problem->time, problem->event, problem->sentence};
}

// What is told of a wait at once, for its sentence may count something.
auto Gist(const std::optional<store::Wait>& wait) {
  return wait ? std::tuple(true, wait->name, wait->needs_person) : std::tuple(false, std::string(), false);
}

bool IsNewError(const std::optional<store::LoggedLine>& written,
                const std::optional<store::LoggedLine>& next) {
  return next && (!written || next->time - written->time >= kReportAtMostEvery.count());
}

}  // namespace

bool IsUrgent(const store::Report& written, const store::Report& next) {
  return Gist(written.wait) != Gist(next.wait) || written.fenced != next.fenced ||
         written.open != next.open || written.past != next.past ||
         written.certificates != next.certificates || IsNewError(written.error, next.error);
}

Reporter::Reporter(zookeeper::Session& session, store::Reports& reports, store::Report::Process whose,
                   bool is_open, std::string past_file)
    : session_(session),
      reports_(reports),
      is_open_(is_open),
      past_file_(std::move(past_file)),
      report_{.process = std::move(whose)} {
  ReadPast();
}

void Reporter::NoteWait(const std::optional<Wait>& wait, TimePoint now) {
  // Made once: from another look at the two clocks it would come out a little different.
  if (wait == wait_) return;
  wait_ = wait;
  report_.wait.reset();
  if (!wait) return;
  const auto& process = report_.process;
  report_.wait = store::Wait{.uuid = process.uuid,
                             .group = process.group,
                             .daemon = process.daemon,
                             .endpoint = process.endpoint,
                             .name = wait->name,
                             .sentence = wait->sentence,
                             .since = AsUnixTime(wait->since, now),
                             .needs_person = wait->needs_person};
  if (wait->until) report_.wait->until = AsUnixTime(*wait->until, now);
}

void Reporter::NoteRole(std::string_view role) {
  if (report_.role != role) report_.role = role;
}

void Reporter::NoteCertificates(const std::vector<store::CertificateFile>& files) {
  if (report_.certificates != files) report_.certificates = files;
}

void Reporter::NoteTurn(Clock::duration took) {
  if (took < kSlowTurn) return;
  const Duration rounded = std::chrono::duration_cast<Duration>(took) / kSlowTurnRounding * kSlowTurnRounding;
  const store::SlowTurn turn{.time = UnixTime(), .took = rounded.count()};
  const auto& known = report_.slow_turn;
  const bool is_told = written_ && written_->slow_turn == known;
  const bool is_old = is_told && Clock::now() - slow_turn_at_ >= kSlowTurnStaysFor;
  if (known && !is_old && turn.took <= known->took) return;
  report_.slow_turn = turn;
  slow_turn_at_ = Clock::now();
}

Reporter::~Reporter() { SavePast(); }

void Reporter::NoteLaunch() {
  if (report_.launches == 0) ReadPast();
  report_.open = is_open_;
  ++report_.launches;
}

void Reporter::NoteExit(int code) {
  ++report_.past.exits;
  report_.past.last_exit = code;
  report_.past.last_exit_at = UnixTime();
  // Not now: a disk may take seconds, and a failover is to be ordered.
  past_is_saved_ = false;
}

void Reporter::NoteHandover(bool done, std::string_view sentence) {
  report_.past.handover = store::HandoverEnd{UnixTime(), done, std::string(sentence)};
  past_is_saved_ = false;
}

void Reporter::Keep(TimePoint now) {
  if (!held_) SavePast();
  if (!session_.connected()) return;
  NoteSession();
  NoteProblems();
  if (held_ || written_ == report_) return;
  const bool is_urgent = !written_ || IsUrgent(*written_, report_);
  if (now < (is_urgent ? urgent_at_ : write_at_)) return;
  // A request that takes longer would keep the loop from what it is for.
  const Status put = session_.Answers(redis::kAnswerTimeout)
                         ? reports_.Put(report_)
                         : Fail(ErrorKind::kUnavailable, "no answer in time");
  // A request may have taken its time, and there is more to do than this.
  write_at_ = Clock::now() + kReportAtMostEvery;
  if (!put) {
    // What a request without an answer did is not known.
    written_.reset();
    urgent_at_ = write_at_;
    const bool denied = put.error().kind == ErrorKind::kDenied;
    log_failure_(denied ? log::Severity::kWarn : log::Severity::kDebug, {.event = "report-failed"},
                 "cannot tell the watchers how this wrapper is, retrying: " + put.error().message);
    return;
  }
  log_failure_.Reset();
  written_ = report_;
  urgent_at_ = Clock::now() + kReportUrgentEvery;
}

void Reporter::NoteSession() {
  if (session_id_ == session_.id()) return;
  session_id_ = session_.id();
  ++report_.zookeeper.sessions;
  report_.zookeeper.since = UnixTime();
  // It was ephemeral.
  written_.reset();
}

void Reporter::NoteProblems() {
  const std::uint64_t count = log::CountProblems();
  if (std::exchange(problems_, count) == count) return;
  const auto last = log::FindLastProblems();
  report_.error = AsLine(last.error);
  report_.warning = AsLine(last.warning);
}

void Reporter::ReadPast() {
  const auto text = ReadTextFile(past_file_);
  if (!text) return;
  if (auto past = store::ParsePast(*text)) report_.past = std::move(*past);
}

void Reporter::SavePast() {
  if (std::exchange(past_is_saved_, true)) return;
  if (const auto written = WriteFileAtomically(past_file_, store::Render(report_.past)); !written)
    log::Debug({.event = "past-unwritable"}, "{}", written.error().message);
}

}  // namespace redis_zk::daemon
