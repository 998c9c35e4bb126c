#include "redis-wrapper/dataset.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

#include "redis-wrapper/conversion.h"
#include "redis-wrapper/data_files_check.h"
#include "redis-wrapper/loading.h"
#include "redis-wrapper/redis_conf.h"
#include "unit/files.h"

namespace redis_zk::testing::dataset_test {
namespace {

using redis_wrapper::Conversion;
using redis_wrapper::DataFiles;
using redis_wrapper::FilesFound;
using redis_wrapper::FindDamage;
using redis_wrapper::FindDataFiles;
using redis_wrapper::FindDataset;
using redis_wrapper::FindFiles;
using redis_wrapper::FindReplicaPriority;
using redis_wrapper::FindUnreadable;
using redis_wrapper::IdentifyFiles;
using redis_wrapper::LoadPlan;
using redis_wrapper::Note;
using redis_wrapper::ParseRdbHeader;
using redis_wrapper::PlanLoad;
using redis_wrapper::ReadNote;
using redis_wrapper::RenderLoading;
using redis_wrapper::WriteNote;

constexpr const char* kId = "75f05d36e6ec5d0d58b7d4d4b2c8a2c1c1f6a9b0";

std::string Short(const std::string& text) { return static_cast<char>(text.size()) + text; }
std::string Aux(const std::string& key, const std::string& value) { return '\xFA' + Short(key) + value; }

const std::string kMagic = "REDIS0010";
const std::string kEnd =
    "\xFF"
    "12345678";
const std::string kOneKey = std::string("\xFE\x00\xFB\x01\x00\x00", 6) + Short("key") + Short("value") + kEnd;
const std::string kNames = kMagic + Aux("redis-ver", Short("7.0.15")) + Aux("redis-bits", "\xC0\x40") +
                           Aux("ctime", "\xC2\x78\x56\x34\x12") +
                           Aux("repl-stream-db", std::string("\xC0\x00", 2)) + Aux("repl-id", Short(kId)) +
                           Aux("repl-offset", "\xC1\x39\x30");

TEST(ParseRdbHeaderTest, ReadsWhatRedisWrites) {
  const auto header = ParseRdbHeader(kNames + kOneKey);
  ASSERT_TRUE(header);
  EXPECT_EQ(header->replication_id, kId);
  EXPECT_EQ(header->offset, 12345);
  EXPECT_EQ(header->saved_at, 0x12345678);
  EXPECT_TRUE(header->has_data);
  EXPECT_FALSE(ParseRdbHeader(kNames + kEnd)->has_data);
  EXPECT_TRUE(ParseRdbHeader(kMagic + "\xF5" + Short("a function") + kEnd)->has_data);
  EXPECT_EQ(ParseRdbHeader(kMagic + Aux("repl-offset", Short("9000000000")) + kEnd)->offset, 9'000'000'000);
  EXPECT_EQ(ParseRdbHeader("VALKEY080" + kNames.substr(kMagic.size()) + kOneKey)->offset, 12345);
  const std::string long_value = std::string("\x41\x00", 2) + std::string(256, 'x');
  EXPECT_EQ(ParseRdbHeader(kMagic + Aux("repl-id", long_value) + kEnd)->replication_id,
            std::string(256, 'x'));
}

TEST(ParseRdbHeaderTest, RefusesEverythingElse) {
  struct Row {
    const char* name;
    std::string bytes;
  };
  for (const auto& [name, bytes] : std::initializer_list<Row>{
           {"nothing", ""},
           {"magic alone", "REDIS"},
           {"no opcode", kMagic},
           {"another format", "REDIX0010\xFF"},
           {"magic of Valkey alone", "VALKEY08"},
           {"cut off in a key", kMagic + "\xFA\x0Arepl"},
           {"cut off before a value", kMagic + "\xFA" + Short("repl-id")},
           {"cut off in a length", kMagic + "\xFA\x41"},
           {"cut off in an integer", kMagic + Aux("ctime", "\xC2\x01")},
           {"compressed", kMagic + Aux("repl-id", "\xC3\x01\x01x")},
           {"a length of 32 bits", kMagic + Aux("repl-id", std::string("\x80\x00\x00\x00\x01x", 6))},
       }) {
    EXPECT_FALSE(ParseRdbHeader(bytes)) << name;
  }
  // Whatever is cut off wherever: an error or a header, never a crash.
  const std::string whole = kNames + kOneKey;
  for (std::size_t length = 0; length < whole.size(); ++length) (void)ParseRdbHeader(whole.substr(0, length));
}

class DatasetTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directories(aof_dir_);
    append_only_.append_only = true;
  }
  void WriteAof(const std::string& base, const std::string& incr) {
    WriteFile(aof_dir_ / "appendonly.aof.1.base.rdb", base);
    WriteFile(aof_dir_ / "appendonly.aof.1.incr.aof", incr);
    WriteFile(aof_dir_ / "appendonly.aof.manifest",
              "file appendonly.aof.1.base.rdb seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n");
  }

  TempDir directory_;
  const std::filesystem::path path_ = directory_.path();
  const std::filesystem::path aof_dir_ = path_ / "appendonlydir";
  DataFiles snapshots_{.dir = path_.string()};
  DataFiles append_only_{.dir = path_.string()};
  DataFiles memory_only_{.dir = path_.string(), .snapshots = false};
};

TEST_F(DatasetTest, ASnapshotNamesItsHistory) {
  EXPECT_TRUE(FindDataset(snapshots_, {}).empty());
  WriteFile(path_ / "dump.rdb", kNames + kOneKey);
  const auto dataset = FindDataset(snapshots_, {.replication_id = kId, .previous_id = "before"});
  EXPECT_EQ(dataset.replication_id, kId);
  EXPECT_EQ(dataset.previous_id, "before");
  EXPECT_EQ(dataset.offset, 12345);
  EXPECT_EQ(dataset.bytes, (kNames + kOneKey).size());
  EXPECT_EQ(FindDataset(snapshots_, {.replication_id = "another", .previous_id = "x"}).previous_id, "");

  const auto copy = FindDataset(snapshots_, {.replication_id = "another", .copy_of = "master's"});
  EXPECT_EQ(copy.copy_of, "master's");
  EXPECT_EQ(copy.offset, 12345);
  EXPECT_EQ(FindDataset(snapshots_, {.replication_id = kId, .copy_of = "master's"}).copy_of, "")
      << "what the copy was to replace is still there";

  WriteFile(path_ / "dump.rdb", kMagic + kOneKey);
  EXPECT_EQ(FindDataset(snapshots_, {.replication_id = kId}).replication_id, kId)
      << "of a master without replicas";
  WriteFile(path_ / "dump.rdb", kNames + kEnd);
  EXPECT_TRUE(FindDataset(snapshots_, {}).empty()) << "not a key in it";
  WriteFile(path_ / "dump.rdb", "garbage");
  EXPECT_EQ(FindDataset(snapshots_, {}).bytes, 7U) << "nobody may overwrite what nobody can read";
  EXPECT_EQ(FindDataset(snapshots_, {}).replication_id, "");
}

TEST_F(DatasetTest, AnAppendOnlyFileIsNamedByTheNote) {
  const Note note{.node = "n",
                  .replication_id = kId,
                  .previous_id = "before",
                  .offset = 100,
                  .aof_file = "appendonly.aof.1.incr.aof",
                  .aof_bytes = 10};
  EXPECT_TRUE(FindDataset(append_only_, note).empty());
  WriteAof(kNames + kEnd, "");
  EXPECT_TRUE(FindDataset(append_only_, note).empty()) << "as a fresh server leaves it";
  WriteAof(kNames + kEnd, std::string(30, 'x'));
  EXPECT_EQ(FindDataset(append_only_, note).offset, 120) << "it has grown since the note";
  EXPECT_EQ(FindDataset(append_only_, note).replication_id, kId);
  EXPECT_EQ(FindDataset(append_only_, note).previous_id, "before");
  EXPECT_EQ(FindDataset(append_only_, {}).replication_id, "") << "without a note nobody knows";

  Note rewritten = note;
  rewritten.aof_file = "appendonly.aof.2.incr.aof";
  EXPECT_EQ(FindDataset(append_only_, rewritten).offset, 100) << "another file, of which nothing is known";
  Note ahead = note;
  ahead.aof_bytes = 40;
  EXPECT_EQ(FindDataset(append_only_, ahead).offset, 100) << "shorter than noted";
  WriteAof(kNames + kOneKey, "");
  EXPECT_FALSE(FindDataset(append_only_, note).empty());
}

TEST_F(DatasetTest, DamagedPartsAreNoEmptyOnes) {
  const Note note{.node = "n", .replication_id = kId, .offset = 100};
  WriteAof(kNames + kOneKey, "");
  std::filesystem::remove(aof_dir_ / "appendonly.aof.1.base.rdb");
  EXPECT_FALSE(FindDataset(append_only_, note).empty()) << "the base is missing, and the rest is empty";
  EXPECT_EQ(FindDataset(append_only_, note).replication_id, kId);
  WriteFile(aof_dir_ / "appendonly.aof.manifest", "garbage");
  EXPECT_FALSE(FindDataset(append_only_, note).empty()) << "nobody knows what it named";
  WriteFile(aof_dir_ / "appendonly.aof.manifest", "");
  EXPECT_FALSE(FindDataset(append_only_, note).empty()) << "nor what was in it";
}

TEST_F(DatasetTest, DamageIsNamedAsFarAsItCanBeSeen) {
  constexpr auto kSnapshot = LoadPlan::Loads::kSnapshot;
  constexpr auto kAof = LoadPlan::Loads::kAppendOnly;
  WriteFile(path_ / "dump.rdb", kNames + kOneKey);
  EXPECT_EQ(FindDamage(snapshots_, kSnapshot), "");
  WriteFile(path_ / "dump.rdb", "garbage");
  EXPECT_NE(FindDamage(snapshots_, kSnapshot).find("expected an RDB file"), std::string::npos);
  WriteAof(kNames + kOneKey, "");
  EXPECT_EQ(FindDamage(append_only_, kAof), "");
  std::filesystem::remove(aof_dir_ / "appendonly.aof.1.base.rdb");
  EXPECT_NE(FindDamage(append_only_, kAof).find("appendonly.aof.1.base.rdb: No such file"),
            std::string::npos);
  std::filesystem::remove_all(aof_dir_);
  WriteFile(path_ / "appendonly.aof", "*1");
  EXPECT_EQ(FindDamage(append_only_, kAof), "") << "the single file of Redis 6 has no manifest";
}

TEST_F(DatasetTest, WhatMayNotBeReadIsNamed) {
  constexpr auto kSnapshot = LoadPlan::Loads::kSnapshot;
  constexpr auto kAof = LoadPlan::Loads::kAppendOnly;
  constexpr auto kNothing = LoadPlan::Loads::kNothing;
  EXPECT_FALSE(FindUnreadable(snapshots_, kSnapshot));
  EXPECT_FALSE(FindUnreadable({.dir = (path_ / "not there").string()}, kNothing))
      << "there is nothing to read";
  // A loop of links, which not even root can read.
  const auto loop = path_ / "dump.rdb";
  std::filesystem::create_symlink(loop, loop);
  const auto looping = FindUnreadable(snapshots_, kSnapshot);
  ASSERT_TRUE(looping);
  EXPECT_NE(looping->told.find(loop.string()), std::string::npos) << looping->told;
  EXPECT_TRUE(looping->for_rights) << "no restart finds it mended";
  EXPECT_FALSE(FindUnreadable(append_only_, kAof)) << "the append-only file is loaded in its place";
  EXPECT_TRUE(FindUnreadable(append_only_, kSnapshot)) << "it is converted";
  EXPECT_FALSE(FindUnreadable(memory_only_, kNothing)) << "it is never loaded";
  const auto dir = path_ / "loop";
  std::filesystem::create_directory_symlink(dir, dir);
  EXPECT_TRUE(FindUnreadable({.dir = dir.string()}, kNothing));
  // Only root can become somebody else, and only somebody else lacks a right.
  if (geteuid() == 0) {
    ASSERT_EQ(seteuid(65534), 0);
    const auto why = FindUnreadable({.dir = path_.string()}, kNothing);
    ASSERT_EQ(seteuid(0), 0);
    ASSERT_TRUE(why);
    EXPECT_NE(why->told.find(path_.string() + ": Permission denied"), std::string::npos) << why->told;
    EXPECT_NE(why->told.find("id 65534"), std::string::npos) << "whose right is missing";
    EXPECT_TRUE(why->for_rights);
  }
  WriteFile(path_ / "file", "");
  const auto file = FindUnreadable({.dir = (path_ / "file").string()}, kNothing);
  ASSERT_TRUE(file) << "a file in place of a directory";
  EXPECT_TRUE(file->for_rights);
}

TEST_F(DatasetTest, AChangedFileIsAnotherOne) {
  constexpr auto kSnapshot = LoadPlan::Loads::kSnapshot;
  const auto identify = [this] { return IdentifyFiles(snapshots_, kSnapshot); };
  EXPECT_EQ(identify(), 0);
  const auto file = WriteFile(path_ / "dump.rdb", kNames + kOneKey);
  const auto before = identify();
  EXPECT_GT(before, 0);
  EXPECT_EQ(identify(), before);
  const auto written = std::filesystem::last_write_time(file);
  // As at every start of an image that gives its volume to its user.
  std::filesystem::permissions(file, std::filesystem::perms::owner_read);
  std::filesystem::permissions(file, std::filesystem::perms::owner_all);
  EXPECT_EQ(identify(), before) << "only its rights have changed";
  std::filesystem::last_write_time(file, written + std::chrono::hours(1));
  EXPECT_NE(identify(), before) << "it was written to";
  std::filesystem::last_write_time(file, written);
  EXPECT_EQ(identify(), before);
  // An older copy is put in its place, with its times.
  const auto copy = path_ / "copy";
  std::filesystem::copy_file(file, copy);
  std::filesystem::last_write_time(copy, written);
  std::filesystem::rename(copy, file);
  EXPECT_NE(identify(), before);
}

TEST_F(DatasetTest, OnlyTheFileThatIsLoadedCounts) {
  WriteFile(path_ / "dump.rdb", kNames + kOneKey);
  EXPECT_EQ(FindDataset(append_only_, {}).replication_id, kId) << "it is converted";
  EXPECT_TRUE(FindDataset(memory_only_, {}).empty());
  WriteAof(kNames + kEnd, "");
  EXPECT_EQ(FindDataset(append_only_, {}).replication_id, kId) << "a fresh append-only file hides nothing";
  WriteAof(kNames + kEnd, "*1\r\n");
  EXPECT_EQ(FindDataset(append_only_, {.replication_id = "n"}).replication_id, "n");
  EXPECT_EQ(FindDataset(snapshots_, {.replication_id = "n"}).replication_id, kId);
  EXPECT_EQ(FindDataset(snapshots_, {.replication_id = "n", .aof_file = "x"}).replication_id, "n");
  std::filesystem::remove_all(aof_dir_);
  WriteFile(path_ / "appendonly.aof", "");
  EXPECT_EQ(FindDataset(append_only_, {}).replication_id, kId);
  WriteFile(path_ / "appendonly.aof", "*1\r\n");
  EXPECT_EQ(FindDataset(append_only_, {}).bytes, 4U) << "the single file of Redis 6";
}

TEST_F(DatasetTest, WhatTheFilesSayDecidesWhatIsLoaded) {
  EXPECT_FALSE(FindFiles(append_only_).snapshot.has_data);
  WriteFile(path_ / "dump.rdb", kNames + kOneKey);
  EXPECT_TRUE(FindFiles(append_only_).snapshot.has_data);
  EXPECT_EQ(FindFiles(append_only_).snapshot.written_at, 0x12345678);
  EXPECT_FALSE(FindFiles(append_only_).append_only_was_used);
  WriteAof(kNames + kEnd, "");
  EXPECT_FALSE(FindFiles(append_only_).append_only_was_used) << "as a fresh server leaves it";
  WriteFile(aof_dir_ / "appendonly.aof.2.base.rdb", kNames + kEnd);
  WriteFile(aof_dir_ / "appendonly.aof.manifest", "file appendonly.aof.2.base.rdb seq 2 type b\n");
  EXPECT_TRUE(FindFiles(append_only_).append_only_was_used);
  EXPECT_FALSE(FindFiles(append_only_).append_only.has_data);
}

TEST_F(DatasetTest, SaveLinesAddUpAndAnEmptyOneTakesAllBack) {
  struct Row {
    const char* lines;
    bool snapshots;
  };
  for (const auto& [lines, snapshots] : std::initializer_list<Row>{
           {"port 1\n", true},
           {"save 100 1\nsave 200 2\n", true},
           {"save \"\"\n", false},
           {"SAVE ''\n", false},
           {"save 100 1\nsave \"\"\n", false},
           {"save \"\"\nsave 100 1\n", true},
           {"# save \"\"\n", true},
       }) {
    const auto conf = WriteFile(path_ / "save.conf", lines);
    EXPECT_EQ(FindDataFiles(conf, "/srv").snapshots, snapshots) << lines;
  }
}

using Loads = LoadPlan::Loads;

struct LoadRow {
  const char* name;
  DataFiles files;
  Note note;
  FilesFound found;
  Loads loads;
  const char* remark = "";
  const char* refusal = "";
  const char* conf = "";
};

const DataFiles kAppendOnly{.dir = "/data", .append_only = true};
const DataFiles kSnapshots{.dir = "/data"};
const DataFiles kMemory{.dir = "/data", .snapshots = false};
const Note kNoNote{};
const Note kAofInUse{.replication_id = kId, .aof_file = "appendonly.aof.1.incr.aof"};
const Note kNoAofInUse{.replication_id = kId};
const FilesFound::File kNone{};
const FilesFound::File kOld{true, 100};
const FilesFound::File kNew{true, 200};

TEST(PlanLoadTest, TheFileWithTheDataIsLoaded) {
  for (const auto& row : std::initializer_list<LoadRow>{
           {"nothing, append-only", kAppendOnly, kNoNote, {}, Loads::kAppendOnly},
           {"nothing, snapshots", kSnapshots, kNoNote, {}, Loads::kSnapshot},
           {"as always, append-only", kAppendOnly, kAofInUse, {kOld, kNew}, Loads::kAppendOnly},
           {"as always, a snapshot of idle data is newer",
            kAppendOnly,
            kAofInUse,
            {kNew, kOld},
            Loads::kAppendOnly},
           {"as always, snapshots", kSnapshots, kNoAofInUse, {kNew, kNone}, Loads::kSnapshot},
           {"A6: switched to append-only",
            kAppendOnly,
            kNoAofInUse,
            {kNew, kNone},
            Loads::kSnapshot,
            "there are no data in /data/appendonlydir",
            "",
            "appendonly no\n"},
           {"the same without a note",
            kAppendOnly,
            kNoNote,
            {kNew, kNone},
            Loads::kSnapshot,
            "loading /data/dump.rdb",
            "",
            "appendonly no\n"},
           {"the append-only file was deleted",
            kAppendOnly,
            kAofInUse,
            {kNew, kNone},
            Loads::kSnapshot,
            "loading /data/dump.rdb",
            "",
            "appendonly no\n"},
           {"flushed and written anew",
            kAppendOnly,
            kAofInUse,
            {kNew, kNone, true},
            Loads::kAppendOnly,
            "ignoring /data/dump.rdb"},
           {"the same, nobody knows",
            kAppendOnly,
            kNoAofInUse,
            {kNew, kNone, true},
            Loads::kAppendOnly,
            "",
            "move /data/appendonlydir away"},
           {"switched to and fro: the append-only file is outdated",
            kAppendOnly,
            kNoAofInUse,
            {kNew, kOld},
            Loads::kSnapshot,
            "the data are older in /data/appendonlydir",
            "",
            "appendonly no\n"},
           {"a conversion ended after the last note",
            kAppendOnly,
            kNoAofInUse,
            {kOld, kNew},
            Loads::kAppendOnly},
           {"both, without a note: as Redis says", kAppendOnly, kNoNote, {kNew, kOld}, Loads::kAppendOnly},
           {"switched to snapshots",
            kSnapshots,
            kAofInUse,
            {kOld, kNew},
            Loads::kAppendOnly,
            "appendonly is no, and the append-only file in /data/appendonlydir was in use last",
            "",
            "appendonly yes\n"},
           {"the same without a snapshot",
            kSnapshots,
            kAofInUse,
            {kNone, kNew},
            Loads::kAppendOnly,
            "was in use last",
            "",
            "appendonly yes\n"},
           {"the same, flushed and written anew",
            kSnapshots,
            kAofInUse,
            {kOld, kNone, true},
            Loads::kAppendOnly,
            "was in use last",
            "",
            "appendonly yes\n"},
           {"the append-only file is outdated", kSnapshots, kNoAofInUse, {kOld, kNew}, Loads::kSnapshot},
           {"an older append-only file, without a note", kSnapshots, kNoNote, {kNew, kOld}, Loads::kSnapshot},
           {"a newer append-only file, without a note",
            kSnapshots,
            kNoNote,
            {kOld, kNew},
            Loads::kSnapshot,
            "",
            "set appendonly yes"},
           {"an append-only file alone, without a note",
            kSnapshots,
            kNoNote,
            {kNone, kNew},
            Loads::kSnapshot,
            "",
            "set appendonly yes"},
           {"A7: memory only",
            kMemory,
            kNoAofInUse,
            {},
            Loads::kNothing,
            "",
            "",
            "dbfilename redis-zk.copy.rdb\n"},
           {"memory only, a snapshot from before",
            kMemory,
            kNoAofInUse,
            {kNew, kNone},
            Loads::kNothing,
            "ignoring the data in /data/dump.rdb",
            "",
            "dbfilename redis-zk.copy.rdb\n"},
           {"memory only, an append-only file from before",
            kMemory,
            kAofInUse,
            {kNone, kNew},
            Loads::kNothing,
            "ignoring the data in /data/appendonlydir",
            "",
            "dbfilename redis-zk.copy.rdb\n"},
       }) {
    const LoadPlan plan = PlanLoad(row.files, row.note, row.found);
    EXPECT_EQ(plan.loads, row.loads) << row.name;
    EXPECT_EQ(plan.remark.empty(), *row.remark == '\0') << row.name << ": " << plan.remark;
    EXPECT_NE(plan.remark.find(row.remark), std::string::npos) << row.name << ": " << plan.remark;
    EXPECT_EQ(plan.refusal.empty(), *row.refusal == '\0') << row.name << ": " << plan.refusal;
    EXPECT_NE(plan.refusal.find(row.refusal), std::string::npos) << row.name << ": " << plan.refusal;
    if (!plan.refusal.empty()) continue;
    EXPECT_EQ(RenderLoading(row.files, plan), row.conf) << row.name;
  }
}

TEST(ConversionTest, TheOldFileStaysInForceUntilTheNewOneIsComplete) {
  using Order = Conversion::Order;
  struct Step {
    const char* name;
    Duration at;
    redis::ServerInfo own;
    Order order;
    bool pending = true;
  };
  const redis::ServerInfo off{.last_save = 10};
  const redis::ServerInfo on{.append_only = true, .last_save = 10};
  const auto changed = [](redis::ServerInfo own, auto change) {
    change(own);
    return own;
  };
  const auto rewriting = changed(on, [](auto& own) { own.rewriting_aof = true; });
  const auto failed = changed(on, [](auto& own) { own.aof_rewrite_failed = true; });
  const auto saving = changed(on, [](auto& own) { own.saving = true; });
  const auto not_saved = changed(on, [](auto& own) { own.save_failed = true; });
  const auto saved = changed(on, [](auto& own) { own.last_save = 12; });
  struct Story {
    Conversion::To to;
    std::vector<Step> steps;
  };
  for (const auto& [to, steps] : std::initializer_list<Story>{
           {Conversion::To::kNothing, {{"nothing to do", 0s, on, Order::kNone, false}}},
           {Conversion::To::kAppendOnly,
            {{"off", 0s, off, Order::kAppendOnlyOn},
             {"refused", 1s, off, Order::kNone},
             {"asked again", 5s, off, Order::kAppendOnlyOn},
             {"on, being written", 6s, rewriting, Order::kNone},
             {"failed; Redis tries again", 7s, failed, Order::kNone},
             {"being written", 8s, rewriting, Order::kNone},
             {"complete", 9s, on, Order::kNone, false}}},
           {Conversion::To::kSnapshots,
            {{"not saved", 0s, on, Order::kSave},
             {"being saved", 1s, saving, Order::kNone},
             {"failed", 2s, not_saved, Order::kNone},
             {"asked again", 5s, not_saved, Order::kSave},
             {"being saved", 6s, saving, Order::kNone},
             {"saved", 7s, saved, Order::kAppendOnlyOff},
             {"refused", 8s, saved, Order::kAppendOnlyOff},
             {"off", 9s, off, Order::kNone, false}}},
       }) {
    Conversion conversion(to);
    for (const auto& step : steps) {
      EXPECT_EQ(conversion.Next(step.own, TimePoint{} + 1h + step.at), step.order) << step.name;
      EXPECT_EQ(conversion.pending(), step.pending) << step.name;
    }
  }
}

TEST_F(DatasetTest, TheNoteIsReadAsItWasWritten) {
  EXPECT_EQ(ReadNote(snapshots_), Note{});
  const Note note{"n", kId, "before", "master's", 9'000'000'000, "file", 77};
  ASSERT_TRUE(WriteNote(snapshots_, note));
  EXPECT_EQ(ReadNote(snapshots_), note);
  for (const char* garbage : {"", "{", "[]", "null", R"({"node":7,"offset":"x","aof_bytes":-1})"}) {
    WriteFile(path_ / "redis-zk.json", garbage);
    EXPECT_EQ(ReadNote(snapshots_), Note{}) << garbage;
  }
  EXPECT_FALSE(WriteNote({.dir = "/nowhere"}, note));
}

TEST_F(DatasetTest, SettingsAreReadAsRedisReadsThem) {
  WriteFile(path_ / "more-1.conf", "APPENDONLY yes\nappenddirname \"aof\"\n");
  WriteFile(path_ / "more-2.conf", "dbfilename 'my.rdb'\nappendfilename my.aof\n");
  const auto conf =
      WriteFile(path_ / "redis.conf", "# dir /commented\ndir /data\nappendonly no\ninclude " +
                                          path_.string() + "/more-*.conf\ninclude /not/*/there\n");
  EXPECT_EQ(FindDataFiles(conf, "/srv"), (DataFiles{"/data", "my.rdb", true, "aof", "my.aof"}));
  EXPECT_EQ(FindDataFiles("/not/there", "/srv"), (DataFiles{.dir = "/srv"}));
  WriteFile(path_ / "relative.conf", "dir ./data\n");
  EXPECT_EQ(FindDataFiles((path_ / "relative.conf").string(), "/srv").dir, "/srv/data");
  std::filesystem::create_directories(path_ / "my data");
  WriteFile(path_ / "my data" / "here.conf", "dbfilename here.rdb\ndir sub\n");
  const auto quoted =
      WriteFile(path_ / "quoted.conf",
                "dir \"" + path_.string() + "/my data\"\ninclude here.conf\nappenddirname \"a\\x20b\"\n");
  EXPECT_EQ(FindDataFiles(quoted, "/srv"),
            (DataFiles{.dir = path_.string() + "/my data/sub", .rdb = "here.rdb", .aof_dir = "a b"}));
  std::filesystem::create_directories(path_ / "real" / "sub");
  std::filesystem::create_directory_symlink(path_ / "real" / "sub", path_ / "link");
  const auto linked = WriteFile(path_ / "linked.conf", "dir " + path_.string() + "/link/../data\n");
  EXPECT_EQ(FindDataFiles(linked, "/srv").dir, path_.string() + "/real/data");
  WriteFile(path_ / "from-here.conf", "appendonly yes\n");
  const auto beside = WriteFile(path_ / "beside.conf", "include from-here.conf\n");
  EXPECT_TRUE(FindDataFiles(beside, path_.string()).append_only);
}

TEST_F(DatasetTest, ThePriorityIsTheLastOneUnderEitherName) {
  struct Row {
    const char* text;
    std::int64_t priority;
  };
  WriteFile(path_ / "more.conf", "replica-priority 7\n");
  for (const auto& [text, priority] :
       std::initializer_list<Row>{{"", 100},
                                  {"replica-priority 0\n", 0},
                                  {"slave-priority 5\n", 5},
                                  {"replica-priority 5\nSLAVE-PRIORITY 6\n", 6},
                                  {"slave-priority 5\nReplica-Priority \"6\"\n", 6},
                                  {"replica-priority 5\ninclude more.conf\n", 7},
                                  {"include more.conf\nreplica-priority 5\n", 5},
                                  {"# replica-priority 5\n", 100}}) {
    const auto conf = WriteFile(path_ / "redis.conf", text);
    EXPECT_EQ(FindReplicaPriority(redis::ReadConf(conf, path_.string()).value()), priority) << text;
  }
}

}  // namespace
}  // namespace redis_zk::testing::dataset_test
