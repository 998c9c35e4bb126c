// Has redis-server load the certificates that have been loaded anew; it goes on serving.
//
// Loop thread only.
#pragma once

#include <string>

#include "base/log.h"
#include "daemon/certificates.h"
#include "redis/servers.h"

namespace redis_zk::redis_wrapper {

class ServerCertificates {
 public:
  // `path`: the file of REDIS_TLS_CERT_FILE. The references must outlive this.
  ServerCertificates(const daemon::Certificates& certificates, std::string path,
                     redis::KeptServer& own_server);

  // Tells it, until it has taken them.
  void Check();

 private:
  const daemon::Certificates& certificates_;
  const std::string path_;
  redis::KeptServer& own_server_;
  int told_ = 0;  // the generation
  LogOnChange log_problem_;
};

}  // namespace redis_zk::redis_wrapper
