#include "sentinel-wrapper/registration.h"

#include "store/record.h"

namespace redis_zk::sentinel_wrapper {

namespace {

// Also in the same session: an operator may have deleted it.
constexpr Duration kRegisterAgain = 10s;

}  // namespace

bool Registration::Keep(const std::string& uuid) {
  const std::int64_t session = loop_.session().id();
  const bool is_news = session_ != session;
  if (!is_news && Clock::now() < again_at_) return false;
  const store::Sentinel self{uuid, options_.server.announce};
  auto registered = loop_.registry().sentinels.Register(self);
  if (!registered && registered.error().kind == ErrorKind::kNotFound) {
    const auto made = loop_.registry().groups.Ensure(options_.common.master_name);
    registered = made ? loop_.registry().sentinels.Register(self) : made;
  }
  if (!registered) {
    log_failure_(log::Severity::kWarn, {.event = "registration-failed"},
                 "cannot register this Sentinel, retrying: " + registered.error().message);
    return false;
  }
  session_ = session;
  again_at_ = Clock::now() + kRegisterAgain;
  log_failure_.Reset();
  if (is_news) log::Info({.event = "registered"}, "registered as {}", uuid);
  return true;
}

void Registration::Remove(const std::string& uuid) {
  session_ = 0;
  if (!loop_.session().connected()) return;
  if (const auto gone = loop_.registry().sentinels.Unregister(uuid); !gone)
    log::Warn({.event = "unregister-failed"},
              "cannot remove the registration, which expires with the session: {}", gone.error().message);
}

}  // namespace redis_zk::sentinel_wrapper
