#include "store/report.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "base/json.h"
#include "base/printable.h"
#include "store/server_object.h"

namespace redis_zk::store {

namespace {

// One more is still a number.
constexpr std::int64_t kMostExits = 1'000'000'000;
// Longer than any sentence of ours.
constexpr std::size_t kMostOfReportedSentence = 1000;
constexpr std::size_t kMostOfReportedCode = 40;
// More than a daemon has options that name one.
constexpr std::size_t kMostFiles = 10;
constexpr int kMostExitCode = 255;

bool IsReportedCode(std::string_view text) {
  return !text.empty() && text.size() <= kMostOfReportedCode &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
}

std::string Sentence(std::string_view text) { return Printable(text, kMostOfReportedSentence); }

Json ToJson(const Wait& wait) {
  Json json{{"name", wait.name}, {"sentence", Sentence(wait.sentence)}, {"since", wait.since}};
  if (wait.until) json["until"] = *wait.until;
  if (wait.needs_person) json["needs_person"] = true;
  return json;
}

Json ToJson(const LoggedLine& line) {
  return {{"time", line.time}, {"event", line.event}, {"sentence", Sentence(line.sentence)}};
}

Json ToJson(const Past& past) {
  Json json{{"exits", past.exits}};
  if (past.exits > 0) {
    json["last_exit"] = past.last_exit;
    json["last_exit_at"] = past.last_exit_at;
  }
  if (past.handover)
    json["handover"] = {{"time", past.handover->time},
                        {"done", past.handover->done},
                        {"sentence", Sentence(past.handover->sentence)}};
  return json;
}

Result<std::optional<Wait>> WaitIn(const Json& report, const Report::Process& whose) {
  const Json& json = report.At("wait");
  if (!json.is_object()) return std::nullopt;
  Wait wait{.group = whose.group,
            .daemon = whose.daemon,
            .endpoint = whose.endpoint,
            .name = json.TextAt("name"),
            .sentence = Sentence(json.TextAt("sentence")),
            .since = json.NaturalAt("since"),
            .needs_person = json.BoolAt("needs_person")};
  if (const auto until = json.NumberAt("until"); until > 0) wait.until = until;
  if (!IsReportedCode(wait.name)) return Fail(ErrorKind::kInvalid, "a \"name\" of the wait in kebab-case");
  return wait;
}

std::optional<LoggedLine> LineAt(const Json& report, std::string_view key) {
  const Json& json = report.At(key);
  LoggedLine line{.time = json.NaturalAt("time"),
                  .event = json.TextAt("event"),
                  .sentence = Sentence(json.TextAt("sentence"))};
  return line.time > 0 && IsReportedCode(line.event) ? std::optional(std::move(line)) : std::nullopt;
}

std::optional<SlowTurn> SlowTurnIn(const Json& report) {
  const Json& json = report.At("slow_turn");
  const SlowTurn turn{.time = json.NaturalAt("time"), .took = json.NaturalAt("took")};
  return turn.time > 0 && turn.took > 0 ? std::optional(turn) : std::nullopt;
}

std::vector<CertificateFile> CertificatesIn(const Json& report) {
  std::vector<CertificateFile> files;
  for (const Json& file : report.At("certificates").elements()) {
    const std::int64_t expires = file.NumberAt("expires");
    if (files.size() < kMostFiles && expires > 0)
      files.push_back({.path = Printable(file.TextAt("path")), .expires = expires});
  }
  return files;
}

Past PastIn(const Json& json) {
  Past past{
      .exits = std::min(json.NaturalAt("exits"), kMostExits),
      .last_exit = static_cast<int>(std::clamp<std::int64_t>(json.NumberAt("last_exit"), 0, kMostExitCode)),
      .last_exit_at = json.NaturalAt("last_exit_at")};
  const Json& handover = json.At("handover");
  if (handover.is_object())
    past.handover = HandoverEnd{.time = handover.NaturalAt("time"),
                                .done = handover.BoolAt("done"),
                                .sentence = Sentence(handover.TextAt("sentence"))};
  return past;
}

std::string RoleIn(const Json& report) {
  std::string role = report.TextAt("role");
  return role == "master" || role == "replica" ? role : std::string();
}

}  // namespace

std::string Render(const Report& report) {
  const auto& process = report.process;
  Json json{
      {"daemon", process.daemon},   {"group", process.group},     {"endpoint", process.endpoint.ToRecord()},
      {"version", process.version}, {"started", process.started}, {"launches", report.launches}};
  if (!report.role.empty()) json["role"] = report.role;
  if (report.fenced) json["fenced"] = true;
  if (report.open) json["open"] = true;
  if (report.wait) json["wait"] = ToJson(*report.wait);
  Json files = Json::Array();
  for (std::size_t i = 0; i < std::min(report.certificates.size(), kMostFiles); ++i)
    files.Append(
        {{"path", Printable(report.certificates[i].path)}, {"expires", report.certificates[i].expires}});
  if (!report.certificates.empty()) json["certificates"] = std::move(files);
  if (report.error) json["error"] = ToJson(*report.error);
  if (report.warning) json["warning"] = ToJson(*report.warning);
  if (report.slow_turn)
    json["slow_turn"] = {{"time", report.slow_turn->time}, {"took", report.slow_turn->took}};
  json["zookeeper"] = {{"sessions", report.zookeeper.sessions}, {"since", report.zookeeper.since}};
  json["past"] = ToJson(report.past);
  return json.Dump();
}

Result<Report> ParseReport(std::string_view text) {
  auto object = ParseServerObject(text);
  if (!object) return tl::unexpected(object.error());
  auto& [endpoint, json] = *object;
  Report report{.process = {.daemon = Printable(json.TextAt("daemon")),
                            .group = Printable(json.TextAt("group")),
                            .endpoint = std::move(endpoint),
                            .version = VersionAt(json),
                            .started = json.NaturalAt("started")},
                .role = RoleIn(json),
                .fenced = json.BoolAt("fenced"),
                .open = json.BoolAt("open"),
                .certificates = CertificatesIn(json),
                .error = LineAt(json, "error"),
                .warning = LineAt(json, "warning"),
                .slow_turn = SlowTurnIn(json),
                .launches = json.NaturalAt("launches"),
                .zookeeper = {.sessions = json.At("zookeeper").NaturalAt("sessions"),
                              .since = json.At("zookeeper").NaturalAt("since")},
                .past = PastIn(json.At("past"))};
  auto wait = WaitIn(json, report.process);
  if (!wait) return tl::unexpected(wait.error());
  report.wait = std::move(*wait);
  return report;
}

std::string Render(const Past& past) { return ToJson(past).Dump(); }

Result<Past> ParsePast(std::string_view text) {
  const auto json = Json::ParseObject(text);
  if (!json) return tl::unexpected(json.error());
  return PastIn(*json);
}

}  // namespace redis_zk::store
