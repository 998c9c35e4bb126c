#include "zookeeper/requests.h"

#include <fmt/core.h>
#include <zookeeper/zookeeper.h>

#include <algorithm>
#include <future>
#include <memory>
#include <type_traits>
#include <utility>
#include <variant>

namespace redis_zk::zookeeper {

namespace {

// As many as a server takes of one connection at a time (globalOutstandingLimit), with room for others: those
// beyond would wait there, also after our timeout and before our next request.
constexpr std::size_t kMostUnanswered = 500;
constexpr const char* kLate = ": no answer from ZooKeeper in time";

// KeeperException.Code.QUOTAEXCEEDED, of a server with enforceQuota=true (since 3.7).
constexpr int kQuotaExceeded = -125;

NodeStat ToStat(const Stat& stat) { return {stat.version, stat.ephemeralOwner, stat.mtime}; }

int FlagsOf(Lifetime lifetime) {
  switch (lifetime) {
    case Lifetime::kPersistent:
      return 0;
    case Lifetime::kEphemeral:
      return ZOO_EPHEMERAL;
    case Lifetime::kEphemeralSequential:
      return ZOO_EPHEMERAL | ZOO_SEQUENCE;
  }
  return 0;
}

int FlagOf(Watch watch) { return watch == Watch::kYes ? 1 : 0; }

// --- what comes back

template <class T>
using Answer = std::future<Result<T>>;

// One request under way. Its completion owns it, which may come after the caller has stopped waiting.
template <class T>
struct Call {
  std::promise<Result<T>> promise;
  // Of a transaction: its steps' paths, and what became of each; the client fills it in with the answer.
  std::vector<std::string> paths;
  std::vector<zoo_op_result_t> results;

  static void Finish(const void* self, Result<T> result) {
    const std::unique_ptr<Call> call(static_cast<Call*>(const_cast<void*>(self)));
    call->promise.set_value(std::move(result));
  }
};

void OnVoid(int code, const void* call) {
  Call<void>::Finish(call, code == ZOK ? Status() : tl::unexpected(ErrorOfClient(code)));
}

void OnCommit(int code, const void* self) {
  if (code == ZOK) return OnVoid(code, self);
  const auto& call = *static_cast<const Call<void>*>(self);
  // Those before the one that failed have no error, and those after it another one.
  const auto failed = std::find_if(call.results.begin(), call.results.end(),
                                   [code](const auto& result) { return result.err == code; });
  const Error error = ErrorOfClient(code);
  if (failed == call.results.end()) return Call<void>::Finish(self, tl::unexpected(error));
  const std::string path = call.paths[static_cast<std::size_t>(failed - call.results.begin())];
  Call<void>::Finish(self, Fail(path, error));
}

void OnSet(int code, const Stat* /*stat*/, const void* call) { OnVoid(code, call); }

void OnExists(int code, const Stat* stat, const void* call) {
  using Found = Result<std::optional<NodeStat>>;
  if (code == ZNONODE) return Call<std::optional<NodeStat>>::Finish(call, Found(std::nullopt));
  Call<std::optional<NodeStat>>::Finish(
      call, code == ZOK ? Found(ToStat(*stat)) : tl::unexpected(ErrorOfClient(code)));
}

void OnData(int code, const char* value, int length, const Stat* stat, const void* call) {
  if (code != ZOK) return Call<Node>::Finish(call, tl::unexpected(ErrorOfClient(code)));
  // Null data has length -1.
  Call<Node>::Finish(call,
                     Node{std::string(value, static_cast<std::size_t>(std::max(length, 0))), ToStat(*stat)});
}

void OnStrings(int code, const String_vector* strings, const void* call) {
  if (code != ZOK) return Call<std::vector<std::string>>::Finish(call, tl::unexpected(ErrorOfClient(code)));
  Call<std::vector<std::string>>::Finish(
      call, std::vector<std::string>(strings->data, strings->data + strings->count));
}

void OnAcl(int code, ACL_vector* acl, Stat* /*stat*/, const void* call) {
  if (code != ZOK) return Call<Acl>::Finish(call, tl::unexpected(ErrorOfClient(code)));
  Acl grants;
  for (std::int32_t i = 0; i < acl->count; ++i)
    grants.push_back({acl->data[i].perms, acl->data[i].id.scheme, acl->data[i].id.id});
  Call<Acl>::Finish(call, std::move(grants));
}

void OnString(int code, const char* value, const void* call) {
  Call<std::string>::Finish(call,
                            code == ZOK ? Result<std::string>(value) : tl::unexpected(ErrorOfClient(code)));
}

template <class T>
Result<Answer<T>> Send(const ClientHandle* handle, const Request<T>& request) {
  if (handle == nullptr || !handle->state().connected())
    return Fail(ErrorKind::kUnavailable, request.what + ": ZooKeeper is not connected");
  auto call = std::make_unique<Call<T>>();
  auto answer = call->promise.get_future();
  const int code = request.send(handle->raw(), call.get());
  if (code != ZOK) return Fail(request.what, ErrorOfClient(code));
  // Its completion owns it now.
  (void)call.release();
  return answer;
}

template <class T>
Result<T> Await(Result<Answer<T>> answer, TimePoint deadline, const std::string& what) {
  if (!answer) return tl::unexpected(answer.error());
  if (answer->wait_until(deadline) != std::future_status::ready)
    return Fail(ErrorKind::kUnknownOutcome, std::string(what) + kLate);
  auto result = answer->get();
  if (!result) return Fail(what, result.error());
  return result;
}

// The C client's form of an ACL. It points into that, and its pointers are to what must not be written to.
class ClientAcl {
 public:
  explicit ClientAcl(const Acl& acl) {
    for (const auto& [allowed, scheme, id] : acl)
      entries_.push_back({allowed, {const_cast<char*>(scheme.c_str()), const_cast<char*>(id.c_str())}});
    vector_ = {static_cast<std::int32_t>(entries_.size()), entries_.data()};
  }
  ClientAcl(const ClientAcl&) = delete;
  ClientAcl& operator=(const ClientAcl&) = delete;

  ACL_vector* get() { return &vector_; }

 private:
  std::vector<ACL> entries_;
  ACL_vector vector_{};
};

// The C client's form of a transaction's step. It points into `step` and `acl`.
zoo_op_t ToOp(const Transaction::Op& step, ClientAcl& acl) {
  zoo_op_t op{};
  std::visit(
      [&op, &acl](const auto& wanted) {
        using Wanted = std::decay_t<decltype(wanted)>;
        const char* path = wanted.path.c_str();
        if constexpr (std::is_same_v<Wanted, Transaction::CheckOp>) {
          zoo_check_op_init(&op, path, wanted.version);
        } else if constexpr (std::is_same_v<Wanted, Transaction::DeleteOp>) {
          zoo_delete_op_init(&op, path, wanted.version);
        } else if constexpr (std::is_same_v<Wanted, Transaction::SetOp>) {
          zoo_set_op_init(&op, path, wanted.data.data(), static_cast<int>(wanted.data.size()), wanted.version,
                          nullptr);
        } else {
          zoo_create_op_init(&op, path, wanted.data.data(), static_cast<int>(wanted.data.size()), acl.get(),
                             FlagsOf(wanted.lifetime), nullptr, 0);
        }
      },
      step);
  return op;
}

ErrorKind KindOfCode(int code) {
  switch (static_cast<ZOO_ERRORS>(code)) {
    case ZNONODE:
    case ZNOWATCHER:
      return ErrorKind::kNotFound;
    case ZNODEEXISTS:
      return ErrorKind::kAlreadyExists;
    case ZBADVERSION:
    case ZNOTEMPTY:
      return ErrorKind::kConflict;
    case ZINVALIDACL:
    case ZNOTREADONLY:
    case ZNOCHILDRENFOREPHEMERALS:
    case ZEPHEMERALONLOCALSESSION:
    case ZRECONFIGDISABLED:
    case ZNEWCONFIGNOQUORUM:
    case ZRECONFIGINPROGRESS:
    case ZUNIMPLEMENTED:
      return ErrorKind::kRefused;
    case ZINVALIDSTATE:
    case ZTHROTTLEDOP:
      return ErrorKind::kUnavailable;
    case ZCONNECTIONLOSS:
    case ZOPERATIONTIMEOUT:
    case ZSESSIONEXPIRED:
    case ZSESSIONMOVED:
    case ZAUTHFAILED:  // the session has ended, and says that it was refused
    case ZCLOSING:
      return ErrorKind::kUnknownOutcome;
    case ZBADARGUMENTS:
      return ErrorKind::kInvalid;
    case ZOK:
    case ZNOAUTH:
    case ZSESSIONCLOSEDREQUIRESASLAUTH:
    case ZSYSTEMERROR:
    case ZRUNTIMEINCONSISTENCY:
    case ZDATAINCONSISTENCY:
    case ZMARSHALLINGERROR:
    case ZSSLCONNECTIONERROR:
    case ZAPIERROR:
    case ZINVALIDCALLBACK:
    case ZNOTHING:
      break;
  }
  return ErrorKind::kInternal;
}

}  // namespace

Request<Node> GetRequest(std::string path, Watch watch) {
  std::string what = "cannot read " + path;
  return {std::move(what), [path = std::move(path), watch](zhandle_t* client, void* call) {
            return zoo_aget(client, path.c_str(), FlagOf(watch), &OnData, call);
          }};
}

Request<std::optional<NodeStat>> ExistsRequest(std::string path, Watch watch) {
  std::string what = "cannot look at " + path;
  return {std::move(what), [path = std::move(path), watch](zhandle_t* client, void* call) {
            return zoo_aexists(client, path.c_str(), FlagOf(watch), &OnExists, call);
          }};
}

Request<std::vector<std::string>> ChildrenRequest(std::string path, Watch watch) {
  std::string what = "cannot list " + path;
  return {std::move(what), [path = std::move(path), watch](zhandle_t* client, void* call) {
            return zoo_aget_children(client, path.c_str(), FlagOf(watch), &OnStrings, call);
          }};
}

Request<std::string> CreateRequest(std::string path, std::string data, Lifetime lifetime, Acl acl) {
  std::string what = "cannot create " + path;
  return {std::move(what), [path = std::move(path), data = std::move(data), lifetime, acl = std::move(acl)](
                               zhandle_t* client, void* call) {
            return zoo_acreate(client, path.c_str(), data.data(), static_cast<int>(data.size()),
                               ClientAcl(acl).get(), FlagsOf(lifetime), &OnString, call);
          }};
}

Request<std::string> SyncRequest() {
  return {"cannot reach the leader",
          [](zhandle_t* client, const void* call) { return zoo_async(client, "/", &OnString, call); }};
}

Request<void> SetRequest(std::string path, std::string data, std::int32_t version) {
  std::string what = "cannot write " + path;
  return {std::move(what),
          [path = std::move(path), data = std::move(data), version](zhandle_t* client, void* call) {
            return zoo_aset(client, path.c_str(), data.data(), static_cast<int>(data.size()), version, &OnSet,
                            call);
          }};
}

Request<void> DeleteRequest(std::string path, std::int32_t version) {
  std::string what = "cannot delete " + path;
  return {std::move(what), [path = std::move(path), version](zhandle_t* client, const void* call) {
            return zoo_adelete(client, path.c_str(), version, &OnVoid, call);
          }};
}

Request<void> CommitRequest(const Transaction& transaction, Acl acl) {
  return {"cannot commit", [steps = transaction.ops(), acl = std::move(acl)](zhandle_t* client, void* self) {
            ClientAcl client_acl(acl);
            std::vector<zoo_op_t> ops;
            auto& call = *static_cast<Call<void>*>(self);
            for (const auto& step : steps) {
              ops.push_back(ToOp(step, client_acl));
              call.paths.push_back(std::visit([](const auto& wanted) { return wanted.path; }, step));
            }
            call.results.resize(ops.size());
            return zoo_amulti(client, static_cast<int>(ops.size()), ops.data(), call.results.data(),
                              &OnCommit, self);
          }};
}

Request<Acl> AclRequest(std::string path) {
  std::string what = "cannot read the ACL of " + path;
  return {std::move(what), [path = std::move(path)](zhandle_t* client, const void* call) {
            return zoo_aget_acl(client, path.c_str(), &OnAcl, call);
          }};
}

Request<void> SetAclRequest(std::string path, Acl acl) {
  std::string what = "cannot change the ACL of " + path;
  return {std::move(what),
          [path = std::move(path), acl = std::move(acl)](zhandle_t* client, const void* call) {
            return zoo_aset_acl(client, path.c_str(), -1, ClientAcl(acl).get(), &OnVoid, call);
          }};
}

template <class T>
Result<T> Ask(const ClientHandle* handle, Duration timeout, const Request<T>& request) {
  const TimePoint deadline = Clock::now() + timeout;
  return Await<T>(Send(handle, request), deadline, request.what);
}

template <class T>
std::vector<Result<T>> AskAll(const ClientHandle* handle, Duration timeout,
                              const std::vector<Request<T>>& requests) {
  const TimePoint deadline = Clock::now() + timeout;
  std::vector<Result<T>> results;
  results.reserve(requests.size());
  while (results.size() < requests.size()) {
    const std::size_t first = results.size();
    const std::size_t end = std::min(first + kMostUnanswered, requests.size());
    const bool late = first > 0 && Clock::now() >= deadline;
    std::vector<Result<Answer<T>>> answers;
    for (std::size_t i = first; i < end && !late; ++i) answers.push_back(Send(handle, requests[i]));
    for (std::size_t i = first; i < end; ++i) {
      results.push_back(late ? Fail(ErrorKind::kUnavailable, requests[i].what + kLate)
                             : Await<T>(std::move(answers[i - first]), deadline, requests[i].what));
    }
  }
  return results;
}

template Result<void> Ask(const ClientHandle*, Duration, const Request<void>&);
template Result<Node> Ask(const ClientHandle*, Duration, const Request<Node>&);
template Result<std::string> Ask(const ClientHandle*, Duration, const Request<std::string>&);
template Result<std::optional<NodeStat>> Ask(const ClientHandle*, Duration,
                                             const Request<std::optional<NodeStat>>&);
template Result<std::vector<std::string>> Ask(const ClientHandle*, Duration,
                                              const Request<std::vector<std::string>>&);
template std::vector<Result<Node>> AskAll(const ClientHandle*, Duration, const std::vector<Request<Node>>&);
template std::vector<Result<Acl>> AskAll(const ClientHandle*, Duration, const std::vector<Request<Acl>>&);
template std::vector<Result<std::vector<std::string>>> AskAll(
    const ClientHandle*, Duration, const std::vector<Request<std::vector<std::string>>>&);

Error ErrorOfClient(int code) {
  // The C client has no name for it.
  if (code == kQuotaExceeded) {
    return Error{
        ErrorKind::kRefused,
        "the quota on this path or a parent of it is reached; raise it (setquota in zkCli.sh, listquota "
        "shows it) or delete it (delquota)"};
  }
  // The C client calls it "not authenticated", which may be wrong.
  if (code == ZNOAUTH) {
    return Error{ErrorKind::kDenied,
                 "permission denied: this znode or its parent belongs to another ZooKeeper user; correct "
                 "ZK_USERNAME and ZK_PASSWORD (ZooKeeper takes a wrong password for another user), or the "
                 "ACL"};
  }
  // enforce.auth.enabled: not only SASL satisfies it.
  if (code == ZSESSIONCLOSEDREQUIRESASLAUTH) {
    return Error{ErrorKind::kDenied,
                 "ZooKeeper takes no requests without authentication; set ZK_USERNAME and ZK_PASSWORD"};
  }
  const ErrorKind kind = KindOfCode(code);
  if (kind != ErrorKind::kInternal) return Error{kind, zerror(code)};
  return Error{ErrorKind::kInternal, fmt::format("{} ({})", zerror(code), code)};
}

}  // namespace redis_zk::zookeeper
