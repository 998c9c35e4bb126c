// Small files, read and written whole. What is read is text of at most 16 MiB: more, a pipe that no process
// writes, a device without an end or a directory is an error, and holds no caller up. Any thread.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace redis_zk {

// kNotFound: nothing is there; kRefused: we may not read it. The message says what is wrong with it, to stand
// behind the path.
Result<std::string> ReadTextFile(const std::string& path);
// What stands before the first line end. The error says what was expected.
Result<std::string> ReadFirstLine(const std::string& path);

// What an errno after an attempt to make or write a file is: kUnavailable for a reason that may pass, as a
// full disk, else kInvalid.
ErrorKind KindOfWriteFailure(int failure);

// Replaces `path` by `text`, readable by its owner only, for it may hold passwords. A reader sees the old
// file or the new one, whole; after a failure the old one is still there. The kind of the error is as
// above.
Status WriteFileAtomically(const std::string& path, std::string_view text);

// The absolute form of a path, which need not exist.
std::string AbsolutePath(const std::string& path);

}  // namespace redis_zk
