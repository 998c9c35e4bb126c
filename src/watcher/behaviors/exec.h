// Runs a command for each event, without a shell: the event in its environment, and as JSON on its standard
// input.
#pragma once

#include <string>
#include <vector>

#include "watcher/behaviors/behavior.h"
#include "watcher/behaviors/config.h"

namespace redis_zk::watcher {

// The keys `command` and `timeout`.
BehaviorSettings::Make ReadExec(SectionReader& section);

// "NAME=value": what is in `inherited`, without what looks like ours, and the event.
std::vector<std::string> EnvironmentFor(const Event& event, const std::vector<std::string>& inherited);

}  // namespace redis_zk::watcher
