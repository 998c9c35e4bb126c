#include "zookeeper/resolution.h"

#include <fmt/core.h>
#include <netdb.h>
#include <resolv.h>
#include <sys/socket.h>

#include <array>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

namespace redis_zk::zookeeper {

namespace {

// Adds what the name stands for; the error says why it stands for nothing.
Status AddAddressesOf(const Endpoint& server, std::vector<std::string>& addresses) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* raw = nullptr;
  const int code = getaddrinfo(server.host.c_str(), nullptr, &hints, &raw);
  if (code != 0) return Fail(ErrorKind::kUnavailable, fmt::format("{}: {}", server.host, gai_strerror(code)));
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> list(raw, &freeaddrinfo);
  for (const addrinfo* entry = list.get(); entry != nullptr; entry = entry->ai_next) {
    std::array<char, NI_MAXHOST> host{};
    if (getnameinfo(entry->ai_addr, entry->ai_addrlen, host.data(), host.size(), nullptr, 0,
                    NI_NUMERICHOST) != 0) {
      continue;
    }
    // The client splits at the last colon and takes no brackets.
    addresses.push_back(fmt::format("{}:{}", host.data(), server.port));
  }
  return {};
}

}  // namespace

Result<std::vector<std::string>> ResolveNow(const std::vector<Endpoint>& servers) {
  // This thread's resolver gives up after about two seconds a server instead of ten.
  res_init();
  _res.retrans = 1;
  _res.retry = 2;
  std::vector<std::string> addresses;
  std::string failures;
  for (const auto& server : servers) {
    if (const auto added = AddAddressesOf(server, addresses); !added)
      failures += (failures.empty() ? "" : ", ") + added.error().message;
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
