// What keeps a server from loading its data files, as far as it can be told without loading them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "redis-wrapper/loading.h"

namespace redis_zk::redis_wrapper {

struct Unreadable {
  std::string told;         // the path, the system's reason, and what to do
  bool for_rights = false;  // or for a wrong path: it does not pass by itself
};
// The first of the directory and of the files to load, by REDIS_CONF and by the plan, that this process may
// not read, or cannot. A file that is not there is none.
std::optional<Unreadable> FindUnreadable(const DataFiles& files, LoadPlan::Loads loads);

// Which files they are and when they were written: another number where one was repaired or replaced, the
// same where only an owner or a right changed. 0: there are none.
std::int64_t IdentifyFiles(const DataFiles& files, LoadPlan::Loads loads);

// What is wrong with them, in words; empty: nothing that can be seen.
std::string FindDamage(const DataFiles& files, LoadPlan::Loads loads);

}  // namespace redis_zk::redis_wrapper
