// The kinds of behaviors there are: what `do` may say in a section [behavior.NAME].
#pragma once

#include <string_view>

#include "base/result.h"
#include "watcher/behaviors/behavior.h"
#include "watcher/behaviors/config.h"

namespace redis_zk::watcher {

struct BehaviorKind {
  std::string_view name;
  // Takes the keys that are its own, and returns what makes the behavior. What it returns counts only when
  // nothing was found wrong.
  BehaviorSettings::Make (*read)(SectionReader& section);
};

// An error says which there are.
Result<const BehaviorKind*> FindBehaviorKind(std::string_view name);

}  // namespace redis_zk::watcher
