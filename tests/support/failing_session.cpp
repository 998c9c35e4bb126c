#include "support/failing_session.h"

#include <utility>

namespace redis_zk::testing {

using zookeeper::Acl;
using zookeeper::Lifetime;
using zookeeper::Node;
using zookeeper::NodeStat;
using zookeeper::Transaction;
using zookeeper::Watch;

void FailingSession::FailCall(int number, Fault fault, std::function<void()> then) {
  planned_ = Planned{calls_ + number, fault, std::move(then)};
}

void FailingSession::Heal() {
  planned_.reset();
  always_.clear();
  before_.clear();
  answers_ = nullptr;
}

void FailingSession::DeliverLate() {
  const auto late = std::exchange(late_, nullptr);
  if (late && inner_->connected() && inner_->id() == late_session_) late();
}

std::optional<FailingSession::Planned> FailingSession::NextFault(Call kind) {
  const int call = calls_++;
  if (planned_ && planned_->call == call) return std::exchange(planned_, std::nullopt);
  if (const auto always = always_.find(kind); always != always_.end())
    return Planned{call, always->second, nullptr};
  return std::nullopt;
}

std::optional<Error> FailingSession::Fails(Call kind, std::function<void()> request) {
  DeliverLate();
  if (const auto before = before_.find(kind); before != before_.end()) before->second();
  const auto fault = NextFault(kind);
  if (!fault) return std::nullopt;
  ++faults_;
  // What is not sent cannot be lost.
  const bool sent = fault->fault != Fault::kBefore && inner_->connected();
  if (sent && fault->fault == Fault::kAfter) request();
  if (sent && fault->fault == Fault::kLate) {
    late_ = std::move(request);
    late_session_ = inner_->id();
  }
  if (fault->then) fault->then();
  return sent ? Error{ErrorKind::kUnknownOutcome, "the answer is lost"}
              : Error{ErrorKind::kUnavailable, "ZooKeeper is not connected"};
}

// A request may outlive the call, so it must hold copies.
template <class Request>
std::invoke_result_t<Request> FailingSession::Try(Call kind, const std::string& what,
                                                  const Request& request) {
  if (const auto error = Fails(kind, [request] { (void)request(); })) return Fail(what, *error);
  return request();
}

Result<Node> FailingSession::Get(const std::string& path, Watch watch) {
  return Try(Call::kGet, "cannot read " + path, [=, this] { return inner_->Get(path, watch); });
}

std::vector<Result<Node>> FailingSession::GetAll(const std::vector<std::string>& paths, Watch watch) {
  if (paths.empty()) return {};
  const auto request = [=, this] { return inner_->GetAll(paths, watch); };
  if (const auto error = Fails(Call::kGetAll, [request] { (void)request(); }))
    return std::vector<Result<Node>>(paths.size(), Fail("cannot read", *error));
  return request();
}

Result<std::optional<NodeStat>> FailingSession::Exists(const std::string& path, Watch watch) {
  return Try(Call::kExists, "cannot look at " + path, [=, this] { return inner_->Exists(path, watch); });
}

Result<std::vector<std::string>> FailingSession::Children(const std::string& path, Watch watch) {
  return Try(Call::kChildren, "cannot list " + path, [=, this] { return inner_->Children(path, watch); });
}

std::vector<Result<std::vector<std::string>>> FailingSession::ChildrenOfAll(
    const std::vector<std::string>& paths, Watch watch) {
  if (paths.empty()) return {};
  const auto request = [=, this] { return inner_->ChildrenOfAll(paths, watch); };
  if (const auto error = Fails(Call::kChildrenOfAll, [request] { (void)request(); }))
    return std::vector<Result<std::vector<std::string>>>(paths.size(), Fail("cannot list", *error));
  return request();
}

Result<std::string> FailingSession::Create(const std::string& path, const std::string& data,
                                           Lifetime lifetime) {
  return Try(Call::kCreate, "cannot create " + path,
             [=, this] { return inner_->Create(path, data, lifetime); });
}

Status FailingSession::Set(const std::string& path, const std::string& data, std::int32_t version) {
  return Try(Call::kSet, "cannot write " + path, [=, this] { return inner_->Set(path, data, version); });
}

Status FailingSession::Delete(const std::string& path, std::int32_t version) {
  return Try(Call::kDelete, "cannot delete " + path, [=, this] { return inner_->Delete(path, version); });
}

Status FailingSession::Commit(const Transaction& transaction) {
  return Try(Call::kCommit, "cannot commit", [=, this] { return inner_->Commit(transaction); });
}

std::vector<Result<Acl>> FailingSession::Acls(const std::vector<std::string>& paths) {
  if (paths.empty()) return {};
  const auto request = [=, this] { return inner_->Acls(paths); };
  if (const auto error = Fails(Call::kAcls, [request] { (void)request(); }))
    return std::vector<Result<Acl>>(paths.size(), Fail("cannot read the ACLs", *error));
  return request();
}

Status FailingSession::SetAcl(const std::string& path, const Acl& acl) {
  return Try(Call::kSetAcl, "cannot change the ACL of " + path,
             [=, this] { return inner_->SetAcl(path, acl); });
}

}  // namespace redis_zk::testing
