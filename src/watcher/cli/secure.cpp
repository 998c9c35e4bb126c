#include "watcher/cli/secure.h"

#include <fmt/core.h>

#include "base/exit_code.h"
#include "base/log.h"
#include "base/printable.h"
#include "watcher/cli/output.h"
#include "watcher/cli/own_session.h"
#include "watcher/words.h"
#include "zookeeper/tree_walk.h"

namespace redis_zk::watcher::cli {

namespace {

constexpr std::size_t kPiece = 100;
constexpr std::size_t kMostOfALine = 500;

std::string Summarize(const Secured& done, const CommonOptions& common, bool check) {
  std::string text = fmt::format("{} of {} at and below {} {}", check ? done.open : done.changed,
                                 Counted(done.seen, "znode"), common.zk_root, check ? "open" : "changed");
  if (done.failed > 0) text += fmt::format(", {} failed", done.failed);
  return text + '\n';
}

}  // namespace

Result<Secured> SecureTree(zookeeper::Session& session, const std::string& root,
                           const zookeeper::Security& security, bool check,
                           const std::function<void(const std::string&)>& tell,
                           const std::function<void(const std::string&)>& complain) {
  const zookeeper::Acl wanted = AclFor(security);
  Secured done;
  zookeeper::TreeWalk walk(session, root);
  while (true) {
    const auto piece = walk.Next(kPiece);
    if (!piece) return tl::unexpected(piece.error());
    if (piece->empty()) return done;
    for (const auto& [path, acl] : *piece) {
      ++done.seen;
      Status changed = acl.map([](const zookeeper::Acl&) {});
      const bool open = acl && IsOpen(*acl, security);
      const bool change = acl && !check && *acl != wanted;
      if (change) changed = session.SetAcl(path, wanted);
      if (!changed && changed.error().kind == ErrorKind::kNotFound) continue;
      if (!changed && changed.error().kind != ErrorKind::kDenied) return tl::unexpected(changed.error());
      if (!changed) {
        ++done.failed;
        complain(changed.error().message);
      } else if (change || (check && open)) {
        ++(check ? done.open : done.changed);
        tell(path + ' ' + Describe(*acl));
      }
    }
  }
}

int SecureZooKeeper(WatcherOptions options, const zookeeper::SessionFactory& open_session) {
  CommonOptions& common = options.common;
  for (const auto& wrong : SettleSecurity(common)) return Complain(kExitConfig, wrong);
  if (common.zk_security.credentials.empty())
    return Complain(kExitConfig, "ZK_USERNAME: found none, expected the user that the znodes are for");
  // What goes wrong is told once, at the end.
  InitLog("watcher", common.log_format, "off");
  OwnSession own(common, open_session);
  if (const auto connected = own.Connect(); !connected) return ComplainOfConnecting(connected.error());
  const bool check = options.ask.check;
  const auto done = SecureTree(
      own.session(), common.zk_root, common.zk_security, check,
      [](const std::string& line) { Print(Printable(line, kMostOfALine) + '\n'); },
      [](const std::string& line) { Complain(kExitRefused, Printable(line, kMostOfALine)); });
  if (!done) return Complain(done.error());
  if (done->seen == 0)
    return Complain(kExitRefused, fmt::format("no znode {} in ZooKeeper {}; check ZK_HOSTS and ZK_ROOT",
                                              common.zk_root, Describe(common.zk_hosts)));
  Print(Summarize(*done, common, check));
  if (done->failed > 0) return kExitRefused;
  return done->open > 0 ? kExitWarnings : kExitStopped;
}

}  // namespace redis_zk::watcher::cli
