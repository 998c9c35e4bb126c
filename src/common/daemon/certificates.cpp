#include "daemon/certificates.h"

#include <fmt/core.h>
#include <sys/stat.h>

#include <string>
#include <utility>

namespace redis_zk::daemon {

namespace {

constexpr Duration kLookEvery = 1s;

}  // namespace

Certificates::Certificates(TlsFiles files, std::shared_ptr<TlsSource> source)
    : files_(std::move(files)), source_(std::move(source)) {
  if (source_) loaded_ = seen_ = Stat();
}

Certificates::Stamps Certificates::Stat() const {
  Stamps stamps;
  std::size_t next = 0;
  for (const auto* const path : {&files_.ca, &files_.certificate, &files_.key}) {
    Stamp& stamp = stamps[next++];
    struct stat status {};
    if (!path->empty() && stat(path->c_str(), &status) == 0)
      stamp = {status.st_dev, status.st_ino, status.st_size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec};
  }
  return stamps;
}

void Certificates::Look(TimePoint now) {
  if (!source_ || now < look_at_) return;
  look_at_ = now + kLookEvery;
  const Stamps stamps = Stat();
  if (std::exchange(seen_, stamps) == stamps && stamps != loaded_) Load(stamps);
}

void Certificates::Reload() {
  if (!source_) return;
  log_problem_.Reset();
  Load(Stat());
}

void Certificates::Load(const Stamps& stamps) {
  auto context = TlsContext::Load(files_);
  if (!context) {
    log_problem_(
        log::Severity::kError, {.event = "certificates-rejected"},
        fmt::format("certificates not reloaded, those loaded before stay in use: {}; write files that "
                    "fit together, which are loaded within seconds",
                    context.error().message));
    return;
  }
  log_problem_.Reset();
  source_->Set(std::move(*context));
  if (std::exchange(loaded_, stamps) != stamps) ++generation_;
  ++loads_;
  log::Info({.event = "certificates-reloaded"}, "certificates reloaded from {}: new connections use them",
            files_.certificate.empty() ? files_.ca : files_.certificate);
}

}  // namespace redis_zk::daemon
