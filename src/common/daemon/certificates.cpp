#include "daemon/certificates.h"

#include <fmt/core.h>

#include <string>
#include <utility>

#include "base/unix_time.h"

namespace redis_zk::daemon {

Certificates::Certificates(TlsFiles files, std::shared_ptr<TlsSource> source)
    : files_(std::move(files)),
      source_(std::move(source)),
      watched_({files_.ca, files_.certificate, files_.key}),
      expiry_(source_ ? std::vector{files_.ca, files_.certificate} : std::vector<std::string>{}, files_.ca) {}

void Certificates::Look(TimePoint now) {
  if (source_ && watched_.HaveChanged(now)) Load();
  expiry_.Look(now, UnixTime());
}

void Certificates::Reload() {
  if (!source_) return;
  log_problem_.Reset();
  watched_.Look();
  Load();
}

void Certificates::Load() {
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
  if (watched_.NoteRead()) ++generation_;
  expiry_.Read();
  ++loads_;
  log::Info({.event = "certificates-reloaded"}, "certificates reloaded from {}: new connections use them",
            files_.certificate.empty() ? files_.ca : files_.certificate);
}

}  // namespace redis_zk::daemon
