#include "watcher/web/wrappers_json.h"

#include <algorithm>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "watcher/remarks.h"

namespace redis_zk::watcher::web {

namespace {

Json LineToJson(const std::optional<store::LoggedLine>& line) {
  if (!line) return nullptr;
  return {{"time", line->time}, {"event", line->event}, {"sentence", line->sentence}};
}

Json LastExitToJson(const store::Past& past) {
  if (past.exits == 0) return nullptr;
  return {{"time", past.last_exit_at}, {"code", past.last_exit}};
}

Json HandoverToJson(const std::optional<store::HandoverEnd>& handover) {
  if (!handover) return nullptr;
  return {{"time", handover->time}, {"done", handover->done}, {"sentence", handover->sentence}};
}

Json SlowTurnToJson(const std::optional<store::SlowTurn>& turn) {
  if (!turn) return nullptr;
  return {{"time", turn->time}, {"took_ms", turn->took}};
}

Json WrapperToJson(const store::Report& wrapper, const std::string& usual_version, std::int64_t unix_now) {
  const auto& process = wrapper.process;
  return {{"daemon", process.daemon},
          {"group", process.group},
          {"host", process.endpoint.host},
          {"port", process.endpoint.port},
          {"address", process.endpoint.ToAddress()},
          {"version", process.version},
          {"started", process.started},
          {"role", wrapper.role.empty() ? Json() : Json(wrapper.role)},
          {"fenced", wrapper.fenced},
          {"launches", wrapper.launches},
          {"exits", wrapper.past.exits},
          {"last_exit", LastExitToJson(wrapper.past)},
          {"last_handover", HandoverToJson(wrapper.past.handover)},
          {"last_error", LineToJson(wrapper.error)},
          {"last_warning", LineToJson(wrapper.warning)},
          {"slow_turn", SlowTurnToJson(wrapper.slow_turn)},
          {"zookeeper_sessions", wrapper.zookeeper.sessions},
          {"zookeeper_session_since", wrapper.zookeeper.since},
          {"remarks", RemarksOn(wrapper, usual_version, unix_now)}};
}

}  // namespace

Json WrappersToJson(const Topology& topology, std::string_view only_group, std::int64_t unix_now) {
  const std::string usual_version = UsualVersion(topology.wrappers);
  std::vector<const store::Report*> shown;
  for (const auto& wrapper : topology.wrappers) {
    if (only_group.empty() || wrapper.process.group == only_group) shown.push_back(&wrapper);
  }
  const auto rank = [](const store::Report* wrapper) {
    return std::tie(wrapper->process.group, wrapper->process.endpoint, wrapper->process.uuid);
  };
  std::sort(shown.begin(), shown.end(),
            [&](const auto* one, const auto* other) { return rank(one) < rank(other); });
  Json list = Json::Array();
  for (const auto* wrapper : shown) list.Append(WrapperToJson(*wrapper, usual_version, unix_now));
  return list;
}

}  // namespace redis_zk::watcher::web
