#include "sentinel/client.h"

#include <fmt/core.h>

#include "base/printable.h"
#include "redis/server_info.h"

namespace redis_zk::sentinel {

namespace {

// What every Sentinel is asked before anything else: who it is, and whether it trusts its clock.
const std::vector<redis::Command> kWho{{"SENTINEL", "MYID"}, {"INFO", "sentinel"}};

std::vector<Endpoint> EndpointsOf(const std::vector<Peer>& sentinels) {
  std::vector<Endpoint> endpoints;
  for (const auto& sentinel : sentinels) endpoints.push_back(sentinel.endpoint);
  return endpoints;
}

// `questions` behind kWho, to all at once. An error for those that are others than they should be.
std::vector<Result<redis::Replies>> AskIdentified(redis::Servers& servers, const std::vector<Peer>& sentinels,
                                                  const std::vector<redis::Command>& questions) {
  std::vector<redis::Command> commands = kWho;
  commands.insert(commands.end(), questions.begin(), questions.end());
  auto answers = servers.AskAll(EndpointsOf(sentinels), commands);
  for (std::size_t i = 0; i < sentinels.size(); ++i) {
    if (!answers[i]) continue;
    const redis::Reply& id = answers[i]->front();
    // Before Redis 6.2 it is an error.
    if (sentinels[i].id.empty() || id.type != redis::Reply::Type::kText || id.text == sentinels[i].id)
      continue;
    answers[i] = Fail(ErrorKind::kRefused,
                      fmt::format("{} is another Sentinel: found id {}, expected {}",
                                  sentinels[i].endpoint.ToAddress(), Printable(id.text), sentinels[i].id));
  }
  return answers;
}

// What the answers to kWho say.
struct Identification {
  std::string id;
  bool tilt = false;
};

// Once for each Sentinel: its INFO has a line for every group.
Identification IdentificationIn(const Result<redis::Replies>& answers) {
  if (!answers) return {};
  const redis::Reply& id = answers->front();
  return {.id = id.type == redis::Reply::Type::kText ? id.text : "",
          .tilt = redis::NumberIn((*answers)[1].text, "sentinel_tilt") != 0};
}

// `at`: where the answers to SENTINEL MASTER and GET-MASTER-ADDR-BY-NAME begin.
Result<SentinelReport> ReportIn(const Peer& sentinel, const Identification& who,
                                const Result<redis::Replies>& answers, std::size_t at) {
  if (!answers) return tl::unexpected(answers.error());
  auto report = ParseSentinelReport(sentinel.endpoint, {(*answers)[at + 1], (*answers)[at]});
  if (!report) return report;
  report->id = who.id;
  report->identified = !sentinel.id.empty() && who.id == sentinel.id;
  report->tilt = who.tilt;
  return report;
}

// The three answers from `at` on.
Result<GroupReport> GroupReportIn(const Peer& sentinel, const Identification& who,
                                  const Result<redis::Replies>& answers, std::size_t at) {
  auto report = ReportIn(sentinel, who, answers, at);
  if (!report) return tl::unexpected(report.error());
  auto replicas = ParseReplicas(sentinel.endpoint, (*answers)[at + 2]);
  if (!replicas) return tl::unexpected(replicas.error());
  return GroupReport{std::move(*report), std::move(*replicas)};
}

// In this order: Sentinel may have taken a turn between the two, and then the address is newer than the
// epoch. The other way round an old master would come with the epoch of its successor.
void AddQuestions(const std::string& group, std::vector<redis::Command>& questions) {
  questions.push_back({"SENTINEL", "MASTER", group});
  questions.push_back({"SENTINEL", "GET-MASTER-ADDR-BY-NAME", group});
}

Result<KnownInstances> KnownIn(const Endpoint& sentinel, const Result<redis::Replies>& answers) {
  if (!answers) return tl::unexpected(answers.error());
  auto replicas = ParseReplicas(sentinel, answers->front());
  if (!replicas) return tl::unexpected(replicas.error());
  auto peers = ParsePeers(sentinel, answers->back());
  if (!peers) return tl::unexpected(peers.error());
  return KnownInstances{std::move(*replicas), std::move(*peers)};
}

// What `peer` would publish every two seconds. The epoch counts for the fleet and for the configuration.
redis::Command Hello(const Peer& peer, std::uint64_t epoch, const std::string& group,
                     const Endpoint& master) {
  return {"PUBLISH", "__sentinel__:hello",
          fmt::format("{},{},{},{},{},{},{},{}", peer.endpoint.host, peer.endpoint.port, peer.id, epoch,
                      group, master.host, master.port, epoch)};
}

}  // namespace

std::vector<Result<SentinelReport>> AskSentinels(redis::Servers& servers, const std::vector<Peer>& sentinels,
                                                 const std::string& group) {
  std::vector<Result<SentinelReport>> reports;
  for (auto& of_sentinel : AskSentinels(servers, sentinels, std::vector{group}))
    reports.push_back(std::move(of_sentinel.front()));
  return reports;
}

std::vector<std::vector<Result<SentinelReport>>> AskSentinels(redis::Servers& servers,
                                                              const std::vector<Peer>& sentinels,
                                                              const std::vector<std::string>& groups) {
  std::vector<redis::Command> questions;
  for (const auto& group : groups) AddQuestions(group, questions);
  const auto answers = AskIdentified(servers, sentinels, questions);
  std::vector<std::vector<Result<SentinelReport>>> reports(sentinels.size());
  for (std::size_t s = 0; s < sentinels.size(); ++s) {
    const auto who = IdentificationIn(answers[s]);
    for (std::size_t g = 0; g < groups.size(); ++g)
      reports[s].push_back(ReportIn(sentinels[s], who, answers[s], kWho.size() + 2 * g));
  }
  return reports;
}

std::vector<std::vector<Result<GroupReport>>> AskAboutGroups(redis::Servers& servers,
                                                             const std::vector<Peer>& sentinels,
                                                             const std::vector<std::string>& groups) {
  std::vector<redis::Command> questions;
  for (const auto& group : groups) {
    AddQuestions(group, questions);
    questions.push_back({"SENTINEL", "SLAVES", group});
  }
  const auto answers = AskIdentified(servers, sentinels, questions);
  std::vector<std::vector<Result<GroupReport>>> reports(sentinels.size());
  for (std::size_t s = 0; s < sentinels.size(); ++s) {
    const auto who = IdentificationIn(answers[s]);
    for (std::size_t g = 0; g < groups.size(); ++g)
      reports[s].push_back(GroupReportIn(sentinels[s], who, answers[s], kWho.size() + 3 * g));
  }
  return reports;
}

std::vector<Result<KnownInstances>> AskKnownInstances(redis::Servers& servers,
                                                      const std::vector<Endpoint>& sentinels,
                                                      const std::string& group) {
  const auto answers =
      servers.AskAll(sentinels, {{"SENTINEL", "SLAVES", group}, {"SENTINEL", "SENTINELS", group}});
  std::vector<Result<KnownInstances>> all;
  for (std::size_t i = 0; i < sentinels.size(); ++i) all.push_back(KnownIn(sentinels[i], answers[i]));
  return all;
}

std::vector<Result<Vote>> AskVotes(redis::Servers& servers, const std::vector<Endpoint>& sentinels,
                                   const Endpoint& master) {
  // Who names a candidate is told of the last vote; an epoch older than all asks for no new one (sentinel.c,
  // sentinelVoteLeader).
  const redis::Command question{"SENTINEL",  "IS-MASTER-DOWN-BY-ADDR",
                                master.host, std::to_string(master.port),
                                "0",         std::string(40, '0')};
  const auto answers = servers.AskAll(sentinels, {question});
  std::vector<Result<Vote>> votes;
  for (std::size_t i = 0; i < sentinels.size(); ++i) {
    votes.push_back(answers[i] ? ParseVote(sentinels[i], answers[i]->front())
                               : Result<Vote>(tl::unexpected(answers[i].error())));
  }
  return votes;
}

Result<KnownInstances> Client::AskKnownInstances(const std::string& group) const {
  return sentinel::AskKnownInstances(servers_, {sentinel_}, group).front();
}

Status Client::RequestFailover(const std::string& group) const {
  return servers_.Order(sentinel_, {"SENTINEL", "FAILOVER", group});
}

Status Client::SetOption(const std::string& group, const std::string& setting,
                         const std::string& value) const {
  return servers_.Order(sentinel_, {"SENTINEL", "SET", group, setting, value});
}

Result<Duration> Client::AskInfoPeriod() const {
  const auto answers = servers_.Ask(sentinel_, {{"SENTINEL", "DEBUG"}});
  if (!answers) return tl::unexpected(answers.error());
  if (answers->front().is_error())
    return Fail(ErrorKind::kRefused, sentinel_.ToAddress() + ": " + answers->front().text);
  return ParseInfoPeriod(sentinel_, answers->front());
}

Status Client::SetInfoPeriod(Duration period) const {
  return servers_.Order(sentinel_, {"SENTINEL", "DEBUG", "INFO-PERIOD", std::to_string(period.count())});
}

Status Client::RequestReset(const std::string& group) const {
  return servers_.Order(sentinel_, {"SENTINEL", "RESET", group});
}

Status Client::StopMonitoring(const std::string& group) const {
  return servers_.Order(sentinel_, {"SENTINEL", "REMOVE", group});
}

Status Client::AnnouncePeers(const std::vector<Peer>& peers, const std::vector<std::string>& groups) const {
  std::vector<redis::Command> hellos;
  for (const auto& peer : peers) {
    // The epochs and the master are not ours to tell: older than all, they change nothing.
    for (const auto& group : groups) hellos.push_back(Hello(peer, 0, group, peer.endpoint));
  }
  return Publish(hellos);
}

Status Client::AnnounceMaster(const std::string& group, const Endpoint& master, std::uint64_t epoch,
                              const Peer& peer) const {
  return Publish({Hello(peer, epoch, group, master)});
}

Status Client::Publish(const std::vector<redis::Command>& hellos) const {
  const auto answers = servers_.Ask(sentinel_, hellos);
  if (!answers) return tl::unexpected(answers.error());
  for (const auto& answer : *answers) {
    if (answer.is_error()) return Fail(ErrorKind::kRefused, sentinel_.ToAddress() + ": " + answer.text);
  }
  return {};
}

}  // namespace redis_zk::sentinel
