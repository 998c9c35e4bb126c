#include "watcher/doctor/report.h"

#include <fmt/core.h>
#include <fmt/format.h>

#include <set>
#include <string_view>

#include "base/json.h"

namespace redis_zk::watcher::doctor {

namespace {

constexpr std::string_view kPage = "docs/operate/doctor.md";

constexpr std::string_view NameOf(Severity severity) {
  switch (severity) {
    case Severity::kError:
      return "error";
    case Severity::kWarning:
      return "warning";
    case Severity::kAdvice:
      break;
  }
  return "advice";
}

// Those that found nothing, because they could not look or because all is well.
std::vector<std::string> SilentOf(const std::vector<CheckResult>& results, bool checked) {
  std::set<std::string> silent;
  for (const auto& result : results) {
    if (result.findings.empty() && result.checked == checked) silent.emplace(result.name);
  }
  return {silent.begin(), silent.end()};
}

// The findings with their checks, the worst first.
template <class Take>
void ForEach(const std::vector<CheckResult>& results, Take take) {
  for (const auto severity : {Severity::kError, Severity::kWarning, Severity::kAdvice}) {
    for (const auto& result : results) {
      for (const auto& finding : result.findings) {
        if (finding.severity == severity) take(result.name, finding);
      }
    }
  }
}

}  // namespace

std::map<Severity, std::size_t> CountFindings(const std::vector<CheckResult>& results) {
  std::map<Severity, std::size_t> counts;
  ForEach(results, [&counts](std::string_view, const Finding& finding) { ++counts[finding.severity]; });
  return counts;
}

std::string RenderText(const std::vector<CheckResult>& results, const Look& look) {
  std::vector<Row> rows;
  ForEach(results, [&rows](std::string_view check, const Finding& finding) {
    const Color color = finding.severity == Severity::kAdvice ? Color::kPlain : Color::kBad;
    rows.push_back({{std::string(NameOf(finding.severity)), color},
                    {std::string(check), Color::kStrong},
                    {(finding.group.empty() ? "" : finding.group + ": ") + finding.sentence}});
  });
  std::string text = RenderTable(rows, 0, look);
  const auto well = SilentOf(results, /*checked=*/true);
  if (!well.empty())
    text += RenderSentence({fmt::format("well: {}", fmt::join(well, ", ")), Color::kGood}, 0, look);
  const auto unknown = SilentOf(results, /*checked=*/false);
  if (!unknown.empty())
    text += RenderSentence({fmt::format("not checked: {}", fmt::join(unknown, ", "))}, 0, look);
  auto counts = CountFindings(results);
  const auto sum = fmt::format("{}, {}, {} for advice", Counted(counts[Severity::kError], "error"),
                               Counted(counts[Severity::kWarning], "warning"), counts[Severity::kAdvice]);
  return text + RenderSentence({fmt::format("{}; {} explains each", sum, kPage), Color::kStrong}, 0, look);
}

std::string RenderJson(const std::vector<CheckResult>& results) {
  auto counts = CountFindings(results);
  Json findings = Json::Array();
  ForEach(results, [&findings](std::string_view check, const Finding& finding) {
    findings.Append({{"severity", NameOf(finding.severity)},
                     {"check", check},
                     {"group", finding.group.empty() ? Json() : Json(finding.group)},
                     {"sentence", finding.sentence},
                     {"docs", fmt::format("{}#{}", kPage, check)}});
  });
  const Json json{
      {"errors", counts[Severity::kError]},          {"warnings", counts[Severity::kWarning]},
      {"advice", counts[Severity::kAdvice]},         {"findings", std::move(findings)},
      {"well", SilentOf(results, /*checked=*/true)}, {"not_checked", SilentOf(results, /*checked=*/false)}};
  return json.Dump() + '\n';
}

}  // namespace redis_zk::watcher::doctor
