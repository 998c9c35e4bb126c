// A text file, read whole. Whatever stands at the path: a pipe to which nobody writes, a device without an
// end or a directory is an error, and holds nobody up. Any thread.
#pragma once

#include <string>

#include "base/result.h"

namespace redis_zk {

// kNotFound: nothing is there; kRefused: we may not read it. The message says what is wrong with it, to stand
// behind the path.
Result<std::string> ReadTextFile(const std::string& path);
// What stands before the first line end. The error says what was expected.
Result<std::string> ReadFirstLine(const std::string& path);

}  // namespace redis_zk
