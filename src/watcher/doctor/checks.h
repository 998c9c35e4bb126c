// What is wrong with an installation, or may go wrong: functions of what was found out.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "watcher/doctor/checkup.h"

namespace redis_zk::watcher::doctor {

enum class Severity {
  kAdvice,   // works, and could be better
  kWarning,  // works until something fails
  kError,    // does not work
};

struct Finding {
  Severity severity = Severity::kWarning;
  std::string group;     // empty: it concerns all
  std::string sentence;  // what was found, and what to do
};

// One subject, with a section of its own in docs/operate/doctor.md.
struct Check {
  std::string_view name;  // a code in kebab-case
  std::vector<Finding> (*look)(const Checkup&);
  // Whether what it looks at is known; nothing: always.
  bool (*possible)(const Checkup&) = nullptr;
};

struct CheckResult {
  std::string_view name;
  std::vector<Finding> findings;  // the worst first; none: well, if it was checked
  bool checked = true;
};

// All checks, in the order in which they are shown.
const std::vector<Check>& Checks();
std::vector<CheckResult> RunChecks(const Checkup& checkup);

// By subject.
std::vector<Finding> LookAtStatus(const Checkup& checkup);
std::vector<Finding> LookAtZooKeeper(const Checkup& checkup);
std::vector<Finding> LookAtZnodes(const Checkup& checkup);
std::vector<Finding> LookAtReachability(const Checkup& checkup);
std::vector<Finding> LookAtSettings(const Checkup& checkup);
std::vector<Finding> LookAtNames(const Checkup& checkup);
std::vector<Finding> LookAtLatency(const Checkup& checkup);
std::vector<Finding> LookAtClocks(const Checkup& checkup);
std::vector<Finding> LookAtCertificates(const Checkup& checkup);
std::vector<Finding> LookAtMachine(const Checkup& checkup);
// sentinel_checks.cpp
std::vector<Finding> LookAtQuorum(const Checkup& checkup);
std::vector<Finding> LookAtDownAfter(const Checkup& checkup);
std::vector<Finding> LookAtStaleEntries(const Checkup& checkup);
// server_checks.cpp
std::vector<Finding> LookAtPriorities(const Checkup& checkup);
std::vector<Finding> LookAtMinReplicas(const Checkup& checkup);
std::vector<Finding> LookAtPersistence(const Checkup& checkup);
std::vector<Finding> LookAtClients(const Checkup& checkup);
std::vector<Finding> LookAtMemory(const Checkup& checkup);
std::vector<Finding> LookAtVersions(const Checkup& checkup);
std::vector<Finding> LookAtOpenServers(const Checkup& checkup);

}  // namespace redis_zk::watcher::doctor
