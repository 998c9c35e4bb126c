#include "support/fake_zookeeper.h"

#include <fmt/core.h>

#include <utility>

namespace redis_zk::testing {

using zookeeper::Acl;
using zookeeper::kAnyVersion;
using zookeeper::Lifetime;
using zookeeper::SessionEvent;
using zookeeper::Transaction;
using Kind = SessionEvent::Kind;
namespace permission = zookeeper::permission;

namespace {

std::string ParentOf(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

FakeZooKeeper::FakeZooKeeper() { tree_["/"]; }

zookeeper::SessionFactory FakeZooKeeper::Factory() {
  return [this](const zookeeper::Hosts& hosts, const zookeeper::Security& security,
                Duration /*session_timeout*/, zookeeper::Session::Sink sink) {
    return std::make_unique<FakeSession>(*this, hosts.chroot, security, std::move(sink));
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

bool FakeZooKeeper::SetAcl(const std::string& path, const zookeeper::Acl& acl) {
  const std::lock_guard lock(mutex_);
  const auto node = tree_.find(path);
  if (node == tree_.end()) return false;
  node->second.acl = acl;
  return true;
}

Status FakeZooKeeper::Permits(const std::string& path, std::int32_t permissions, const Client& client) const {
  const auto node = tree_.find(path);
  if (node == tree_.end()) return Fail(ErrorKind::kNotFound, "no node");
  for (const auto& grant : node->second.acl) {
    const bool meant = grant.scheme == "world" || (!client.digest.empty() && grant.id == client.digest);
    if (meant && (grant.allowed & permissions) != 0) return {};
  }
  return Fail(ErrorKind::kDenied, "permission denied");
}

// REQUIRES: the znode is there.
Status FakeZooKeeper::CheckVersion(const std::string& path, std::int32_t version) const {
  if (version != kAnyVersion && version != tree_.at(path).stat.version)
    return Fail(ErrorKind::kConflict, "bad version");
  return {};
}

Status FakeZooKeeper::Check(const Transaction::CheckOp& op, const Client& client) const {
  if (auto permitted = Permits(op.path, permission::kRead, client); !permitted) return permitted;
  return CheckVersion(op.path, op.version);
}

Result<std::string> FakeZooKeeper::Create(const Transaction::CreateOp& op, const Client& client,
                                          std::vector<Change>* changes) {
  const bool is_sequential = op.lifetime == Lifetime::kEphemeralSequential;
  if (op.path == "/" && !is_sequential) return Fail(ErrorKind::kAlreadyExists, "node exists");
  if (const auto permitted = Permits(ParentOf(op.path), permission::kCreate, client); !permitted)
    return tl::unexpected(permitted.error());
  const auto parent = tree_.find(ParentOf(op.path));
  if (parent->second.stat.ephemeral_owner != 0)
    return Fail(ErrorKind::kRefused, "no children for ephemerals");
  const std::string path = is_sequential ? fmt::format("{}{:010}", op.path, parent->second.creates) : op.path;
  if (tree_.contains(path)) return Fail(ErrorKind::kAlreadyExists, "node exists");
  ++parent->second.creates;
  const std::int64_t owner = op.lifetime == Lifetime::kPersistent ? 0 : client.session;
  tree_[path] = {.data = op.data,
                 .stat = {.version = 0, .ephemeral_owner = owner, .modified_at = ++now_ms_},
                 .acl = client.acl};
  changes->push_back({Change::Kind::kCreated, path});
  return path;
}

Status FakeZooKeeper::Set(const Transaction::SetOp& op, const Client& client, std::vector<Change>* changes) {
  if (auto permitted = Permits(op.path, permission::kWrite, client); !permitted) return permitted;
  if (auto checked = CheckVersion(op.path, op.version); !checked) return checked;
  FakeNode& node = tree_[op.path];
  node.data = op.data;
  ++node.stat.version;
  node.stat.modified_at = ++now_ms_;
  changes->push_back({Change::Kind::kDataSet, op.path});
  return {};
}

Status FakeZooKeeper::Delete(const Transaction::DeleteOp& op, const Client& client,
                             std::vector<Change>* changes) {
  if (op.path == "/") return Fail(ErrorKind::kInvalid, "bad arguments");
  if (auto permitted = Permits(ParentOf(op.path), permission::kDelete, client); !permitted) return permitted;
  if (!tree_.contains(op.path)) return Fail(ErrorKind::kNotFound, "no node");
  if (auto checked = CheckVersion(op.path, op.version); !checked) return checked;
  if (!ChildrenOf(op.path).empty()) return Fail(ErrorKind::kConflict, "not empty");
  tree_.erase(op.path);
  changes->push_back({Change::Kind::kDeleted, op.path});
  return {};
}

Result<Acl> FakeZooKeeper::AclOf(const std::string& path, const Client& client) const {
  if (const auto permitted = Permits(path, permission::kRead | permission::kAdmin, client); !permitted)
    return tl::unexpected(permitted.error());
  Acl acl = tree_.at(path).acl;
  if (Permits(path, permission::kAdmin, client)) return acl;
  for (auto& grant : acl) {
    if (grant.scheme == "digest") grant.id = grant.id.substr(0, grant.id.find(':')) + ":x";
  }
  return acl;
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

}  // namespace redis_zk::testing
