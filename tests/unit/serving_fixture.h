// A redis-wrapper whose server serves, alone or beside another one.
#pragma once

#include <algorithm>
#include <string>

#include "unit/redis_wrapper_fixture.h"

namespace redis_zk::testing {

// By then every start has come to an end, and a copy is complete.
inline constexpr Duration kServes = 10s;

class ServingTest : public RedisWrapperTest {
 protected:
  static std::string Health(const WrapperSite& site) {
    const auto text = ReadFile(site.dir.path() / ("health-" + std::to_string(site.options.server.port)));
    return text.substr(0, text.find('\n'));
  }
  // B is master, this node its replica, and a Sentinel knows both.
  static void BeginAsReplica(WrapperSite& site) {
    site.AddRecordedMaster(kB);
    site.AddSentinel(kB);
  }
  // This node is master, B its replica with all data, and a Sentinel knows both. From kServes on.
  static void BeginAsMaster(WrapperSite& site) {
    site.After(kServes - 1s, [&site] {
      site.fleet.AddReplica(kB, site.self);
      site.RegisterMember(kB);
      site.AddSentinel(site.self);
    });
  }
  // As Sentinels do it, and then a watcher.
  static void FailOverTo(WrapperSite& site, const Endpoint& master, std::uint64_t epoch = 2) {
    site.fleet.Promote(master);
    site.fleet.sentinel(kSentinel).groups.at(kGroup).master = master;
    site.WriteRecord(master, epoch);
  }
  static int Orders(const WrapperSite& site, const std::string& what) {
    return static_cast<int>(
        std::count(site.fleet.orders.begin(), site.fleet.orders.end(), site.self.ToAddress() + ' ' + what));
  }
};

}  // namespace redis_zk::testing
