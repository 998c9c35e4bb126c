#include "zookeeper/resolution.h"

#include <fmt/core.h>

#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "net/lookup.h"

namespace redis_zk::zookeeper {

Result<std::vector<std::string>> ResolveNow(const std::vector<Endpoint>& servers) {
  std::vector<std::string> addresses;
  std::string failures;
  for (const auto& server : servers) {
    const auto found = LookUp(server.host);
    if (!found) {
      failures += (failures.empty() ? "" : ", ") + found.error().message;
      continue;
    }
    // The client splits at the last colon and takes no brackets.
    for (const auto& address : *found) addresses.push_back(fmt::format("{}:{}", address, server.port));
  }
  if (addresses.empty())
    return Fail(ErrorKind::kUnavailable, "no ZooKeeper host resolves (" + failures + ")");
  return addresses;
}

// Outlives the owner for as long as the look-up takes.
struct Resolution::Shared {
  std::mutex mutex;
  bool abandoned = false;
  std::optional<Addresses> addresses;  // nothing: not yet
};

Result<std::unique_ptr<Resolution>> Resolution::Begin(std::vector<Endpoint> servers,
                                                      std::function<void()> on_done) {
  auto shared = std::make_shared<Shared>();
  try {
    std::thread([shared, servers = std::move(servers), on_done = std::move(on_done)] {
      auto resolved = ResolveNow(servers);
      const std::lock_guard lock(shared->mutex);
      if (shared->abandoned) return;
      shared->addresses = std::move(resolved);
      on_done();
    }).detach();
  } catch (const std::system_error& error) {
    return Fail(ErrorKind::kInternal, error.what());
  }
  return std::unique_ptr<Resolution>(new Resolution(std::move(shared)));
}

Resolution::Resolution(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}

Resolution::~Resolution() {
  const std::lock_guard lock(shared_->mutex);
  shared_->abandoned = true;
}

std::optional<Resolution::Addresses> Resolution::Take() {
  const std::lock_guard lock(shared_->mutex);
  return std::exchange(shared_->addresses, std::nullopt);
}

}  // namespace redis_zk::zookeeper
