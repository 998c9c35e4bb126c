#include "redis/listening.h"

#include <fmt/core.h>
#include <strings.h>

namespace redis_zk::redis {

namespace {

void ReplaceUnless(const std::string& ours, std::string_view name, const std::string& why,
                   std::vector<ConfRule>* rules) {
  rules->push_back(
      {name, Fate::kReplaced, [ours, why](const ConfLine& line) { return line.Value() == ours ? "" : why; }});
}

void AddTlsRules(const Listening& listening, const std::string& where, std::vector<ConfRule>* rules) {
  ReplaceUnless(std::to_string(listening.port), "port", where, rules);
  ReplaceUnless(std::to_string(listening.port), "tls-port", where, rules);
  ReplaceUnless("yes", "tls-replication", "replicas and Sentinels use TLS (REDIS_TLS)", rules);
  ReplaceUnless(listening.tls->ca, "tls-ca-cert-file", "REDIS_TLS_CA_CERT_FILE is another one", rules);
  ReplaceUnless(listening.tls->certificate, "tls-cert-file", "REDIS_TLS_CERT_FILE is another one", rules);
  ReplaceUnless(listening.tls->key, "tls-key-file", "REDIS_TLS_KEY_FILE is another one", rules);
}

}  // namespace

std::vector<std::pair<std::string, std::string>> LinesOf(const Listening& listening, const Conf& users) {
  const std::string port = std::to_string(listening.port);
  if (listening.tls == nullptr) return {{"port", port}};
  std::vector<std::pair<std::string, std::string>> lines{{"port", "0"},
                                                         {"tls-port", port},
                                                         {"tls-replication", "yes"},
                                                         {"tls-ca-cert-file", listening.tls->ca},
                                                         {"tls-cert-file", listening.tls->certificate},
                                                         {"tls-key-file", listening.tls->key}};
  // Redis' own default is that all clients need one.
  if (users.Find("tls-auth-clients") == nullptr) lines.emplace_back("tls-auth-clients", "optional");
  return lines;
}

void AddRulesOf(const Listening& listening, const std::string& subject, std::vector<ConfRule>* rules) {
  const std::string port = std::to_string(listening.port);
  if (listening.tls != nullptr) {
    AddTlsRules(listening,
                fmt::format("{} listens on port {} with TLS alone (PORT0, REDIS_TLS)", subject, port), rules);
    return;
  }
  ReplaceUnless(port, "port", fmt::format("{} listens on port {} (PORT0)", subject, port), rules);
  rules->push_back({"tls-port", Fate::kCannotWork, [subject, port](const ConfLine& line) {
                      return line.Value() == port
                                 ? fmt::format(
                                       "{} listens on this port without TLS (PORT0); set REDIS_TLS=on, "
                                       "or take another one",
                                       subject)
                                 : "";
                    }});
  rules->push_back({"tls-replication", Fate::kCannotWork, [](const ConfLine& line) {
                      return strcasecmp(line.Value().c_str(), "yes") == 0
                                 ? "TLS would be spoken to servers without TLS (PORT0); set REDIS_TLS=on"
                                 : "";
                    }});
}

}  // namespace redis_zk::redis
