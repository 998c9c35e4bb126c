#include "net/resolver.h"

#include <fmt/core.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <utility>

namespace redis_zk {

namespace {

std::string ToConnectTo(const std::vector<std::string>& addresses) {
  const auto is_ipv4 = [](const std::string& address) { return address.find(':') == std::string::npos; };
  const auto found = std::find_if(addresses.begin(), addresses.end(), is_ipv4);
  return found == addresses.end() ? addresses.front() : *found;
}

Error LookUpFailure(const std::string& host, std::string_view why) {
  return {ErrorKind::kUnavailable, fmt::format("{}: {}", host, why)};
}

}  // namespace

Resolver::News::News() : fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

Resolver::News::~News() {
  if (fd_ >= 0) close(fd_);
}

void Resolver::News::Tell() const {
  told_at_ = Clock::now().time_since_epoch().count();
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(fd_, &one, sizeof one);
}

Resolver::Resolver(Ask ask) : ask_(std::move(ask)) {}

Resolver::~Resolver() = default;

Resolver::Found Resolver::Find(const std::string& host) {
  const std::lock_guard lock(mutex_);
  const TimePoint now = Clock::now();
  Name& name = names_[host];
  name.used_at = now;
  Collect(name, now);
  const auto age = now - name.found_at;
  if (name.address && age < kFreshFor) return {.address = *name.address};
  const bool failed_lately = name.failure && now - name.failed_at < kFailedFor;
  if (!name.asking && !failed_lately) Begin(host, name, now);
  if (name.address && age < kServesFor) return {.address = *name.address};
  if (name.asking && now - name.asked_at < kLongestLookUp) return {.address = {}, .news = name.news};
  if (name.asking) return {.address = tl::unexpected(LookUpFailure(host, "no name server answers"))};
  return {.address = tl::unexpected(*name.failure)};
}

void Resolver::Collect(Name& name, TimePoint now) {
  if (!name.asking) return;
  auto found = name.asking->Take();
  if (!found) return;
  name.asking.reset();
  const auto news = std::exchange(name.news, nullptr);
  if (*found) {
    name.address = ToConnectTo(**found);
    // Nobody may have asked since it came.
    name.found_at = news->told_at().value_or(now);
    name.failure.reset();
  } else {
    name.failure = found->error();
    name.failed_at = now;
  }
}

void Resolver::Begin(const std::string& host, Name& name, TimePoint now) {
  const auto fail = [&](std::string_view why) {
    name.failure = LookUpFailure(host, why);
    name.failed_at = now;
  };
  if (!HasRoom(now)) return fail("too many look-ups of host names hang");
  const auto news = std::make_shared<const News>();
  if (news->fd() < 0) return fail(std::strerror(errno));
  auto begun = Inquiry<Addresses>::Begin([ask = ask_, host] { return ask(host); }, [news] { news->Tell(); });
  if (!begun) return fail("cannot start a thread to look it up: " + begun.error().message);
  name.asking = std::move(*begun);
  name.asked_at = now;
  name.news = news;
}

bool Resolver::HasRoom(TimePoint now) {
  std::size_t under_way = 0;
  for (auto next = names_.begin(); next != names_.end();) {
    Name& name = next->second;
    Collect(name, now);
    under_way += name.asking ? 1 : 0;
    const bool forgotten = !name.asking && now - name.used_at >= kServesFor;
    next = forgotten ? names_.erase(next) : std::next(next);
  }
  return under_way < kMostLookUps;
}

}  // namespace redis_zk
