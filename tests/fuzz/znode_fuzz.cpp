// What stands in ZooKeeper, where anybody may write.
#include "fuzz/fuzz.h"
#include "store/event_log.h"
#include "store/pause.h"
#include "store/record.h"
#include "store/report.h"

namespace redis_zk::store {

namespace {

// What was believed is what is written down, but for what the znode's name or the server says.
template <class T>
void CheckRoundTrip(const Result<T>& parsed, Result<T> (*parse)(std::string_view)) {
  if (!parsed) return;
  const auto again = parse(Render(*parsed));
  fuzz::Check(again && *again == *parsed);
}

}  // namespace

FUZZ_TARGET(text) {
  const Record record = ParseMasterRecord(text);
  if (record.state == Record::State::kMaster)
    fuzz::Check(ParseMasterRecord(record.master.ToRecord()).master == record.master);
  CheckRoundTrip<Lineage>(ParseLineage(text), ParseLineage);
  CheckRoundTrip<Member>(ParseMember(text), ParseMember);
  CheckRoundTrip<KnownDataset>(ParseKnownDataset(text), ParseKnownDataset);
  CheckRoundTrip<History>(ParseHistory(text), ParseHistory);
  CheckRoundTrip<Identity>(ParseIdentity(text), ParseIdentity);
  CheckRoundTrip<EventLog>(ParseEventLog(text), ParseEventLog);
  CheckRoundTrip<Pauses>(ParsePauses(text), ParsePauses);
  CheckRoundTrip<Report>(ParseReport(text), ParseReport);
  CheckRoundTrip<Past>(ParsePast(text), ParsePast);
}

}  // namespace redis_zk::store
