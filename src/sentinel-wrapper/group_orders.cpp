#include "sentinel-wrapper/group_orders.h"

#include <utility>

#include "base/log.h"
#include "sentinel-wrapper/server_conf.h"

namespace redis_zk::sentinel_wrapper {

Status GroupOrders::Monitor(const std::string& group, const store::Record& record) {
  auto done = Tell(group,
                   {{"SENTINEL", "MONITOR", group, record.master.host, std::to_string(record.master.port),
                     std::to_string(options_.quorum)}},
                   network_.redis.FindPassword({record.master}));
  if (!done) return done;
  log::Info({.event = "monitoring", .group = group, .peer = record.master.ToAddress(), .epoch = record.epoch},
            "monitoring {} at {} with a quorum of {}", group, record.master.ToAddress(), options_.quorum);
  return {};
}

Status GroupOrders::Settle(const std::string& group) {
  const auto found = unsettled_.extract(group);
  return found ? Tell(group, {}, found.mapped()) : Status{};
}

std::set<std::string> GroupOrders::unsettled() const {
  std::set<std::string> groups;
  for (const auto& [group, auth_pass] : unsettled_) groups.insert(group);
  return groups;
}

Status GroupOrders::Tell(const std::string& group, std::vector<redis::Command> orders,
                         const std::optional<std::string>& auth_pass) {
  const std::size_t first = orders.size();
  const auto settings = SettingsOf(users_conf_.Read(), options_, group, auth_pass);
  for (const auto& [directive, values] : settings) {
    auto& order = orders.emplace_back(redis::Command{"SENTINEL", "SET", group, directive});
    order.insert(order.end(), values.begin(), values.end());
  }
  if (orders.empty()) return {};
  const auto answers = network_.sentinels.Ask(options_.server.bind, orders);
  if (!answers) {
    unsettled_.insert_or_assign(group, auth_pass);
    return tl::unexpected(answers.error());
  }
  if (first > 0 && answers->front().is_error()) return Fail(ErrorKind::kRefused, answers->front().text);
  for (std::size_t i = 0; i < settings.size(); ++i) {
    // Its answer is not shown: it may repeat a password.
    if ((*answers)[first + i].is_error())
      log::Warn(
          {.event = "setting-refused", .group = group},
          "Sentinel refused the setting {} at run time; it applies after the next restart of redis-sentinel",
          settings[i].directive);
  }
  return {};
}

}  // namespace redis_zk::sentinel_wrapper
