// The outcome of all checks, for a terminal and as JSON.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "watcher/doctor/checks.h"
#include "watcher/words.h"

namespace redis_zk::watcher::doctor {

// How many findings there are of each severity.
std::map<Severity, std::size_t> CountFindings(const std::vector<CheckResult>& results);

// The worst first; the checks that found nothing in one line.
std::string RenderText(const std::vector<CheckResult>& results, const Look& look);
std::string RenderJson(const std::vector<CheckResult>& results);

}  // namespace redis_zk::watcher::doctor
