// How the commands end and what they say.
#pragma once

#include <string>

#include "base/result.h"
#include "watcher/words.h"

namespace redis_zk::watcher::cli {

// status: something is wrong with what is shown; secure-zookeeper --check: something is open; doctor: nothing
// worse was found than warnings
inline constexpr int kExitWarnings = 1;
// The watcher, or ZooKeeper, answered, and its answer is no.
inline constexpr int kExitRefused = 2;
// doctor: something does not work.
inline constexpr int kExitErrors = 2;

// One line to stderr. Returns the code.
int Complain(int code, const std::string& why);
// The same, with the code that the error ends a command with.
int Complain(const Error& error);

// Of stdout: a terminal, or plain text.
Look LookOfTerminal();

// To stdout. False: its reader has gone.
bool Print(const std::string& text);

}  // namespace redis_zk::watcher::cli
