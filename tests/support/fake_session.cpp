// The sessions of the ZooKeeper in memory.
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

#include "support/fake_zookeeper.h"

namespace redis_zk::testing {

using zookeeper::Acl;
using zookeeper::Lifetime;
using zookeeper::Node;
using zookeeper::NodeStat;
using zookeeper::SessionEvent;
using zookeeper::Transaction;
using zookeeper::Watch;
using Kind = SessionEvent::Kind;
namespace permission = zookeeper::permission;

namespace {

bool IsPath(const std::string& path) {
  if (path == "/") return true;
  return path.starts_with('/') && !path.ends_with('/') && path.find("//") == std::string::npos;
}

template <class T>
Result<T> WithContext(const std::string& what, Result<T> result) {
  if (!result) return Fail(what, result.error());
  return result;
}

}  // namespace

FakeSession::FakeSession(FakeZooKeeper& ensemble, std::string chroot, const zookeeper::Security& security,
                         Sink sink)
    : ensemble_(ensemble),
      chroot_(std::move(chroot)),
      digest_(DigestOf(security.credentials)),
      acl_(AclFor(security)),
      sink_(std::move(sink)) {}

FakeSession::~FakeSession() {
  const std::lock_guard lock(ensemble_.mutex_);
  ensemble_.clients_.erase(id_);
  if (connected_) ensemble_.End(id_);
}

void FakeSession::LearnOfEnd() {
  ensemble_.clients_.erase(id_);
  missed_.clear();
  if (connected_.exchange(false)) sink_({Kind::kDisconnected, ""});
  id_ = 0;
  sink_({Kind::kExpired, ""});
}

void FakeSession::Maintain(TimePoint /*now*/) {
  const std::lock_guard lock(ensemble_.mutex_);
  if (id_ != 0 || !ensemble_.running_) return;
  refused_ = !digest_.empty() && !ensemble_.takes_credentials_;
  if (refused_) return sink_({Kind::kExpired, ""});
  id_ = ++ensemble_.last_session_;
  ensemble_.living_.insert(id_);
  ensemble_.clients_[id_] = this;
  connected_ = true;
  sink_({Kind::kConnected, ""});
}

bool FakeSession::Answers(Duration /*within*/) { return connected_; }

Result<std::string> FakeSession::Ask(const std::string& path, const std::string& what) const {
  if (!connected_) return Fail(ErrorKind::kUnavailable, what + ": ZooKeeper is not connected");
  if (!IsPath(path)) return Fail(ErrorKind::kInvalid, what + ": bad arguments");
  if (chroot_.empty()) return path;
  return path == "/" ? chroot_ : chroot_ + path;
}

std::string FakeSession::Hidden(const std::string& full_path) const {
  if (chroot_.empty()) return full_path;
  return full_path == chroot_ ? "/" : full_path.substr(chroot_.size());
}

Result<Node> FakeSession::Get(const std::string& path, Watch watch) {
  const std::string what = "cannot read " + path;
  const std::lock_guard lock(ensemble_.mutex_);
  const auto full = Ask(path, what);
  if (!full) return tl::unexpected(full.error());
  if (const auto permitted = ensemble_.Permits(*full, permission::kRead, client()); !permitted)
    return Fail(what, permitted.error());
  if (watch == Watch::kYes) ensemble_.data_watches_[*full].insert(id_);
  const auto& node = ensemble_.tree_.at(*full);
  return Node{node.data, node.stat};
}

std::vector<Result<Node>> FakeSession::GetAll(const std::vector<std::string>& paths, Watch watch) {
  std::vector<Result<Node>> nodes;
  for (const auto& path : paths) nodes.push_back(Get(path, watch));
  return nodes;
}

Result<std::optional<NodeStat>> FakeSession::Exists(const std::string& path, Watch watch) {
  const std::lock_guard lock(ensemble_.mutex_);
  const auto full = Ask(path, "cannot look at " + path);
  if (!full) return tl::unexpected(full.error());
  if (watch == Watch::kYes) ensemble_.data_watches_[*full].insert(id_);
  const auto node = ensemble_.tree_.find(*full);
  if (node == ensemble_.tree_.end()) return std::nullopt;
  return node->second.stat;
}

Result<std::vector<std::string>> FakeSession::Children(const std::string& path, Watch watch) {
  const std::string what = "cannot list " + path;
  const std::lock_guard lock(ensemble_.mutex_);
  const auto full = Ask(path, what);
  if (!full) return tl::unexpected(full.error());
  if (const auto permitted = ensemble_.Permits(*full, permission::kRead, client()); !permitted)
    return Fail(what, permitted.error());
  if (watch == Watch::kYes) ensemble_.child_watches_[*full].insert(id_);
  return ensemble_.ChildrenOf(*full);
}

std::vector<Result<std::vector<std::string>>> FakeSession::ChildrenOfAll(
    const std::vector<std::string>& paths, Watch watch) {
  std::vector<Result<std::vector<std::string>>> children;
  for (const auto& path : paths) children.push_back(Children(path, watch));
  return children;
}

Result<std::string> FakeSession::Create(const std::string& path, const std::string& data, Lifetime lifetime) {
  const std::string what = "cannot create " + path;
  const std::lock_guard lock(ensemble_.mutex_);
  const auto full = Ask(path, what);
  if (!full) return tl::unexpected(full.error());
  std::vector<FakeZooKeeper::Change> changes;
  const auto created = ensemble_.Create({*full, data, lifetime}, client(), &changes);
  if (!created) return Fail(what, created.error());
  ensemble_.Fire(changes);
  return Hidden(*created);
}

Status FakeSession::Set(const std::string& path, const std::string& data, std::int32_t version) {
  const std::string what = "cannot write " + path;
  const std::lock_guard lock(ensemble_.mutex_);
  const auto full = Ask(path, what);
  if (!full) return tl::unexpected(full.error());
  std::vector<FakeZooKeeper::Change> changes;
  auto set = WithContext(what, ensemble_.Set({*full, data, version}, client(), &changes));
  ensemble_.Fire(changes);
  return set;
}

Status FakeSession::Delete(const std::string& path, std::int32_t version) {
  const std::string what = "cannot delete " + path;
  const std::lock_guard lock(ensemble_.mutex_);
  const auto full = Ask(path, what);
  if (!full) return tl::unexpected(full.error());
  std::vector<FakeZooKeeper::Change> changes;
  auto deleted = WithContext(what, ensemble_.Delete({*full, version}, client(), &changes));
  ensemble_.Fire(changes);
  return deleted;
}

Status FakeSession::Commit(const Transaction& transaction) {
  const std::lock_guard lock(ensemble_.mutex_);
  const FakeZooKeeper::Tree before = ensemble_.tree_;
  std::vector<FakeZooKeeper::Change> changes;
  const auto carry_out = [&](const auto& step) -> Status {
    const auto full = Ask(step.path, "cannot commit");
    if (!full) return tl::unexpected(full.error());
    auto op = step;
    op.path = *full;
    using Op = std::decay_t<decltype(op)>;
    if constexpr (std::is_same_v<Op, Transaction::CheckOp>) {
      return ensemble_.Check(op, client());
    } else if constexpr (std::is_same_v<Op, Transaction::CreateOp>) {
      return ensemble_.Create(op, client(), &changes).map([](const std::string&) {});
    } else if constexpr (std::is_same_v<Op, Transaction::SetOp>) {
      return ensemble_.Set(op, client(), &changes);
    } else {
      return ensemble_.Delete(op, client(), &changes);
    }
  };
  if (!connected_) return Fail(ErrorKind::kUnavailable, "cannot commit: ZooKeeper is not connected");
  for (const auto& step : transaction.ops()) {
    if (const auto done = std::visit(carry_out, step); !done) {
      ensemble_.tree_ = before;
      const std::string path = std::visit([](const auto& wanted) { return wanted.path; }, step);
      return Fail("cannot commit: " + path, done.error());
    }
  }
  ensemble_.Fire(changes);
  return {};
}

std::vector<Result<Acl>> FakeSession::Acls(const std::vector<std::string>& paths) {
  std::vector<Result<Acl>> acls;
  const std::lock_guard lock(ensemble_.mutex_);
  for (const auto& path : paths) {
    const std::string what = "cannot read the ACL of " + path;
    const auto full = Ask(path, what);
    acls.push_back(full ? WithContext(what, ensemble_.AclOf(*full, client())) : tl::unexpected(full.error()));
  }
  return acls;
}

Status FakeSession::SetAcl(const std::string& path, const Acl& acl) {
  const std::string what = "cannot change the ACL of " + path;
  const std::lock_guard lock(ensemble_.mutex_);
  const auto full = Ask(path, what);
  if (!full) return tl::unexpected(full.error());
  if (const auto permitted = ensemble_.Permits(*full, permission::kAdmin, client()); !permitted)
    return Fail(what, permitted.error());
  ensemble_.tree_[*full].acl = acl;
  return {};
}

Status FakeSession::EnsureChroot() {
  if (chroot_.empty()) return {};
  const std::lock_guard lock(ensemble_.mutex_);
  if (!connected_) return Fail(ErrorKind::kUnavailable, "cannot look at /: ZooKeeper is not connected");
  std::vector<FakeZooKeeper::Change> changes;
  for (std::size_t slash = 0; slash != std::string::npos;) {
    slash = chroot_.find('/', slash + 1);
    const std::string node = chroot_.substr(0, slash);
    if (ensemble_.tree_.contains(node)) continue;
    const auto made = ensemble_.Create({node, "", Lifetime::kPersistent}, client(), &changes);
    if (!made) return Fail("cannot create the chroot " + chroot_, made.error());
  }
  ensemble_.Fire(changes);
  return {};
}

}  // namespace redis_zk::testing
