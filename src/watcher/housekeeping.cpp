#include "watcher/housekeeping.h"

#include <utility>

#include "watcher/expiring.h"

namespace redis_zk::watcher {

namespace {

constexpr Duration kAtLeastEvery = 5s;

}  // namespace

bool Housekeeping::LookAtCertificates(const std::vector<store::Report>& wrappers, std::int64_t unix_now) {
  auto all = CertificatesOf(wrappers);
  for (const auto* own : {&certificates_, &http_certificates_}) {
    if (auto files = own->Expiries(); !files.empty())
      all.push_back({.daemon = "watcher", .endpoint = {}, .files = std::move(files)});
  }
  auto expiring = DescribeExpiring(all, unix_now);
  if (all == all_certificates_ && expiring == expiring_) return false;
  all_certificates_ = std::move(all);
  expiring_ = std::move(expiring);
  return true;
}

void Housekeeping::CleanUp(const RegistryView& view, const daemon::Pauses& pauses) {
  // A Sentinel that is registered and not known here would look like a stale entry of the others.
  const bool blind = view.closed_sentinels > 0;
  cleaner_.Step(view, [&](const std::string& group) { return blind || pauses.Find(group) != nullptr; });
  by_ = Clock::now() + kAtLeastEvery;
}

}  // namespace redis_zk::watcher
