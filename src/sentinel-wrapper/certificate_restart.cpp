#include "sentinel-wrapper/certificate_restart.h"

#include <string>

namespace redis_zk::sentinel_wrapper {

CertificateRestart::CertificateRestart(daemon::WrapperLoop& loop, const std::string& owner)
    : loop_(loop), lock_(loop.session(), loop.registry().sentinels.RestartLockPath(), owner) {}

void CertificateRestart::NoteLaunch() { launched_ = loop_.certificates().generation(); }

void CertificateRestart::NoteRegistered() {
  if (!IsWanted()) GiveUp();
}

void CertificateRestart::GiveUp() {
  if (lock_.node().empty()) return;
  if (const auto released = lock_.Release(); !released)
    log::Debug({.event = "zookeeper-request-failed"}, "{}", released.error().message);
}

bool CertificateRestart::IsDue() {
  if (!loop_.session().connected()) return false;
  auto held = lock_.Acquire();
  if (!held && held.error().kind == ErrorKind::kNotFound) {
    const auto made = loop_.session().EnsurePath(loop_.registry().sentinels.RestartLockPath());
    held = made ? lock_.Acquire() : tl::unexpected(made.error());
  }
  if (!held)
    log_problem_(log::Severity::kWarn, {.event = "restart-postponed"},
                 "cannot restart redis-sentinel for its certificates yet, retrying: " + held.error().message);
  return held && *held;
}

}  // namespace redis_zk::sentinel_wrapper
