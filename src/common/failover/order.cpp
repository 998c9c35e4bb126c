#include "failover/order.h"

#include <fmt/core.h>

#include <algorithm>

#include "sentinel/client.h"

namespace redis_zk::failover {

namespace {

using Reports = std::vector<sentinel::SentinelReport>;

Reports AskWhoAnswers(redis::Servers& servers, const OrderTerms& terms) {
  Reports reports;
  for (auto& report : sentinel::AskSentinels(servers, terms.sentinels, terms.group)) {
    if (report) reports.push_back(std::move(*report));
  }
  return reports;
}

std::vector<Endpoint> AllOf(const Reports& reports) {
  std::vector<Endpoint> sentinels;
  for (const auto& report : reports) sentinels.push_back(report.sentinel);
  std::reverse(sentinels.begin(), sentinels.end());
  return sentinels;
}

// nullptr: there is none.
const sentinel::SentinelReport* Newest(const Reports& reports) {
  const auto newest = std::max_element(
      reports.begin(), reports.end(),
      [](const auto& one, const auto& other) { return one.config_epoch < other.config_epoch; });
  return newest == reports.end() ? nullptr : &*newest;
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

std::size_t ConfirmationsNeeded(bool recorded, std::size_t registered) {
  return recorded ? 1 : registered / 2 + 1;
}

Ordered OrderFailover(redis::Servers& sentinels, const OrderTerms& terms) {
  Ordered ordered;
  Reports naming;
  Reports elsewhere;
  for (auto& report : AskWhoAnswers(sentinels, terms)) {
    if (report.failover_in_progress) return {.kind = Ordered::Kind::kRunning, .sentinel = report.sentinel};
    const bool names_another = terms.master && report.master != *terms.master;
    (names_another ? elsewhere : naming).push_back(std::move(report));
  }
  ordered.names_another = !elsewhere.empty();
  ordered.naming = naming.size();
  // It has happened, and those who name the old master have not heard of it: hellos come every two seconds.
  if (const auto* newest = Newest(elsewhere); newest != nullptr) {
    const auto* known = Newest(naming);
    if (known == nullptr || newest->config_epoch > known->config_epoch)
      return {.kind = Ordered::Kind::kRunning, .sentinel = newest->sentinel, .names_another = true};
  }
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
