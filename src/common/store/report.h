// How a wrapper is, as it tells the watchers: the znode /redis/reports/<uuid>, JSON. Values, parsing and
// rendering.
//
// Nothing is decided by a report: it is shown to people. Times are milliseconds since 1970, by the clock of
// the wrapper's machine.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "net/endpoint.h"

namespace redis_zk::store {

// What a daemon has waited for longer than a moment.
struct Wait {
  std::string uuid;  // of the process; empty: a watcher's own
  std::string group;
  std::string daemon;    // "redis-wrapper"
  Endpoint endpoint;     // of its server
  std::string name;      // what for: a code in kebab-case
  std::string sentence;  // what for, and why
  std::int64_t since = 0;
  std::optional<std::int64_t> until;  // when it ends at the latest
  bool needs_person = false;          // the sentence says what a person must do

  bool operator==(const Wait&) const = default;
};

// A file with certificates that a wrapper and its server use.
struct CertificateFile {
  std::string path;
  std::int64_t expires = 0;  // of its certificates the first to do so

  bool operator==(const CertificateFile&) const = default;
};

// A warning or an error in the wrapper's log.
struct LoggedLine {
  std::int64_t time = 0;
  std::string event;  // a code in kebab-case
  std::string sentence;

  bool operator==(const LoggedLine&) const = default;
};

// A turn of the wrapper's loop that took long.
struct SlowTurn {
  std::int64_t time = 0;  // when it was over
  std::int64_t took = 0;  // milliseconds

  bool operator==(const SlowTurn&) const = default;
};

// How a handover ended.
struct HandoverEnd {
  std::int64_t time = 0;
  bool done = false;
  std::string sentence;  // what was done, or why it was not

  bool operator==(const HandoverEnd&) const = default;
};

// What is remembered beyond the process, for a wrapper exits when its server does.
struct Past {
  std::int64_t exits = 0;  // of servers that ended though nobody had asked them to
  int last_exit = 0;       // exit code of the last of them
  std::int64_t last_exit_at = 0;
  std::optional<HandoverEnd> handover{};  // the last one

  bool operator==(const Past&) const = default;
};

struct Report {
  struct Process {
    std::string uuid;
    std::string daemon;  // "redis-wrapper"
    std::string group;   // of a sentinel-wrapper, which looks after all, the one of its MASTER_NAME
    Endpoint endpoint;   // of its server, as announced
    std::string version;
    std::int64_t started = 0;

    bool operator==(const Process&) const = default;
  };
  struct ZooKeeper {
    std::int64_t sessions = 0;  // how many this process has had
    std::int64_t since = 0;     // when the current one began

    bool operator==(const ZooKeeper&) const = default;
  };

  Process process;
  std::string role{};   // of its Redis: "master" or "replica"; empty: not known yet, or a Sentinel
  bool fenced = false;  // its master rejects writes, or may do so, because nothing confirms it
  bool open = false;    // its server takes commands without a password from other hosts
  std::optional<Wait> wait{};
  std::vector<CertificateFile> certificates{};  // none: without TLS
  std::optional<LoggedLine> error{};            // the last one
  std::optional<LoggedLine> warning{};          // the same
  std::optional<SlowTurn> slow_turn{};          // the last that was worth a word
  std::int64_t launches = 0;                    // of servers, by this process
  ZooKeeper zookeeper{};
  Past past{};

  bool operator==(const Report&) const = default;
};

// Whatever it is made of, at most some 20 KB: texts are cut off, and so are more files than a daemon has.
std::string Render(const Report& report);
// Everything but the uuid, which is the znode's name. Whatever was written there, its texts are printable,
// short, and its codes are codes. What is missing, or of another type, is as in a fresh Report: a wrapper of
// another version wrote it.
Result<Report> ParseReport(std::string_view text);

std::string Render(const Past& past);
Result<Past> ParsePast(std::string_view text);

}  // namespace redis_zk::store
