#include "redis-wrapper/failed_save.h"

#include <fmt/core.h>

#include <cstdint>
#include <filesystem>
#include <system_error>

#include "base/random_id.h"

namespace redis_zk::redis_wrapper {

namespace {

// Each attempt costs a fork, and on a disk that has too little room the rest of that.
constexpr Duration kFirst = 2s;
constexpr Duration kMost = 60s;

// Less is none: not even an empty snapshot and the file systems' own blocks fit in.
constexpr std::uintmax_t kRoom = 64 << 10;

bool HasRoom(const std::string& directory) {
  std::error_code failed;
  const auto space = std::filesystem::space(directory, failed);
  return failed || space.available >= kRoom;
}

// "MISCONF Redis is configured to save RDB snapshots, but ..."; that of an append-only file ends by itself.
bool RejectsForSnapshot(redis::KeptServer& server) {
  const auto answer = server.Ask({{"PING"}});
  return answer && answer->front().is_error() && answer->front().text.starts_with("MISCONF") &&
         answer->front().text.find("RDB") != std::string::npos;
}

}  // namespace

FailedSave::FailedSave() : backoff_(kFirst, kMost, RandomFraction) {}

bool FailedSave::Next(const redis::ServerInfo& own, const View& view, TimePoint now) {
  if (!view.rejects) {
    backoff_.Reset();
    order_again_at_ = {};
    return false;
  }
  if (own.saving || own.rewriting_aof || !view.has_room || now < order_again_at_) return false;
  order_again_at_ = now + backoff_.Next();
  return true;
}

void FailedSave::Check(const redis::ServerInfo& own, redis::KeptServer& server,
                       const std::string& directory) {
  const View view{.rejects = own.save_failed && RejectsForSnapshot(server), .has_room = HasRoom(directory)};
  const bool orders = Next(own, view, Clock::now());
  if (!view.rejects) {
    if (wait_ && !own.save_failed)
      log::Info({.event = "snapshot-written"},
                "redis-server has written a snapshot to {} and takes writes again", directory);
    wait_.reset();
    log_problem_.Reset();
    return;
  }
  wait_ = {
      .name = "failed-save",
      .sentence = fmt::format(
          "redis-server rejects writes and Sentinel's PING, since its last snapshot in {} failed; retrying "
          "until one succeeds; its own lines say why it fails",
          directory),
      .failing = true};
  if (!orders) return;
  if (const auto done = server.Order({"BGSAVE"}); !done) {
    log_problem_(log::Severity::kWarn, {.event = "snapshot-refused"},
                 "redis-server cannot begin a snapshot, retrying: " + done.error().message +
                     "; its own lines say why");
    return;
  }
  log_problem_.Reset();
  log::Info({.event = "snapshot-ordered"},
            "ordered a snapshot, since the last one failed and redis-server "
            "rejects writes until one succeeds");
}

}  // namespace redis_zk::redis_wrapper
