// The program, as main() has it.
#pragma once

namespace redis_zk::redis_wrapper {

// Returns the exit code.
int Run(int argc, char** argv);

}  // namespace redis_zk::redis_wrapper
