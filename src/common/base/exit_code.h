// How the daemons end. After sysexits.h where a name there fits; a scheduler's operator may rely on these.
#pragma once

namespace redis_zk {

inline constexpr int kExitStopped = 0;          // asked to stop, and stopped
inline constexpr int kExitUsage = 64;           // wrong command line
inline constexpr int kExitUnavailable = 69;     // ZooKeeper or Sentinel unreachable in time
inline constexpr int kExitTryAgain = 75;        // no master in time; worth a restart
inline constexpr int kExitConfig = 78;          // wrong configuration: environment, file, address, port
inline constexpr int kExitNotExecutable = 126;  // the server's binary is there but cannot be run
inline constexpr int kExitNotFound = 127;       // the server's binary is not there
inline constexpr int kExitSignalBase = 128;     // + n: the server was killed by signal n

}  // namespace redis_zk
