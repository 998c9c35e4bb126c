#include "daemon/begin.h"

#include <string>

#include "base/log.h"
#include "daemon/exposure.h"
#include "daemon/leftovers.h"
#include "os/core_dumps.h"
#include "os/descriptors.h"

namespace redis_zk::daemon {

void PrepareProcess() {
  os::OpenStandardStreams();
  os::ForbidCoreDumps();
}

void BeginWrapper(std::string_view daemon, const CommonOptions& common, const ServerOptions& server) {
  InitLog(std::string(daemon), common.log_format, common.log_level);
  SetLogContext(common.master_name, server.announce.ToAddress());
  WarnOfSecretFiles(common);
  RemoveLeftovers(server);
  WarnIfOpen(common, server, daemon);
}

}  // namespace redis_zk::daemon
