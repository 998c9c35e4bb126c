// A ZooKeeper session, as everything but its owner's main sees it: the seam at ZooKeeper. ClientSession is
// the real one; tests use one in memory, held to the same contract by the same tests.
//
// A session outlives its connection, and this object outlives the session: when the session has ended,
// Maintain begins a new one, with another id and without the ephemeral znodes and the watches of the old one.
//
// Threads: one thread, the owner's loop, calls everything. Only the sink is called from other threads, too.
// Calls block until the answer or the request timeout, which GetAll and ChildrenOfAll have once for all of
// their questions; while disconnected they fail at once.
//
// What a failure means: kUnavailable, nothing was sent; kUnknownOutcome, the request was sent and its answer
// was lost, so a write may have happened or may still happen, but not after a later request of this session;
// anything else is the server's answer: kNotFound, kAlreadyExists, kConflict for another version or a znode
// with children, kRefused for a child of an ephemeral znode or a full quota, kDenied where an ACL does not
// permit it to us, kInvalid for what is no path.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "zookeeper/hosts.h"
#include "zookeeper/security.h"

namespace redis_zk::zookeeper {

// How often a session is maintained when nothing happens.
inline constexpr Duration kUpkeep = 1s;

struct SessionEvent {
  enum class Kind {
    kProgress,   // Maintain has something to do
    kConnected,  // a new session, or the same one on another connection
    kDisconnected,
    kExpired,      // the session is over, and its ephemeral znodes are gone
    kNodeChanged,  // a watch fired: the znode, its data or its children changed
  };
  Kind kind;
  std::string path;  // kNodeChanged only
};

// What the server says about a znode.
struct NodeStat {
  std::int32_t version = 0;
  std::int64_t ephemeral_owner = 0;  // session id; 0 = persistent
  // Milliseconds since 1970 by the server's clock: the last change of the data.
  std::int64_t modified_at = 0;
};

struct Node {
  std::string data;
  NodeStat stat;
};

enum class Watch { kNo, kYes };
enum class Lifetime { kPersistent, kEphemeral, kEphemeralSequential };

// Several writes that happen together or not at all.
class Transaction {
 public:
  struct CheckOp {
    std::string path;
    std::int32_t version;
  };
  struct CreateOp {
    std::string path, data;
    Lifetime lifetime;
  };
  struct SetOp {
    std::string path, data;
    std::int32_t version;
  };
  struct DeleteOp {
    std::string path;
    std::int32_t version;
  };
  using Op = std::variant<CheckOp, CreateOp, SetOp, DeleteOp>;

  void Add(Op op) { ops_.push_back(std::move(op)); }
  const std::vector<Op>& ops() const { return ops_; }

 private:
  std::vector<Op> ops_;
};

// For SetOp, DeleteOp and CheckOp: whatever version the znode has.
inline constexpr std::int32_t kAnyVersion = -1;

class Session {
 public:
  // Called from any thread; must only pass the event on, and call nothing of the session.
  using Sink = std::function<void(SessionEvent)>;

  // Ends the session: when connected, its ephemeral znodes vanish at once. The sink is not called afterwards.
  virtual ~Session() = default;
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Connects, and begins a new session after the end of one. Call on every SessionEvent and at least once a
  // second.
  virtual void Maintain(TimePoint now) = 0;

  virtual bool connected() const = 0;
  // Whether the last session ended because the server takes no credentials like ours. Not for a wrong
  // password, which is another user.
  virtual bool refused() const = 0;
  // What its servers said of themselves a moment ago, in one sentence; empty: connected, or not known yet.
  virtual std::string outage() const = 0;
  // Whether ZooKeeper answers now: a round trip to the leader of at most `within`. connected() may still say
  // yes for two thirds of the session timeout after a cable was cut, and a server that has lost its leader
  // answers reads for some seconds more.
  virtual bool Answers(Duration within) = 0;
  // The id of the session, 0 while there is none. A change means: register everything again.
  virtual std::int64_t id() const = 0;

  virtual Result<Node> Get(const std::string& path, Watch watch) = 0;
  // The same for many at once, in about one round trip; the answers stand in the order of `paths`.
  virtual std::vector<Result<Node>> GetAll(const std::vector<std::string>& paths, Watch watch) = 0;
  // Nothing: the znode does not exist; the watch then fires when it comes into being.
  virtual Result<std::optional<NodeStat>> Exists(const std::string& path, Watch watch) = 0;
  virtual Result<std::vector<std::string>> Children(const std::string& path, Watch watch) = 0;
  // The same for many at once, as GetAll.
  virtual std::vector<Result<std::vector<std::string>>> ChildrenOfAll(const std::vector<std::string>& paths,
                                                                      Watch watch) = 0;
  // The path that was created, with its sequence number where there is one. Its ACL is the session's own,
  // here and in a transaction.
  virtual Result<std::string> Create(const std::string& path, const std::string& data, Lifetime lifetime) = 0;
  virtual Status Set(const std::string& path, const std::string& data, std::int32_t version) = 0;
  virtual Status Delete(const std::string& path, std::int32_t version) = 0;
  virtual Status Commit(const Transaction& transaction) = 0;
  // The ACLs of many znodes, as GetAll. Hashes in them are hidden from those who may not change them.
  virtual std::vector<Result<Acl>> Acls(const std::vector<std::string>& paths) = 0;
  // Whatever version the ACL has.
  virtual Status SetAcl(const std::string& path, const Acl& acl) = 0;

  // Creates the chroot with its parents; no error when it is there, or when there is none.
  virtual Status EnsureChroot() = 0;
  // Creates the persistent znode and every parent it lacks, those above the chroot, too; no error when it is
  // there. What is missing below the chroot appears at once: no client can delete a parent that is still
  // empty. Made of the calls above.
  Status EnsurePath(const std::string& path);

 protected:
  Session() = default;

  Status EnsureNode(const std::string& path);

 private:
  // The znode and its parents, as far as they are not there; parents first.
  Result<std::vector<std::string>> MissingOf(const std::string& path);
};

// How an owner opens its session, which is not connected yet.
using SessionFactory = std::function<std::unique_ptr<Session>(const Hosts& hosts, const Security& security,
                                                              Duration session_timeout, Session::Sink sink)>;

}  // namespace redis_zk::zookeeper
