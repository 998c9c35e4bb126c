// Which ends of a server prove that it could not load its data.
#include "redis-wrapper/failed_loads.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

namespace redis_zk::testing::failed_loads_test {
namespace {

using daemon::Start;
using redis::LoadCause;
using redis::LoadFailureReader;
using redis_wrapper::DescribeFailedLoad;
using redis_wrapper::FindFailedLoad;
using Kind = Start::Kind;

// As the servers write them.
TEST(LoadFailureReaderTest, HearsWhyDataCannotBeLoaded) {
  struct Row {
    const char* name;
    std::vector<const char*> lines;
    LoadCause cause;
    const char* text;
  };
  for (const auto& [name, lines, cause, text] : std::initializer_list<Row>{
           {"nothing of it",
            {"7:C 28 Nov 2026 20:00:00.123 # oO0OoO0OoO0Oo Redis is starting oO0OoO0OoO0Oo"},
            LoadCause::kUnknown,
            ""},
           {"a cut-off append-only file",
            {"7:M 28 Nov 2026 20:00:00.123 # Unexpected end of file reading the append only file "
             "appendonly.aof.1.incr.aof. You can: 1) Make a backup"},
            LoadCause::kDamaged,
            "Unexpected end of file reading the append only file appendonly.aof.1.incr.aof"},
           {"a corrupt one, Redis 5",
            {"7:M 28 Nov 2026 20:00:00.123 # Bad file format reading the append only file: make a backup"},
            LoadCause::kDamaged,
            "Bad file format reading the append only file"},
           {"as Valkey's logfmt has it",
            {"pid=7 role=primary timestamp=\"x\" level=warning message=\"Bad file format reading the append "
             "only file a\""},
            LoadCause::kDamaged,
            "Bad file format reading the append only file a"},
           {"a missing base, Redis 7",
            {"# Unable to obtain the AOF file appendonly.aof.1.base.rdb length. stat: No such file or "
             "directory"},
            LoadCause::kDamaged,
            "Unable to obtain the AOF file"},
           {"one that may not be looked at",
            {"# Unable to obtain the AOF file appendonly.aof.1.base.rdb length. stat: Permission denied"},
            LoadCause::kElsewhere,
            "Unable to obtain the AOF file"},
           {"a manifest that makes no sense",
            {"*** FATAL AOF MANIFEST FILE ERROR ***", "Reading the manifest file, at line 1"},
            LoadCause::kDamaged,
            "FATAL AOF MANIFEST FILE ERROR"},
           {"a cut-off file that is not the last",
            {"# AOF a loaded anyway because aof-load-truncated is enabled",
             "# Fatal error: the truncated file is not the last file"},
            LoadCause::kDamaged,
            "the truncated file is not the last file"},
           {"no snapshot, Redis 5 to 7",
            {"# Wrong signature trying to load DB from file",
             "# Fatal error loading the DB: Invalid argument. Exiting."},
            LoadCause::kDamaged,
            "trying to load DB from file"},
           {"the same, Redis 8",
            {"# Wrong signature trying to load DB from file",
             "# Fatal error loading the DB, check server logs. Exiting."},
            LoadCause::kDamaged,
            "trying to load DB from file"},
           {"a cut-off snapshot",
            {"# Short read or OOM loading DB. Unrecoverable error, aborting now.",
             "# Internal error in RDB reading offset 0, function at rdb.c:1 -> Unexpected EOF reading RDB "
             "file"},
            LoadCause::kDamaged,
            "Short read or OOM loading DB"},
           {"a flipped bit",
            {"# Wrong RDB checksum expected: (1) but got (2). Aborting now."},
            LoadCause::kDamaged,
            "Wrong RDB checksum"},
           {"a newer format",
            {"# Can't handle RDB format version 9999",
             "# Fatal error loading the DB: Invalid argument. Exiting."},
            LoadCause::kNewerFormat,
            "Can't handle RDB format version 9999"},
           {"a newer format in an append-only file",
            {"# Can't handle RDB format version 12",
             "# Error reading the RDB base file a.base.rdb, AOF loading aborted"},
            LoadCause::kNewerFormat,
            "Can't handle RDB format version 12"},
           {"a module is missing",
            {"# Internal error in RDB reading offset 9, function at rdb.c:1 -> The RDB file contains module "
             "data I "
             "can't load: no matching module type 'graphdata'"},
            LoadCause::kElsewhere,
            "no matching module type"},
           {"a module is missing, and then more is said",
            {"# The RDB file contains AUX module data I can't load: no matching module 'search'",
             "# Short read or OOM loading DB. Unrecoverable error, aborting now."},
            LoadCause::kElsewhere,
            "no matching module 'search'"},
           {"a module is missing, of which an append-only file has commands",
            {"# Unknown command 'JSON.SET' reading the append only file appendonly.aof.1.incr.aof"},
            LoadCause::kElsewhere,
            "Unknown command"},
           {"memory is missing",
            {"# Short read or OOM loading DB. Unrecoverable error, aborting now.",
             "# Out Of Memory allocating 1073741824 bytes!"},
            LoadCause::kElsewhere,
            "Out Of Memory allocating"},
           {"memory for one value is missing",
            {"# rdbLoadLzfStringObject failed allocating 1073741824 bytes",
             "# Short read or OOM loading DB. Unrecoverable error, aborting now."},
            LoadCause::kElsewhere,
            "failed allocating 1073741824 bytes"},
           {"a right is missing",
            {"# Fatal error loading the DB: Permission denied. Exiting."},
            LoadCause::kElsewhere,
            "Fatal error loading the DB: Permission denied"},
           {"a right is missing, append-only",
            {"# Fatal error: can't open the append log file a for reading: Permission denied"},
            LoadCause::kElsewhere,
            "Fatal error: can't open"},
           {"a disk fails",
            {"# Unrecoverable error reading the append only file a: Input/output error"},
            LoadCause::kElsewhere,
            "Unrecoverable error reading"},
           {"fewer databases",
            {"# FATAL: Data file was created with a Redis server configured to handle more than 16 "
             "databases. "
             "Exiting"},
            LoadCause::kElsewhere,
            "configured to handle more than 16 databases"},
           {"loaded, and then its master's copy is no good",
            {"* DB loaded from append only file: 0.000 seconds",
             "# Short read or OOM loading DB. Unrecoverable error, aborting now."},
            LoadCause::kUnknown,
            ""},
           {"nothing was to be loaded",
            {"* Ready to accept connections tcp", "# Wrong signature trying to load DB from file"},
            LoadCause::kUnknown,
            ""},
           {"loaded in part",
            {"* DB loaded from base file appendonly.aof.1.base.rdb: 0.000 seconds",
             "# Bad file format reading the append only file appendonly.aof.1.incr.aof: make a backup"},
            LoadCause::kDamaged,
            "Bad file format"}}) {
    LoadFailureReader reader;
    for (const char* line : lines) reader.Hear(line);
    EXPECT_EQ(reader.failure().cause, cause) << name;
    EXPECT_EQ(reader.failure().text.find(text), 0U) << name << ": " << reader.failure().text;
    EXPECT_EQ(reader.failure().text.empty(), std::string(text).empty()) << name;
  }
}

TEST(FindFailedLoadTest, NeedsAProof) {
  const redis::LoadFailure damaged{LoadCause::kDamaged, "Short read or OOM loading DB"};
  const redis::LoadFailure newer{LoadCause::kNewerFormat, "Can't handle RDB format version 12"};
  const redis::LoadFailure elsewhere{LoadCause::kElsewhere, "no matching module type 'x'"};
  struct Row {
    const char* name;
    Start start;
    std::optional<LoadCause> failed;
  };
  for (const auto& [name, start, failed] : std::initializer_list<Row>{
           {"it serves", {}, std::nullopt},
           {"it was asked to stop while it loaded", {Kind::kStopped, 0, {}, {}, true}, std::nullopt},
           {"it says that the files are damaged", {Kind::kServerEnded, 1, {}, damaged}, LoadCause::kDamaged},
           {"the same, and crashes", {Kind::kServerEnded, 139, {}, damaged, true}, LoadCause::kDamaged},
           {"it says that the format is newer", {Kind::kServerEnded, 1, {}, newer}, LoadCause::kNewerFormat},
           {"it ends while it loads, and writes to a file of its own",
            {Kind::kServerEnded, 1, {}, {}, true},
            LoadCause::kUnknown},
           {"a module is missing", {Kind::kServerEnded, 1, {}, elsewhere, true}, std::nullopt},
           {"it ends before it loads: a module that is not there, or a taken port",
            {Kind::kServerEnded, 1},
            std::nullopt},
           {"the same, and calls it success", {Kind::kServerEnded, 0}, std::nullopt},
           {"killed while it loads, as for its memory",
            {Kind::kServerEnded, 137, {}, {}, true},
            std::nullopt},
           {"stopped by somebody else while it loads", {Kind::kServerEnded, 143, {}, {}, true}, std::nullopt},
           {"the same, by SIGTERM or SHUTDOWN, which it obeys",
            {Kind::kServerEnded, 0, {}, {}, true},
            std::nullopt},
           {"it crashes while it loads, and does not say why",
            {Kind::kServerEnded, 134, {}, {}, true},
            std::nullopt},
           {"it complains of its configuration",
            {Kind::kServerEnded, 1, redis::ConfComplaint{.why = "no integer"}, damaged, true},
            std::nullopt},
           {"it does not answer in time, or refuses us", {Kind::kFailed, 69, {}, {}, true}, std::nullopt}}) {
    EXPECT_EQ(FindFailedLoad(start), failed) << name;
  }
}

TEST(DescribeFailedLoadTest, AdvisesRepairOnlyOfDamagedFiles) {
  struct Row {
    redis::LoadFailure failure;
    const char* says;
    bool repair;
  };
  for (const auto& [failure, says, repair] : std::initializer_list<Row>{
           {{LoadCause::kDamaged, "Wrong RDB checksum"}, "Wrong RDB checksum; dump.rdb: odd", true},
           {{LoadCause::kNewerFormat, "Can't handle"}, "a server of the version that wrote them", false},
           {{}, "it ended while it loaded them", false}}) {
    for (const int before : {1, 2}) {
      const auto line =
          DescribeFailedLoad({Kind::kServerEnded, 1, {}, failure, true}, "/data", before, "dump.rdb: odd");
      for (const char* part : {"/data", "exit code 1", before == 1 ? "failed load 2" : "failed load 3", says})
        EXPECT_NE(line.find(part), std::string::npos) << line;
      EXPECT_EQ(line.find("redis-check-aof") != std::string::npos, repair) << line;
      const bool counts_down = before == 1 && failure.cause != LoadCause::kUnknown;
      EXPECT_EQ(line.find("given up after 3") != std::string::npos, counts_down) << line;
    }
  }
}

}  // namespace
}  // namespace redis_zk::testing::failed_loads_test
