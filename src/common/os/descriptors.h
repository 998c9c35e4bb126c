// The file descriptors of a process that is about to become another program, and of one that has just begun.
#pragma once

#include <cstddef>

namespace redis_zk::os {

// Closes every descriptor from `first` on except `kept`. Between fork and exec only: async-signal-safe.
void CloseDescriptorsFrom(int first, int kept);

// The same for kernels before 5.9, and engines that forbid close_range(2): by what /proc/self/fd lists.
// Whether it could be read.
bool CloseListedDescriptors(int first, int kept);

// Raises this process's limit on open descriptors as far as it may, up to `most`. Returns the limit.
std::size_t RaiseDescriptorLimit(std::size_t most);

// Where our parent has closed standard input, output or error, /dev/null takes the place: else the
// first socket would get the number, and what is logged. First thing in main.
void OpenStandardStreams();

}  // namespace redis_zk::os
