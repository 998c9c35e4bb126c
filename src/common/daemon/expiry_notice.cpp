#include "daemon/expiry_notice.h"

#include <fmt/core.h>

#include <array>
#include <cstddef>
#include <ctime>
#include <optional>
#include <utility>

#include "base/file.h"
#include "base/log.h"
#include "base/printable.h"
#include "net/certificate_dates.h"

namespace redis_zk::daemon {

namespace {

constexpr Duration kTellEvery = 24h;
constexpr std::int64_t kHour = std::chrono::milliseconds(1h).count();
constexpr std::int64_t kDay = 24 * kHour;

std::string InDays(std::int64_t milliseconds) {
  const bool days = milliseconds >= 2 * kDay;
  const std::int64_t count = milliseconds / (days ? kDay : kHour);
  return fmt::format("{} {}{}", count, days ? "day" : "hour", count == 1 ? "" : "s");
}

std::string AsDate(std::int64_t unix_time) {
  const std::time_t seconds = unix_time / 1000;
  std::tm date{};
  std::array<char, 64> text{};
  gmtime_r(&seconds, &date);
  return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &date)};
}

}  // namespace

Validity Judge(std::int64_t expires, std::int64_t unix_now) {
  if (expires <= unix_now) return Validity::kExpired;
  return expires - unix_now < kTellBefore.count() ? Validity::kEndsSoon : Validity::kGood;
}

std::string DescribeDistance(std::int64_t expires, std::int64_t unix_now) {
  return expires > unix_now ? "in " + InDays(expires - unix_now) : InDays(unix_now - expires) + " ago";
}

ExpiryNotice::ExpiryNotice(std::vector<std::string> paths, std::string authorities)
    : paths_(std::move(paths)), authorities_(std::move(authorities)) {
  Read();
}

void ExpiryNotice::Read() {
  files_.clear();
  told_.clear();
  for (const auto& path : paths_) {
    if (path.empty()) continue;
    // A file that went away since it was loaded is missed when it is loaded again.
    const auto which = path == authorities_ ? WhichExpiry::kLast : WhichExpiry::kFirst;
    const auto text = ReadTextFile(path);
    const auto found = text ? FindExpiry(*text, which) : std::nullopt;
    if (!found) continue;
    files_.push_back({.path = path, .expires = found->at});
    told_.push_back({.subject = found->subject});
  }
}

void ExpiryNotice::Look(TimePoint now, std::int64_t unix_now) {
  for (std::size_t i = 0; i < files_.size(); ++i) {
    const auto& file = files_[i];
    auto& [subject, told, tell_again_at] = told_[i];
    const Validity validity = Judge(file.expires, unix_now);
    if (validity == Validity::kGood || (validity == told && now < tell_again_at)) continue;
    told = validity;
    tell_again_at = now + kTellEvery;
    const std::string path = Printable(file.path);
    const std::string distance = DescribeDistance(file.expires, unix_now);
    const std::string end = AsDate(file.expires);
    if (validity == Validity::kExpired) {
      log::Error(
          {.event = "certificate-expired", .more = {{"file", path}, {"expires", end}}},
          "the certificate {} in {} expired {}: new connections that rely on it are rejected; write the "
          "next one into the file, which is loaded within seconds",
          subject, path, distance);
    } else {
      log::Warn(
          {.event = "certificate-expires", .more = {{"file", path}, {"expires", end}}},
          "the certificate {} in {} expires {}; write the next one into the file, which is loaded within "
          "seconds",
          subject, path, distance);
    }
  }
}

}  // namespace redis_zk::daemon
