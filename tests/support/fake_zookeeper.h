// A ZooKeeper in memory, and sessions at it, held to the same contract as the real one by
// tests/support/session_contract.h. Time passes only when the test says so: a session ends when the test ends
// it.
//
// Threads: each session as every Session; the ensemble from any. Sinks are called with the ensemble locked.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "zookeeper/session.h"

namespace redis_zk::testing {

class FakeSession;

class FakeZooKeeper {
 public:
  FakeZooKeeper();
  FakeZooKeeper(const FakeZooKeeper&) = delete;
  FakeZooKeeper& operator=(const FakeZooKeeper&) = delete;

  // Opens sessions here, which must not outlive this. Hosts are ignored, but for the chroot.
  zookeeper::SessionFactory Factory();

  // As another user, or an administrator. The znode is there or not.
  bool SetAcl(const std::string& path, const zookeeper::Acl& acl);
  // From now on no session with credentials is begun.
  void RefuseCredentials() { takes_credentials_ = false; }

  // The server's side of a session: it is over, and its ephemeral znodes and watches are gone. The client
  // learns of it when it is connected: at once, or when Reconnect lets it ask.
  void Expire(std::int64_t session);
  // Breaks the connection of a session, which lives on, and its client cannot reconnect.
  void Disconnect(std::int64_t session);
  void Reconnect(std::int64_t session);

  // Its clock goes on, with which it stamps what is written.
  void Advance(Duration duration) {
    const std::lock_guard lock(mutex_);
    now_ms_ += duration.count();
  }

  // The whole ensemble is away, or back for every session: none can be begun meanwhile. Sessions live on.
  void Stop();
  void Start();

 private:
  friend class FakeSession;

  struct FakeNode {
    std::string data;
    zookeeper::NodeStat stat;
    std::int64_t creates = 0;  // of children, ever: the next sequence number
    zookeeper::Acl acl = zookeeper::AclFor({});
  };
  // Who asks.
  struct Client {
    std::int64_t session = 0;
    std::string digest;         // empty: it has no credentials
    const zookeeper::Acl& acl;  // of what it creates
  };
  using Tree = std::map<std::string, FakeNode>;  // by path
  using Sessions = std::set<std::int64_t>;
  struct Change {
    enum class Kind { kCreated, kDataSet, kDeleted } kind;
    std::string path;
  };

  // All of these: REQUIRES the lock.
  // Whether the znode is there, and permits one of these.
  Status Permits(const std::string& path, std::int32_t permissions, const Client& client) const;
  Status CheckVersion(const std::string& path, std::int32_t version) const;
  Status Check(const zookeeper::Transaction::CheckOp& op, const Client& client) const;
  Result<std::string> Create(const zookeeper::Transaction::CreateOp& op, const Client& client,
                             std::vector<Change>* changes);
  Status Set(const zookeeper::Transaction::SetOp& op, const Client& client, std::vector<Change>* changes);
  Status Delete(const zookeeper::Transaction::DeleteOp& op, const Client& client,
                std::vector<Change>* changes);
  Result<zookeeper::Acl> AclOf(const std::string& path, const Client& client) const;
  std::vector<std::string> ChildrenOf(const std::string& path) const;
  void Fire(const std::vector<Change>& changes);
  void FireFor(const std::set<std::int64_t>& sessions, const std::string& path);
  void End(std::int64_t session);

  std::mutex mutex_;
  Tree tree_;
  std::map<std::string, Sessions> data_watches_;  // by path
  std::map<std::string, Sessions> child_watches_;
  Sessions living_;
  std::map<std::int64_t, FakeSession*> clients_;  // by the session that they believe to have
  std::int64_t last_session_ = 0;
  std::int64_t now_ms_ = 1'000'000;  // every write takes a millisecond
  bool running_ = true;
  std::atomic<bool> takes_credentials_ = true;
};

class FakeSession final : public zookeeper::Session {
 public:
  FakeSession(FakeZooKeeper& ensemble, std::string chroot, const zookeeper::Security& security, Sink sink);
  // The session of one that is not connected lives on until the test ends it, as that of a killed process.
  ~FakeSession() override;

  void Maintain(TimePoint now) override;
  bool connected() const override { return connected_; }
  bool refused() const override { return refused_; }
  std::string outage() const override { return ""; }
  bool Answers(Duration within) override;
  std::int64_t id() const override { return id_; }
  Result<zookeeper::Node> Get(const std::string& path, zookeeper::Watch watch) override;
  std::vector<Result<zookeeper::Node>> GetAll(const std::vector<std::string>& paths,
                                              zookeeper::Watch watch) override;
  Result<std::optional<zookeeper::NodeStat>> Exists(const std::string& path, zookeeper::Watch watch) override;
  Result<std::vector<std::string>> Children(const std::string& path, zookeeper::Watch watch) override;
  std::vector<Result<std::vector<std::string>>> ChildrenOfAll(const std::vector<std::string>& paths,
                                                              zookeeper::Watch watch) override;
  Result<std::string> Create(const std::string& path, const std::string& data,
                             zookeeper::Lifetime lifetime) override;
  Status Set(const std::string& path, const std::string& data, std::int32_t version) override;
  Status Delete(const std::string& path, std::int32_t version) override;
  Status Commit(const zookeeper::Transaction& transaction) override;
  std::vector<Result<zookeeper::Acl>> Acls(const std::vector<std::string>& paths) override;
  Status SetAcl(const std::string& path, const zookeeper::Acl& acl) override;
  Status EnsureChroot() override;

 private:
  friend class FakeZooKeeper;

  // What the server sees of a path, or why the request is not sent.
  Result<std::string> Ask(const std::string& path, const std::string& what) const;
  std::string Hidden(const std::string& full_path) const;
  void LearnOfEnd();
  FakeZooKeeper::Client client() const { return {id_, digest_, acl_}; }

  FakeZooKeeper& ensemble_;
  const std::string chroot_;
  const std::string digest_;
  const zookeeper::Acl acl_;
  const Sink sink_;
  // Written with the ensemble locked; read without, since a sink's reader may hold a lock of its own.
  std::atomic<bool> connected_ = false;
  std::atomic<std::int64_t> id_ = 0;
  std::atomic<bool> refused_ = false;
  bool cut_off_ = false;
  std::vector<std::string> missed_;  // watches that fired while it was not connected
};

}  // namespace redis_zk::testing
