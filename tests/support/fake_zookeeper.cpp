#include "support/fake_zookeeper.h"

#include <fmt/core.h>

#include <optional>
#include <utility>
#include <variant>

namespace redis_zk::testing {

using zookeeper::kAnyVersion;
using zookeeper::Lifetime;
using zookeeper::Node;
using zookeeper::NodeStat;
using zookeeper::SessionEvent;
using zookeeper::Transaction;
using zookeeper::Watch;
using Kind = SessionEvent::Kind;

namespace {

std::string ParentOf(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == 0 ? "/" : path.substr(0, slash);
}

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

FakeZooKeeper::FakeZooKeeper() { tree_["/"]; }

zookeeper::SessionFactory FakeZooKeeper::Factory() {
  return [this](const zookeeper::Hosts& hosts, Duration /*session_timeout*/, zookeeper::Session::Sink sink) {
    return std::make_unique<FakeSession>(*this, hosts.chroot, std::move(sink));
  };
}

void FakeZooKeeper::Expire(std::int64_t session) {
  const std::lock_guard lock(mutex_);
  End(session);
  const auto client = clients_.find(session);
  if (client != clients_.end() && client->second->connected_) client->second->LearnOfEnd();
}

void FakeZooKeeper::Disconnect(std::int64_t session) {
  const std::lock_guard lock(mutex_);
  const auto found = clients_.find(session);
  if (found == clients_.end()) return;
  FakeSession& client = *found->second;
  client.cut_off_ = true;
  if (client.connected_.exchange(false)) client.sink_({Kind::kDisconnected, ""});
}

void FakeZooKeeper::Reconnect(std::int64_t session) {
  const std::lock_guard lock(mutex_);
  const auto found = clients_.find(session);
  if (found == clients_.end()) return;
  FakeSession& client = *found->second;
  client.cut_off_ = false;
  if (!running_ || client.connected_) return;
  if (!living_.contains(session)) return client.LearnOfEnd();
  client.connected_ = true;
  client.sink_({Kind::kConnected, ""});
  for (auto& path : std::exchange(client.missed_, {})) client.sink_({Kind::kNodeChanged, std::move(path)});
}

void FakeZooKeeper::Stop() {
  std::vector<std::int64_t> sessions;
  {
    const std::lock_guard lock(mutex_);
    running_ = false;
    for (const auto& [session, client] : clients_) sessions.push_back(session);
  }
  for (const auto session : sessions) Disconnect(session);
}

void FakeZooKeeper::Start() {
  std::vector<std::int64_t> sessions;
  {
    const std::lock_guard lock(mutex_);
    running_ = true;
    for (const auto& [session, client] : clients_) sessions.push_back(session);
  }
  for (const auto session : sessions) Reconnect(session);
}

Status FakeZooKeeper::Check(const std::string& path, std::int32_t version) const {
  const auto node = tree_.find(path);
  if (node == tree_.end()) return Fail(ErrorKind::kNotFound, "no node");
  if (version != kAnyVersion && version != node->second.stat.version)
    return Fail(ErrorKind::kConflict, "bad version");
  return {};
}

Result<std::string> FakeZooKeeper::Create(const Transaction::CreateOp& op, std::int64_t session,
                                          std::vector<Change>* changes) {
  const bool is_sequential = op.lifetime == Lifetime::kEphemeralSequential;
  if (op.path == "/" && !is_sequential) return Fail(ErrorKind::kAlreadyExists, "node exists");
  const auto parent = tree_.find(ParentOf(op.path));
  if (parent == tree_.end()) return Fail(ErrorKind::kNotFound, "no node");
  if (parent->second.stat.ephemeral_owner != 0)
    return Fail(ErrorKind::kRefused, "no children for ephemerals");
  const std::string path = is_sequential ? fmt::format("{}{:010}", op.path, parent->second.creates) : op.path;
  if (tree_.contains(path)) return Fail(ErrorKind::kAlreadyExists, "node exists");
  ++parent->second.creates;
  const std::int64_t owner = op.lifetime == Lifetime::kPersistent ? 0 : session;
  tree_[path] = {.data = op.data, .stat = {.version = 0, .ephemeral_owner = owner, .modified_at = ++now_ms_}};
  changes->push_back({Change::Kind::kCreated, path});
  return path;
}

Status FakeZooKeeper::Set(const Transaction::SetOp& op, std::vector<Change>* changes) {
  if (auto checked = Check(op.path, op.version); !checked) return checked;
  FakeNode& node = tree_[op.path];
  node.data = op.data;
  ++node.stat.version;
  node.stat.modified_at = ++now_ms_;
  changes->push_back({Change::Kind::kDataSet, op.path});
  return {};
}

Status FakeZooKeeper::Delete(const Transaction::DeleteOp& op, std::vector<Change>* changes) {
  if (op.path == "/") return Fail(ErrorKind::kInvalid, "bad arguments");
  if (auto checked = Check(op.path, op.version); !checked) return checked;
  if (!ChildrenOf(op.path).empty()) return Fail(ErrorKind::kConflict, "not empty");
  tree_.erase(op.path);
  changes->push_back({Change::Kind::kDeleted, op.path});
  return {};
}

std::vector<std::string> FakeZooKeeper::ChildrenOf(const std::string& path) const {
  const std::string prefix = path == "/" ? path : path + '/';
  std::vector<std::string> children;
  for (auto node = tree_.upper_bound(prefix); node != tree_.end() && node->first.starts_with(prefix);
       ++node) {
    std::string name = node->first.substr(prefix.size());
    if (name.find('/') == std::string::npos) children.push_back(std::move(name));
  }
  return children;
}

void FakeZooKeeper::Fire(const std::vector<Change>& changes) {
  const auto take = [](std::map<std::string, Sessions>* watches, const std::string& path) {
    auto taken = watches->extract(path);
    return taken.empty() ? Sessions{} : std::move(taken.mapped());
  };
  for (const auto& [kind, path] : changes) {
    Sessions told = take(&data_watches_, path);
    // A session that watches a znode and its children is told of its end once.
    if (kind == Change::Kind::kDeleted) told.merge(take(&child_watches_, path));
    FireFor(told, path);
    if (kind != Change::Kind::kDataSet && path != "/")
      FireFor(take(&child_watches_, ParentOf(path)), ParentOf(path));
  }
}

void FakeZooKeeper::FireFor(const Sessions& sessions, const std::string& path) {
  for (const auto session : sessions) {
    const auto client = clients_.find(session);
    if (client == clients_.end()) continue;
    std::string hidden = client->second->Hidden(path);
    if (client->second->connected_) {
      client->second->sink_({Kind::kNodeChanged, std::move(hidden)});
    } else {
      client->second->missed_.push_back(std::move(hidden));
    }
  }
}

void FakeZooKeeper::End(std::int64_t session) {
  if (living_.erase(session) == 0) return;
  for (auto* watches : {&data_watches_, &child_watches_}) {
    for (auto& [path, sessions] : *watches) sessions.erase(session);
  }
  std::vector<Change> changes;
  for (const auto& [path, node] : tree_) {
    if (node.stat.ephemeral_owner == session) changes.push_back({Change::Kind::kDeleted, path});
  }
  for (const auto& change : changes) tree_.erase(change.path);
  Fire(changes);
}

FakeSession::FakeSession(FakeZooKeeper& ensemble, std::string chroot, Sink sink)
    : ensemble_(ensemble), chroot_(std::move(chroot)), sink_(std::move(sink)) {}

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
  const auto node = ensemble_.tree_.find(*full);
  if (node == ensemble_.tree_.end()) return Fail(ErrorKind::kNotFound, what + ": no node");
  if (watch == Watch::kYes) ensemble_.data_watches_[*full].insert(id_);
  return Node{node->second.data, node->second.stat};
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
  if (!ensemble_.tree_.contains(*full)) return Fail(ErrorKind::kNotFound, what + ": no node");
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
  const auto created = ensemble_.Create({*full, data, lifetime}, id_, &changes);
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
  auto set = WithContext(what, ensemble_.Set({*full, data, version}, &changes));
  ensemble_.Fire(changes);
  return set;
}

Status FakeSession::Delete(const std::string& path, std::int32_t version) {
  const std::string what = "cannot delete " + path;
  const std::lock_guard lock(ensemble_.mutex_);
  const auto full = Ask(path, what);
  if (!full) return tl::unexpected(full.error());
  std::vector<FakeZooKeeper::Change> changes;
  auto deleted = WithContext(what, ensemble_.Delete({*full, version}, &changes));
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
      return ensemble_.Check(op.path, op.version);
    } else if constexpr (std::is_same_v<Op, Transaction::CreateOp>) {
      return ensemble_.Create(op, id_, &changes).map([](const std::string&) {});
    } else if constexpr (std::is_same_v<Op, Transaction::SetOp>) {
      return ensemble_.Set(op, &changes);
    } else {
      return ensemble_.Delete(op, &changes);
    }
  };
  if (!connected_) return Fail(ErrorKind::kUnavailable, "cannot commit: ZooKeeper is not connected");
  for (const auto& step : transaction.ops()) {
    if (const auto done = std::visit(carry_out, step); !done) {
      ensemble_.tree_ = before;
      return Fail("cannot commit", done.error());
    }
  }
  ensemble_.Fire(changes);
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
    if (!ensemble_.tree_.contains(node))
      (void)ensemble_.Create({node, "", Lifetime::kPersistent}, id_, &changes);
  }
  ensemble_.Fire(changes);
  return {};
}

}  // namespace redis_zk::testing
