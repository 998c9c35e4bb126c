// A ZooKeeper session that outlives its handle: when the server expires it, or when it has been silent for
// longer than the session can have lived, a new handle is opened and a new session begins. Only this folder
// includes zookeeper.h.
//
// Threads: one thread, the owner's loop, calls everything. The C client's threads only push SessionEvents
// into the sink. Calls block until the answer or the request timeout, which is the session's and at most five
// seconds, and which GetAll and ChildrenOfAll have once for all of their questions; while disconnected they
// fail at once. Names are resolved by threads of their own, for which nobody waits.
//
// What a failure means: kUnavailable, nothing was sent; kUnknownOutcome, the request was sent and its answer
// was lost, so a write may have happened; anything else is the server's answer.
//
// The C client's traps that this class stands in front of (client 3.8.0 and 3.9.3): it never tries half of a
// server list of even length and spins on it, so the list is padded to an odd one; it resolves names on every
// turn of its loop, so it is given addresses; it inherits its sockets to children, so they are closed before
// exec (process/child).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/backoff.h"
#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "zookeeper/hosts.h"

namespace redis_zk::zookeeper {

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
  // Called from the C client's threads; must only pass the event on.
  using Sink = std::function<void(SessionEvent)>;

  Session(Hosts hosts, Duration session_timeout, Sink sink);
  // Ends the session: when connected, its ephemeral znodes vanish at once.
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Opens, watches over and reopens the handle. Call on every SessionEvent and at least once a second.
  void Maintain(TimePoint now);

  bool connected() const;
  // Whether the server answers now: a round trip of at most `within`. connected() may still say yes for two
  // thirds of the session timeout after a cable was cut.
  bool Answers(Duration within);
  // The id of the session, 0 while there is none. A change means: register everything again.
  std::int64_t id() const;

  Result<Node> Get(const std::string& path, Watch watch);
  // The same for many at once, in about one round trip; the answers stand in the order of `paths`.
  std::vector<Result<Node>> GetAll(const std::vector<std::string>& paths, Watch watch);
  // Nothing: the znode does not exist; the watch then fires when it comes into being.
  Result<std::optional<NodeStat>> Exists(const std::string& path, Watch watch);
  Result<std::vector<std::string>> Children(const std::string& path, Watch watch);
  // The same for many at once, as GetAll.
  std::vector<Result<std::vector<std::string>>> ChildrenOfAll(const std::vector<std::string>& paths,
                                                              Watch watch);
  // The path that was created, with its sequence number where there is one.
  Result<std::string> Create(const std::string& path, const std::string& data, Lifetime lifetime);
  Status Set(const std::string& path, const std::string& data, std::int32_t version);
  Status Delete(const std::string& path, std::int32_t version);
  Status Commit(const Transaction& transaction);
  // Creates the persistent znode and every parent it lacks, those above the chroot, too; no error when it is
  // there.
  Status EnsurePath(const std::string& path);

 private:
  struct Handle;
  struct Resolution;

  void Open(const std::vector<std::string>& addresses);
  Status MakeChroot();
  Status TryMakeChroot();

  const Hosts hosts_;
  const Duration session_timeout_;
  const Duration request_timeout_;
  const Sink sink_;
  Backoff backoff_;
  // Each try is a session of its own.
  Backoff chroot_backoff_;
  TimePoint chroot_at_{};
  Status chroot_made_;
  LogOnChange log_chroot_;
  LogOnChange log_problem_;  // until it is connected again
  TimePoint retry_at_{};
  std::shared_ptr<Resolution> resolving_;  // nothing: no names are being resolved
  std::unique_ptr<Handle> handle_;
  std::vector<std::string> addresses_;  // that it was opened with
};

// "host:port,host:port" for the C client, of odd length: the first address stands twice where there would be
// an even number. REQUIRES: addresses is not empty.
std::string ConnectString(const std::vector<std::string>& addresses, const std::string& chroot);

}  // namespace redis_zk::zookeeper
