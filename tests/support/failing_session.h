// A session in front of another one, whose calls fail as those at a real server fail: before or after they
// took effect, or so that they take effect later.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "zookeeper/session.h"

namespace redis_zk::testing {

enum class Fault {
  kBefore,  // nothing is sent: kUnavailable
  kAfter,   // it takes effect, and the answer is lost: kUnknownOutcome
  // The caller is told kUnknownOutcome first. It takes effect with DeliverLate, or just before the next call,
  // since requests of one session keep their order; and never, if the session has ended by then.
  kLate,
};

class FailingSession final : public zookeeper::Session {
 public:
  // The requests, each of which counts as one call; EnsurePath is made of some. Questions about no path are
  // none.
  enum class Call {
    kGet,
    kGetAll,
    kExists,
    kChildren,
    kChildrenOfAll,
    kCreate,
    kSet,
    kDelete,
    kCommit,
    kAcls,
    kSetAcl
  };

  explicit FailingSession(std::unique_ptr<zookeeper::Session> inner) : inner_(std::move(inner)) {}

  // The call `number` from now on, 0 being the next one, fails once. `then` runs when it does, after its
  // effect where it has one, and before the caller is told.
  void FailCall(int number, Fault fault, std::function<void()> then = nullptr);
  // Every call of the kind, until Heal.
  void FailEvery(Call kind, Fault fault) { always_[kind] = fault; }
  // What another client does before every call of the kind, until Heal.
  void BeforeEvery(Call kind, std::function<void()> happens) { before_[kind] = std::move(happens); }
  // What Answers is answered with, and how long that takes, until Heal.
  void AnswerWith(std::function<bool(Duration within)> answers) { answers_ = std::move(answers); }
  // No more faults; those that happened stay. A late request is still under way.
  void Heal();
  void DeliverLate();

  int calls() const { return calls_; }
  int faults() const { return faults_; }

  void Maintain(TimePoint now) override { inner_->Maintain(now); }
  bool connected() const override { return inner_->connected(); }
  bool refused() const override { return inner_->refused(); }
  std::string outage() const override { return inner_->outage(); }
  bool Answers(Duration within) override { return answers_ ? answers_(within) : inner_->Answers(within); }
  std::int64_t id() const override { return inner_->id(); }
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
  Status EnsureChroot() override { return inner_->EnsureChroot(); }

 private:
  struct Planned {
    int call;
    Fault fault;
    std::function<void()> then;
  };

  std::optional<Planned> NextFault(Call kind);
  // How the call fails, if it is to; then `request` has been carried out, or put off, as the fault wants it.
  std::optional<Error> Fails(Call kind, std::function<void()> request);
  template <class Request>
  std::invoke_result_t<Request> Try(Call kind, const std::string& what, const Request& request);

  const std::unique_ptr<zookeeper::Session> inner_;
  std::optional<Planned> planned_;
  std::map<Call, Fault> always_;
  std::map<Call, std::function<void()>> before_;
  std::function<bool(Duration)> answers_;
  std::function<void()> late_;
  std::int64_t late_session_ = 0;
  int calls_ = 0;
  int faults_ = 0;
};

}  // namespace redis_zk::testing
