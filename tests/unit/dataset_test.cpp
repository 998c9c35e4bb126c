#include "redis-wrapper/dataset.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <initializer_list>
#include <string>

#include "redis-wrapper/redis_conf.h"
#include "unit/files.h"

namespace redis_zk::testing {
namespace {

using redis_wrapper::DataFiles;
using redis_wrapper::FindDataFiles;
using redis_wrapper::FindDataset;
using redis_wrapper::FindReplicaPriority;
using redis_wrapper::Note;
using redis_wrapper::ParseRdbHeader;
using redis_wrapper::ReadNote;
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

TEST_F(DatasetTest, OnlyTheFileThatRedisWouldLoadCounts) {
  WriteFile(path_ / "dump.rdb", kNames + kOneKey);
  EXPECT_TRUE(FindDataset(append_only_, {}).empty()) << "Redis does not load a snapshot then";
  WriteFile(path_ / "appendonly.aof", "*1\r\n");
  EXPECT_EQ(FindDataset(append_only_, {}).bytes, 4U) << "the single file of Redis 6";
}

TEST_F(DatasetTest, TheNoteIsReadAsItWasWritten) {
  EXPECT_EQ(ReadNote(snapshots_), Note{});
  const Note note{"n", kId, "before", 9'000'000'000, "file", 77};
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
                                          path_.string() + "/more-*.conf\ninclude /not/there\n");
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
  const auto endless =
      WriteFile(path_ / "endless.conf", "include " + path_.string() + "/endless.conf\ndir /end\n");
  EXPECT_EQ(FindDataFiles(endless, "/srv").dir, "/end");
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
    EXPECT_EQ(FindReplicaPriority(redis_wrapper::ReadRedisConf(conf, path_.string())), priority) << text;
  }
}

}  // namespace
}  // namespace redis_zk::testing
