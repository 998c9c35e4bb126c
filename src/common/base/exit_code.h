// How the daemons end. After sysexits.h where a name there fits; a scheduler's operator may rely on these.
#pragma once

namespace redis_zk {

enum ExitCode : int {
  kExitStopped = 0,          // asked to stop, and stopped
  kExitUsage = 64,           // wrong command line
  kExitUnavailable = 69,     // ZooKeeper or Sentinel unreachable in time
  kExitTryAgain = 75,        // no master in time; worth a restart
  kExitConfig = 78,          // wrong configuration: environment, file, address, port
  kExitNotExecutable = 126,  // the server's binary is there but cannot be run
  kExitNotFound = 127,       // the server's binary is not there
  kExitSignalBase = 128,     // + n: the server was killed by signal n
};

}  // namespace redis_zk
