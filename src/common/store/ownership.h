// Whose server is that? Schedulers reuse addresses within seconds, so an address is no identity: functions of
// values.
#pragma once

#include <string>
#include <vector>

#include "redis/server_info.h"
#include "store/record.h"

namespace redis_zk::store {

// What the data of a group are called.
struct GroupMarks {
  History history;
  std::vector<KnownDataset> datasets;
  Dataset own;
};

// Whether that is what data of the group are called, or were before a promotion.
bool IsKnown(const std::string& replication_id, const History& history,
             const std::vector<KnownDataset>& datasets);

// Whether the server's data are, or were before its last promotion, of this group. Without a history nothing
// tells: none of ours was ever master, and the group may be one of the originals.
bool BelongsToGroup(const redis::ServerInfo& info, const GroupMarks& marks);

// "the server there is not of this group (replication id ...)", for a sentence that names the address.
std::string DescribeStranger(const redis::ServerInfo& info);

}  // namespace redis_zk::store
