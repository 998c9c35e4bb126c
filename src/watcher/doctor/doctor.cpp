#include "watcher/doctor/doctor.h"

#include "base/exit_code.h"
#include "base/log.h"
#include "daemon/fleet_network.h"
#include "watcher/cli/output.h"
#include "watcher/cli/own_session.h"
#include "watcher/doctor/checks.h"
#include "watcher/doctor/examination.h"
#include "watcher/doctor/report.h"

namespace redis_zk::watcher::doctor {

int Diagnose(WatcherOptions options, const zookeeper::SessionFactory& open_session) {
  CommonOptions& common = options.common;
  for (const auto& wrong : SettleSecurity(common)) return cli::Complain(kExitConfig, wrong);
  for (const auto& wrong : SettleTls(common.redis_tls)) return cli::Complain(kExitConfig, wrong);
  SettleCredentials(common);
  // The findings say what is wrong.
  InitLog("watcher", common.log_format, "off");
  cli::OwnSession own(common, open_session);
  if (const auto connected = own.Connect(); !connected) return cli::ComplainOfConnecting(connected.error());
  daemon::FleetNetwork fleet(common);
  const auto checkup = Examine(common, own.session(), fleet.network());
  if (!checkup) return cli::Complain(checkup.error());
  const auto results = RunChecks(*checkup);
  cli::Print(options.ask.json ? RenderJson(results) : RenderText(results, cli::LookOfTerminal()));
  auto counts = CountFindings(results);
  if (counts[Severity::kError] > 0) return cli::kExitErrors;
  return counts[Severity::kWarning] > 0 ? cli::kExitWarnings : kExitStopped;
}

}  // namespace redis_zk::watcher::doctor
