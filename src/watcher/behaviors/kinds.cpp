#include "watcher/behaviors/kinds.h"

#include <fmt/core.h>

#include <array>

#include "watcher/behaviors/exec.h"
#include "watcher/behaviors/webhook.h"

namespace redis_zk::watcher {

namespace {

constexpr std::array kKinds{
    BehaviorKind{"exec", ReadExec},
    BehaviorKind{"webhook", ReadWebhook},
};

}  // namespace

Result<const BehaviorKind*> FindBehaviorKind(std::string_view name) {
  std::string names;
  for (const auto& kind : kKinds) {
    if (kind.name == name) return &kind;
    names += fmt::format("{}\"{}\"", names.empty() ? "" : " or ", kind.name);
  }
  return Fail(ErrorKind::kInvalid, names);
}

}  // namespace redis_zk::watcher
