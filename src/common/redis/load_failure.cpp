#include "redis/load_failure.h"

#include <algorithm>
#include <array>

#include "base/printable.h"

namespace redis_zk::redis {

namespace {

struct Text {
  std::string_view part;
  std::string_view also;  // elsewhere in the line
  LoadCause cause;
};

// The first that fits a line counts. The parts are those that all versions have in common.
constexpr std::array<Text, 28> kTexts{{
    // Another server, or one with more memory or rights, loads the same files.
    {"no matching module", "", LoadCause::kElsewhere},
    {"responsible module is not able to load", "", LoadCause::kElsewhere},
    {"RDB file contains module AUX data", "doesn't seem to support it", LoadCause::kElsewhere},
    {"Unknown command", "reading the append only file", LoadCause::kElsewhere},
    {"configured to handle more than", "databases", LoadCause::kElsewhere},
    {"Out Of Memory allocating", "", LoadCause::kElsewhere},
    {"OUT OF MEMORY", "", LoadCause::kElsewhere},
    {"failed allocating", "bytes", LoadCause::kElsewhere},
    {"Unrecoverable error reading the append only file", "", LoadCause::kElsewhere},
    {"Fatal error: can't open", "for reading", LoadCause::kElsewhere},
    {"Unable to obtain the AOF file", "No such file", LoadCause::kDamaged},
    {"Unable to obtain the AOF file", "", LoadCause::kElsewhere},
    {"Fatal error loading the DB", "Invalid argument", LoadCause::kDamaged},
    {"Fatal error loading the DB", "check server logs", LoadCause::kDamaged},
    {"Fatal error loading the DB", "", LoadCause::kElsewhere},
    {"Can't handle RDB format version", "", LoadCause::kNewerFormat},
    {"trying to load DB from file", "", LoadCause::kDamaged},
    {"Short read or OOM loading DB", "", LoadCause::kDamaged},
    {"Unknown type or opcode when loading DB", "", LoadCause::kDamaged},
    {"Wrong RDB checksum", "", LoadCause::kDamaged},
    {"Internal error in RDB reading", "", LoadCause::kDamaged},
    {"RDB has duplicated key", "", LoadCause::kDamaged},
    {"Bad file format reading the append only file", "", LoadCause::kDamaged},
    {"Unexpected end of file reading the append only file", "", LoadCause::kDamaged},
    {"The append log file", "doesn't exist", LoadCause::kDamaged},
    {"FATAL AOF MANIFEST FILE ERROR", "", LoadCause::kDamaged},
    {"the truncated file is not the last file", "", LoadCause::kDamaged},
    {"AOF loading aborted", "", LoadCause::kDamaged},
}};

constexpr std::array<std::string_view, 3> kLoaded{"DB loaded from disk", "DB loaded from append only file",
                                                  "Ready to accept connections"};

bool Holds(std::string_view line, std::string_view part) { return line.find(part) != std::string_view::npos; }

}  // namespace

void LoadFailureReader::Hear(std::string_view line) {
  if (loaded_) return;
  loaded_ = std::any_of(kLoaded.begin(), kLoaded.end(), [line](auto part) { return Holds(line, part); });
  if (loaded_) {
    failure_ = {};
    return;
  }
  const auto found = std::find_if(kTexts.begin(), kTexts.end(), [line](const Text& text) {
    return Holds(line, text.part) && Holds(line, text.also);
  });
  if (found == kTexts.end()) return;
  // The first line says most. But whatever it led to, files that may be intact are not damaged.
  const bool exonerates = found->cause == LoadCause::kElsewhere && failure_.cause != LoadCause::kElsewhere;
  if (failure_.text.empty() || exonerates)
    failure_ = {found->cause, Printable(line.substr(line.find(found->part)))};
}

}  // namespace redis_zk::redis
