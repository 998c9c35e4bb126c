#include "store/reports.h"

namespace redis_zk::store {

using zookeeper::Node;

Result<std::vector<Report>> Reports::List() {
  return znodes_.ListShown<Report>(paths_.Reports(), [](const std::string& uuid, const Node& node) {
    auto report = ParseReport(node.data);
    if (!report) return report;
    report->process.uuid = uuid;
    if (report->wait) report->wait->uuid = uuid;
    return report;
  });
}

Status Reports::Put(const Report& report) {
  return znodes_.PutShown(paths_.Reports(), report.process.uuid, Render(report));
}

}  // namespace redis_zk::store
