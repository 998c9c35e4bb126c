#include "redis/storage_trouble.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <optional>
#include <string_view>

namespace redis_zk::testing::storage_trouble_test {
namespace {

using redis::StorageTrouble;

TEST(StorageTroubleTest, HearsWhatServersSayOfFilesThatTheyCannotWrite) {
  struct Row {
    const char* name;
    std::string_view line;
    std::optional<std::string_view> why;
  };
  for (const auto& [name, line, why] : std::initializer_list<Row>{
           {"append-only file",
            "1:M 29 Nov 2026 09:56:12.193 # Error writing to the AOF file: No space left on device",
            "No space left on device"},
           {"append-only file, a part of it",
            "1:M 29 Nov 2026 09:56:12.193 # Short write while writing to the AOF file: (nwritten=3, "
            "expected=9)",
            "No space left on device"},
           {"copy of a master's data",
            "1:S 29 Nov 2026 09:56:12.193 # Write error or short write writing to the DB dump file needed "
            "for "
            "MASTER <-> REPLICA synchronization: No space left on device",
            "No space left on device"},
           {"snapshot, over the quota", "1:M # Error saving DB on disk: Disk quota exceeded",
            "Disk quota exceeded"},
           {"snapshot, read-only",
            "1:M # Failed opening the temp RDB file temp-7.rdb (in server root dir /data) for saving: "
            "Read-only "
            "file system",
            "Read-only file system"},
           {"broken disk", "1:M # Write error saving DB on disk(rdbSaveRio): Input/output error",
            "Input/output error"},
           {"the link of a replica, not its disk",
            "1:S # I/O error trying to sync with MASTER: connection lost", std::nullopt},
           {"the link of a replica while it copies",
            "1:S # I/O error reading bulk count from MASTER: Resource temporarily unavailable", std::nullopt},
           {"another failure", "1:M # Failed opening the temp RDB file: Permission denied", std::nullopt},
           {"nothing special", "1:M * Background saving terminated with success", std::nullopt},
           {"empty", "", std::nullopt}}) {
    StorageTrouble trouble;
    const TimePoint now = Clock::now();
    trouble.Hear(line, now);
    EXPECT_EQ(trouble.Find(now), why) << name;
  }
}

TEST(StorageTroubleTest, IsOverWhenNothingWasHeardForAMinute) {
  StorageTrouble trouble;
  const TimePoint start = Clock::now();
  EXPECT_EQ(trouble.Find(start), std::nullopt);
  trouble.Hear("No space left on device", start);
  EXPECT_TRUE(trouble.Find(start + 59s));
  trouble.Hear("Background saving started", start + 59s);
  EXPECT_EQ(trouble.Find(start + 60s), std::nullopt);
  trouble.Hear("Input/output error", start + 70s);
  EXPECT_EQ(trouble.Find(start + 71s), "Input/output error");
}

TEST(StorageTroubleTest, KnowsWhenACopyCouldNotBeStored) {
  StorageTrouble trouble;
  const TimePoint now = Clock::now();
  trouble.Hear("1:M # Error writing to the AOF file: No space left on device", now);
  EXPECT_EQ(trouble.copy_failed_at(), std::nullopt);
  trouble.Hear(
      "1:S # Write error or short write writing to the DB dump file needed for MASTER <-> REPLICA "
      "synchronization: No space left on device",
      now + 1s);
  EXPECT_EQ(trouble.copy_failed_at(), now + 1s);
}

}  // namespace
}  // namespace redis_zk::testing::storage_trouble_test
