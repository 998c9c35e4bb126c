// A core dump holds the passwords of a daemon, and all data of a server.
#pragma once

namespace redis_zk::os {

// This process leaves no core dump, nor does what it launches; a debugger can still attach. First thing in
// main.
void ForbidCoreDumps();

}  // namespace redis_zk::os
