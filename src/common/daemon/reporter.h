// Tells the watchers how this wrapper is: one ephemeral znode, written when what it says has changed.
//
// A quiet wrapper writes nothing. What a person should know at once is written within a second, everything
// else at most every ten. What fails is tried again ten seconds later.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "base/time.h"
#include "daemon/waiting.h"
#include "store/report.h"
#include "store/reports.h"
#include "zookeeper/session.h"

namespace redis_zk::daemon {

// A turn of the loop that took this long is worth a word: one server that does not answer takes half of it.
inline constexpr Duration kSlowTurn = 1s;

// Loop thread only.
class Reporter {
 public:
  // The references must outlive this. `is_open`: of the server that is launched, as of a Report. `past_file`:
  // where that is kept which outlives the process; one that cannot be read or written loses it and nothing
  // else.
  Reporter(zookeeper::Session& session, store::Reports& reports, store::Report::Process whose, bool is_open,
           std::string past_file);

  // Saves what outlives the process, where Keep has not.
  ~Reporter();
  Reporter(const Reporter&) = delete;
  Reporter& operator=(const Reporter&) = delete;

  // Each of these costs nothing when it is no news.
  void NoteWait(const std::optional<Wait>& wait, TimePoint now);  // that lasts; nothing: there is none
  void NoteRole(std::string_view role);                           // as of a Report
  void NoteFence(bool raised) { report_.fenced = raised; }
  void NoteCertificates(const std::vector<store::CertificateFile>& files);
  void NoteTurn(Clock::duration took);

  // A server was launched. With the first, the data directory is ours, and what a predecessor has left is
  // complete.
  void NoteLaunch();
  // It has ended, and nobody had asked it to.
  void NoteExit(int code);
  // A handover is over.
  void NoteHandover(bool done, std::string_view sentence);

  // Writes nothing, neither to ZooKeeper nor to the disk, while clients wait.
  void Hold(bool held) { held_ = held; }
  // Writes what there is to write. Call it with every turn of the loop.
  void Keep(TimePoint now);

 private:
  void NoteSession();
  void NoteProblems();
  void ReadPast();
  void SavePast();

  zookeeper::Session& session_;
  store::Reports& reports_;
  const bool is_open_;
  const std::string past_file_;
  store::Report report_;
  std::optional<Wait> wait_;              // of which the report's is made
  std::optional<store::Report> written_;  // in this session; nothing: none, or it is not certain
  std::int64_t session_id_ = 0;
  std::uint64_t problems_ = 0;  // how many have been looked at
  TimePoint slow_turn_at_{};
  TimePoint urgent_at_{};  // from when on it may be written, if that is urgent
  TimePoint write_at_{};   // if it is not
  bool held_ = false;
  bool past_is_saved_ = true;
  LogOnChange log_failure_;
};

// Whether a person should know at once in what `next` differs from `written`. An error counts only when the
// one before is ten seconds old: one after the other must not be a write each.
bool IsUrgent(const store::Report& written, const store::Report& next);

}  // namespace redis_zk::daemon
