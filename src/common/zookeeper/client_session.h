// The session at real ZooKeeper, over the C client. It outlives its handle: when the server expires it, or
// when it has been silent for longer than the session can have lived, a new handle is opened and a new
// session begins. Only this folder includes zookeeper.h.
//
// Its parts: resolution.h makes addresses of the host names, survey.h asks the servers why none serves us,
// ClientHandle is one handle on them with the state of its session, requests.h asks over a handle,
// ChrootMaker makes what is above the session's root.
//
// Threads: as of every Session. The C client's threads push the events. The request timeout is the session's
// and at most five seconds.
//
// The C client's traps that this folder stands in front of (client 3.8.0 and 3.9.3): it never tries half of a
// server list of even length and spins on it, so the list is padded to an odd one; it resolves names on every
// turn of its loop, so it is given addresses; it inherits its sockets to children, so they are closed before
// exec (os/child).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/backoff.h"
#include "base/inquiry.h"
#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "zookeeper/chroot.h"
#include "zookeeper/hosts.h"
#include "zookeeper/session.h"
#include "zookeeper/survey.h"

namespace redis_zk::zookeeper {

class ClientHandle;

class ClientSession final : public Session {
 public:
  ClientSession(Hosts hosts, Security security, Duration session_timeout, Sink sink);
  ~ClientSession() override;

  void Maintain(TimePoint now) override;
  bool connected() const override;
  bool refused() const override;
  std::string outage() const override { return survey_.said(); }
  bool Answers(Duration within) override;
  std::int64_t id() const override;
  Result<Node> Get(const std::string& path, Watch watch) override;
  std::vector<Result<Node>> GetAll(const std::vector<std::string>& paths, Watch watch) override;
  Result<std::optional<NodeStat>> Exists(const std::string& path, Watch watch) override;
  Result<std::vector<std::string>> Children(const std::string& path, Watch watch) override;
  std::vector<Result<std::vector<std::string>>> ChildrenOfAll(const std::vector<std::string>& paths,
                                                              Watch watch) override;
  Result<std::string> Create(const std::string& path, const std::string& data, Lifetime lifetime) override;
  Status Set(const std::string& path, const std::string& data, std::int32_t version) override;
  Status Delete(const std::string& path, std::int32_t version) override;
  Status Commit(const Transaction& transaction) override;
  std::vector<Result<Acl>> Acls(const std::vector<std::string>& paths) override;
  Status SetAcl(const std::string& path, const Acl& acl) override;
  Status EnsureChroot() override;

 private:
  using Resolution = Inquiry<Result<std::vector<std::string>>>;

  // Whether a session is or may still be: connected, or silent for not too long.
  bool KeepHandle(TimePoint now);
  void BeginResolving(TimePoint now);
  void Open(const std::vector<std::string>& addresses);

  const Hosts hosts_;
  const Credentials credentials_;
  const Acl acl_;  // of what it creates
  const Duration session_timeout_;
  const Duration request_timeout_;
  const Sink sink_;
  Backoff backoff_;
  TimePoint retry_at_{};
  std::unique_ptr<Resolution> resolving_;  // nothing: no names are being resolved
  Survey survey_;
  std::unique_ptr<ClientHandle> handle_;
  bool refused_ = false;                // the last handle was
  std::vector<std::string> addresses_;  // that it was opened with
  ChrootMaker chroot_;
  LogOnChange log_problem_;  // until it is connected again
};

// The factory of the daemons.
std::unique_ptr<Session> OpenClientSession(const Hosts& hosts, const Security& security,
                                           Duration session_timeout, Session::Sink sink);

}  // namespace redis_zk::zookeeper
