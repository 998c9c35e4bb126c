#include "net/lookup.h"

#include <fmt/core.h>
#include <netdb.h>
#include <resolv.h>
#include <sys/socket.h>

#include <array>
#include <memory>

namespace redis_zk {

Result<std::vector<std::string>> LookUp(const std::string& host) {
  // This thread's resolver gives up after about two seconds a server instead of ten.
  res_init();
  _res.retrans = 1;
  _res.retry = 2;
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* raw = nullptr;
  const int code = getaddrinfo(host.c_str(), nullptr, &hints, &raw);
  if (code != 0) return Fail(ErrorKind::kUnavailable, fmt::format("{}: {}", host, gai_strerror(code)));
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> list(raw, &freeaddrinfo);
  std::vector<std::string> addresses;
  for (const addrinfo* entry = list.get(); entry != nullptr; entry = entry->ai_next) {
    std::array<char, NI_MAXHOST> address{};
    if (getnameinfo(entry->ai_addr, entry->ai_addrlen, address.data(), address.size(), nullptr, 0,
                    NI_NUMERICHOST) == 0) {
      addresses.emplace_back(address.data());
    }
  }
  if (addresses.empty()) return Fail(ErrorKind::kUnavailable, fmt::format("{}: has no address", host));
  return addresses;
}

}  // namespace redis_zk
