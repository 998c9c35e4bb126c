#include "failover/order.h"

#include <fmt/core.h>

#include <algorithm>

#include "sentinel/client.h"

namespace redis_zk::failover {

namespace {

using Reports = std::vector<sentinel::SentinelReport>;

std::vector<Endpoint> AllOf(const Reports& reports) {
  std::vector<Endpoint> sentinels;
  for (const auto& report : reports) sentinels.push_back(report.sentinel);
  std::reverse(sentinels.begin(), sentinels.end());
  return sentinels;
}

// Why this one is not asked; nothing: it is.
std::optional<std::string> Objection(const Endpoint& sentinel, const Reports& naming) {
  const auto found = std::find_if(naming.begin(), naming.end(),
                                  [&](const auto& report) { return report.sentinel == sentinel; });
  if (found == naming.end()) return sentinel.ToAddress() + " does not answer, or names another master";
  if (found->tilt) return sentinel.ToAddress() + " is in TILT";
  return std::nullopt;
}

// Sends the order to one Sentinel. True: no other one may be asked.
bool Send(redis::Servers& servers, const OrderTerms& terms, const Endpoint& sentinel, Ordered& ordered) {
  const auto sent = sentinel::Client(servers, sentinel).RequestFailover(terms.group);
  ordered.sentinel = sentinel;
  if (!sent) ordered.why = sent.error().message;
  if (sent) {
    ordered.kind = Ordered::Kind::kTaken;
  } else if (sentinel::IsFailoverRunning(sent.error())) {
    ordered.kind = Ordered::Kind::kRunning;
  } else if (sent.error().kind != ErrorKind::kRefused) {
    ordered.kind = Ordered::Kind::kMayBeTaken;
  } else {
    ordered.refusals.emplace_back(sentinel, sent.error().message);
    return false;
  }
  return true;
}

}  // namespace

Reports WithAnswer(const std::vector<Result<sentinel::SentinelReport>>& answers) {
  Reports reports;
  for (const auto& answer : answers) {
    if (answer) reports.push_back(*answer);
  }
  return reports;
}

const sentinel::SentinelReport* FindSuccession(const Endpoint& old_master, const Reports& reports) {
  const auto newest = std::max_element(
      reports.begin(), reports.end(),
      [](const auto& one, const auto& other) { return one.config_epoch < other.config_epoch; });
  if (newest == reports.end() || newest->master == old_master) return nullptr;
  const bool disputed = std::any_of(reports.begin(), reports.end(), [&](const auto& report) {
    return report.master == old_master && report.config_epoch == newest->config_epoch;
  });
  return disputed ? nullptr : &*newest;
}

std::size_t ConfirmationsNeeded(bool recorded, std::size_t registered) {
  return recorded ? 1 : registered / 2 + 1;
}

Ordered OrderFailover(redis::Servers& sentinels, const OrderTerms& terms) {
  Ordered ordered;
  const Reports reports = WithAnswer(sentinel::AskSentinels(sentinels, terms.sentinels, terms.group));
  Reports naming;
  for (const auto& report : reports) {
    if (report.failover_in_progress) return {.kind = Ordered::Kind::kRunning, .sentinel = report.sentinel};
    if (!terms.master || report.master == *terms.master) naming.push_back(report);
  }
  ordered.names_another = naming.size() < reports.size();
  ordered.naming = naming.size();
  // It has happened, and not everybody has heard.
  const auto* succession = terms.master ? FindSuccession(*terms.master, reports) : nullptr;
  if (succession != nullptr)
    return {.kind = Ordered::Kind::kRunning, .sentinel = succession->sentinel, .names_another = true};
  if (ordered.naming < terms.needed) {
    ordered.kind = Ordered::Kind::kUnconfirmed;
    ordered.why =
        fmt::format("only {} of {} required Sentinels name this master", ordered.naming, terms.needed);
    return ordered;
  }
  const auto noticed = std::find_if(naming.begin(), naming.end(),
                                    [](const auto& report) { return report.master_down && !report.tilt; });
  if (noticed != naming.end()) ordered.noticed = noticed->sentinel;
  if (ordered.noticed && terms.leave_to_election) {
    ordered.kind = Ordered::Kind::kLeft;
    return ordered;
  }
  for (const auto& sentinel : terms.asked.empty() ? AllOf(naming) : terms.asked) {
    if (auto objection = Objection(sentinel, naming)) {
      ordered.why = std::move(*objection);
    } else if (Send(sentinels, terms, sentinel, ordered)) {
      return ordered;
    }
  }
  ordered.kind = Ordered::Kind::kRefused;
  ordered.sentinel = {};
  return ordered;
}

}  // namespace redis_zk::failover
