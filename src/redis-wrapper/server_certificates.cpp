#include "redis-wrapper/server_certificates.h"

#include <utility>

namespace redis_zk::redis_wrapper {

ServerCertificates::ServerCertificates(const daemon::Certificates& certificates, std::string path,
                                       redis::KeptServer& own_server)
    : certificates_(certificates), path_(std::move(path)), own_server_(own_server) {}

void ServerCertificates::Check() {
  const int loads = certificates_.loads();
  if (told_ == loads) return;
  // Whichever of its files is set, and be it to the same path, it loads all of them.
  if (const auto taken = own_server_.Order({"CONFIG", "SET", "tls-cert-file", path_}); !taken) {
    log_problem_(log::Severity::kError, {.event = "server-certificates-rejected"},
                 "redis-server keeps its old certificates, retrying: " + taken.error().message +
                     "; if this stays, restart this node");
    return;
  }
  told_ = loads;
  log_problem_.Reset();
  log::Info({.event = "server-certificates-reloaded"}, "redis-server has loaded the certificates");
}

}  // namespace redis_zk::redis_wrapper
