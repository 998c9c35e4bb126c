#include "zookeeper/client_session.h"

#include <arpa/inet.h>
#include <fmt/core.h>
#include <netdb.h>
#include <resolv.h>
#include <zookeeper/zookeeper.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <future>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "base/log.h"
#include "base/random_id.h"

namespace redis_zk::zookeeper {

namespace {

constexpr Duration kFirstRetry = 200ms;
constexpr Duration kLongestRetry = 5s;
// Who waits for an answer answers nobody, not even a signal. A server that needs longer is as good as away;
// what it did with the request is found out by reading.
constexpr Duration kLongestRequest = 5s;

Error ToError(int code) {
  const auto error = [code](ErrorKind kind) { return Error{kind, zerror(code)}; };
  switch (static_cast<ZOO_ERRORS>(code)) {
    case ZNONODE:
    case ZNOWATCHER:
      return error(ErrorKind::kNotFound);
    case ZNODEEXISTS:
      return error(ErrorKind::kAlreadyExists);
    case ZBADVERSION:
    case ZNOTEMPTY:
      return error(ErrorKind::kConflict);
    case ZNOAUTH:
    case ZAUTHFAILED:
    case ZINVALIDACL:
    case ZNOTREADONLY:
    case ZNOCHILDRENFOREPHEMERALS:
    case ZEPHEMERALONLOCALSESSION:
    case ZRECONFIGDISABLED:
    case ZSESSIONCLOSEDREQUIRESASLAUTH:
    case ZNEWCONFIGNOQUORUM:
    case ZRECONFIGINPROGRESS:
    case ZUNIMPLEMENTED:
      return error(ErrorKind::kRefused);
    case ZINVALIDSTATE:
    case ZTHROTTLEDOP:
      return error(ErrorKind::kUnavailable);
    case ZCONNECTIONLOSS:
    case ZOPERATIONTIMEOUT:
    case ZSESSIONEXPIRED:
    case ZSESSIONMOVED:
    case ZCLOSING:
      return error(ErrorKind::kUnknownOutcome);
    case ZBADARGUMENTS:
      return error(ErrorKind::kInvalid);
    case ZOK:
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
  return Error{ErrorKind::kInternal, fmt::format("{} ({})", zerror(code), code)};
}

NodeStat ToStat(const Stat& stat) { return {stat.version, stat.ephemeralOwner, stat.mtime}; }

int Flags(Lifetime lifetime) {
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

// One request under way. Owned by its completion, which may come after the caller has stopped waiting.
template <class T>
struct Call {
  std::promise<Result<T>> promise;
  std::vector<zoo_op_result_t> results;  // of a transaction; the client fills them in with the answer

  static void Finish(const void* self, Result<T> result) {
    const std::unique_ptr<Call> call(static_cast<Call*>(const_cast<void*>(self)));
    call->promise.set_value(std::move(result));
  }
};

void OnVoid(int code, const void* call) {
  Call<void>::Finish(call, code == ZOK ? Status() : tl::unexpected(ToError(code)));
}

void OnSet(int code, const Stat* /*stat*/, const void* call) { OnVoid(code, call); }

void OnExists(int code, const Stat* stat, const void* call) {
  using Answer = Result<std::optional<NodeStat>>;
  if (code == ZNONODE) return Call<std::optional<NodeStat>>::Finish(call, Answer(std::nullopt));
  Call<std::optional<NodeStat>>::Finish(call,
                                        code == ZOK ? Answer(ToStat(*stat)) : tl::unexpected(ToError(code)));
}

void OnData(int code, const char* value, int length, const Stat* stat, const void* call) {
  if (code != ZOK) return Call<Node>::Finish(call, tl::unexpected(ToError(code)));
  // Null data has length -1.
  Call<Node>::Finish(call,
                     Node{std::string(value, static_cast<std::size_t>(std::max(length, 0))), ToStat(*stat)});
}

void OnStrings(int code, const String_vector* strings, const void* call) {
  if (code != ZOK) return Call<std::vector<std::string>>::Finish(call, tl::unexpected(ToError(code)));
  Call<std::vector<std::string>>::Finish(
      call, std::vector<std::string>(strings->data, strings->data + strings->count));
}

void OnString(int code, const char* value, const void* call) {
  Call<std::string>::Finish(call, code == ZOK ? Result<std::string>(value) : tl::unexpected(ToError(code)));
}

// The C client's own lines, without its prefix. Ours say the same in fewer words, so these are for debugging.
void OnClientLog(const char* message) {
  std::string_view text(message);
  if (const auto function = text.find('@'); function != std::string_view::npos) {
    if (const auto colon = text.find(": ", function); colon != std::string_view::npos)
      text.remove_prefix(colon + 2);
  }
  while (text.ends_with('\n')) text.remove_suffix(1);
  log::Debug({.event = "zookeeper-client"}, "ZooKeeper client: {}", text);
}

// Runs on a thread of its own: a name server that is away must not stop the loop.
Result<std::vector<std::string>> Resolve(const std::vector<Endpoint>& servers) {
  // This thread's resolver gives up after about two seconds a server instead of ten.
  res_init();
  _res.retrans = 1;
  _res.retry = 2;
  std::vector<std::string> addresses;
  std::string failures;
  for (const auto& server : servers) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* raw = nullptr;
    const int code = getaddrinfo(server.host.c_str(), nullptr, &hints, &raw);
    if (code != 0) {
      failures += fmt::format("{}{}: {}", failures.empty() ? "" : ", ", server.host, gai_strerror(code));
      continue;
    }
    const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> list(raw, &freeaddrinfo);
    for (const addrinfo* entry = list.get(); entry != nullptr; entry = entry->ai_next) {
      std::array<char, NI_MAXHOST> host{};
      if (getnameinfo(entry->ai_addr, entry->ai_addrlen, host.data(), host.size(), nullptr, 0,
                      NI_NUMERICHOST) != 0) {
        continue;
      }
      // The client splits at the last colon and takes no brackets.
      addresses.push_back(fmt::format("{}:{}", host.data(), server.port));
    }
  }
  if (addresses.empty())
    return Fail(ErrorKind::kUnavailable, "no ZooKeeper host resolves (" + failures + ")");
  return addresses;
}

}  // namespace

std::string ConnectString(const std::vector<std::string>& addresses, const std::string& chroot) {
  std::string text;
  for (const auto& address : addresses) text += (text.empty() ? "" : ",") + address;
  if (addresses.size() % 2 == 0) text += ',' + addresses.front();
  return text + chroot;
}

// One handle of the C client, from zookeeper_init to zookeeper_close, and what its threads have reported.
struct ClientSession::Handle {
  Handle(const std::string& connect_string, Duration timeout, const Sink& events) : sink(events) {
    zoo_set_debug_level(ZOO_LOG_LEVEL_INFO);
    // Before init, since the first event may arrive before it returns.
    disconnected_since = Clock::now().time_since_epoch().count();
    raw = zookeeper_init2(connect_string.c_str(), &Handle::OnEvent, static_cast<int>(timeout.count()),
                          nullptr, this, 0, &OnClientLog);
    if (raw != nullptr) zoo_set_servers_resolution_delay(raw, -1);
  }

  // Joins the client's threads, so that nothing is pushed afterwards.
  ~Handle() {
    if (raw != nullptr) zookeeper_close(raw);
  }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

  static void OnEvent(zhandle_t* client, int type, int state, const char* path, void* context) {
    auto& self = *static_cast<Handle*>(context);
    using Kind = SessionEvent::Kind;
    if (type != ZOO_SESSION_EVENT) {
      self.sink({Kind::kNodeChanged, path == nullptr ? "" : path});
      return;
    }
    // Before `connected` says so: the loop must not take an old moment for this one.
    if (state != ZOO_CONNECTED_STATE && self.connected)
      self.disconnected_since = Clock::now().time_since_epoch().count();
    const bool was_connected = self.connected.exchange(state == ZOO_CONNECTED_STATE);
    if (state == ZOO_CONNECTED_STATE) {
      self.session_id = zoo_client_id(client)->client_id;
      log::Info({.event = "zookeeper-connected"}, "ZooKeeper connected: session {:#x}, session timeout {} ms",
                self.session_id.load(), zoo_recv_timeout(client));
      self.sink({Kind::kConnected, ""});
    } else if (state == ZOO_EXPIRED_SESSION_STATE || state == ZOO_AUTH_FAILED_STATE) {
      if (state == ZOO_AUTH_FAILED_STATE) {
        log::Error(
            {.event = "zookeeper-auth-failed"},
            "ZooKeeper refused the authentication of session {:#x}; retrying with a new session; check the "
            "authentication that the ensemble requires",
            self.session_id.load());
      } else {
        log::Warn({.event = "zookeeper-expired"}, "ZooKeeper session {:#x} expired; retrying with a new one",
                  self.session_id.load());
      }
      self.session_id = 0;
      self.ended = true;
      self.sink({Kind::kExpired, ""});
    } else if (was_connected) {
      log::Warn({.event = "zookeeper-lost"}, "ZooKeeper connection lost; retrying");
      self.sink({Kind::kDisconnected, ""});
    }
  }

  template <class T>
  using Answer = std::future<Result<T>>;

  // Sends one request. `send` receives the client and the call to hand to the completion; `what` opens the
  // message of an error.
  template <class T, class Send>
  static Result<Answer<T>> Ask(Handle* self, const std::string& what, const Send& send) {
    if (self == nullptr || !self->connected) {
      return Fail(ErrorKind::kUnavailable, what + ": ZooKeeper is not connected");
    }
    auto call = std::make_unique<Call<T>>();
    auto answer = call->promise.get_future();
    const int code = send(self->raw, call.get());
    if (code != ZOK) return Fail(what, ToError(code));
    // Its completion owns it now.
    (void)call.release();
    return answer;
  }

  template <class T>
  static Result<T> Await(Result<Answer<T>> answer, TimePoint deadline, const std::string& what) {
    if (!answer) return tl::unexpected(answer.error());
    if (answer->wait_until(deadline) != std::future_status::ready) {
      return Fail(ErrorKind::kUnknownOutcome, what + ": no answer from ZooKeeper in time");
    }
    auto result = answer->get();
    if (!result) return Fail(what, result.error());
    return result;
  }

  template <class T, class Send>
  static Result<T> Await(Handle* self, Duration timeout, const std::string& what, const Send& send) {
    return Await<T>(Ask<T>(self, what, send), Clock::now() + timeout, what);
  }

  // The same question about many paths, asked before any answer is awaited.
  template <class T, class Send>
  static std::vector<Result<T>> AwaitAll(Handle* self, Duration timeout, const std::string& what,
                                         const std::vector<std::string>& paths, const Send& send) {
    const TimePoint deadline = Clock::now() + timeout;
    std::vector<Result<Answer<T>>> answers;
    answers.reserve(paths.size());
    for (const auto& path : paths) {
      answers.push_back(
          Ask<T>(self, what + path, [&](zhandle_t* client, void* call) { return send(client, path, call); }));
    }
    std::vector<Result<T>> results;
    results.reserve(paths.size());
    for (std::size_t i = 0; i < paths.size(); ++i)
      results.push_back(Await<T>(std::move(answers[i]), deadline, what + paths[i]));
    return results;
  }

  const Sink& sink;
  zhandle_t* raw = nullptr;
  std::atomic<bool> connected = false;
  std::atomic<bool> ended = false;  // expired or refused: only a new handle helps
  std::atomic<std::int64_t> session_id = 0;
  std::atomic<Clock::rep> disconnected_since = 0;
};

// Names on their way to addresses. The thread that asks cannot be interrupted while no name server answers,
// so it is left behind where nobody wants the answer any more.
struct ClientSession::Resolution {
  using Addresses = Result<std::vector<std::string>>;

  static std::shared_ptr<Resolution> Begin(std::vector<Endpoint> servers, Sink sink) {
    auto begun = std::make_shared<Resolution>();
    std::thread([begun, servers = std::move(servers), sink = std::move(sink)] {
      auto resolved = Resolve(servers);
      const std::lock_guard lock(begun->mutex);
      if (begun->abandoned) return;
      begun->addresses = std::move(resolved);
      sink({SessionEvent::Kind::kProgress, ""});
    }).detach();
    return begun;
  }

  std::optional<Addresses> Take() {
    const std::lock_guard lock(mutex);
    return std::exchange(addresses, std::nullopt);
  }

  std::mutex mutex;
  bool abandoned = false;
  std::optional<Addresses> addresses;  // nothing: not yet
};

ClientSession::ClientSession(Hosts hosts, Duration session_timeout, Sink sink)
    : hosts_(std::move(hosts)),
      session_timeout_(session_timeout),
      request_timeout_(std::min(session_timeout, kLongestRequest)),
      sink_(std::move(sink)),
      backoff_(kFirstRetry, kLongestRetry, RandomFraction),
      chroot_backoff_(kFirstRetry, kLongestRetry, RandomFraction) {}

ClientSession::~ClientSession() {
  if (!resolving_) return;
  const std::lock_guard lock(resolving_->mutex);
  resolving_->abandoned = true;
}

void ClientSession::Maintain(TimePoint now) {
  if (handle_) {
    const TimePoint since{Clock::duration(handle_->disconnected_since.load())};
    // Nobody answered for longer than the session can have lived: by our own clock it is over. A new handle
    // also resolves the names again, which the old one never would.
    const bool silent = !handle_->connected && now - since > session_timeout_ * 3 / 2;
    if (handle_->connected) {
      backoff_.Reset();
      log_problem_.Reset();
    }
    if (!handle_->ended && !silent) return;
    if (silent)
      log_problem_(log::Severity::kWarn, {.event = "zookeeper-silent"},
                   "ZooKeeper unreachable for longer than the session timeout; retrying with a new session");
    handle_.reset();
    retry_at_ = now;
  }
  if (!resolving_) {
    if (now < retry_at_) return;
    retry_at_ = now + backoff_.Next();
    try {
      resolving_ = Resolution::Begin(hosts_.servers, sink_);
    } catch (const std::system_error& error) {
      log_problem_(
          log::Severity::kWarn, {.event = "zookeeper-resolver-failed"},
          fmt::format("cannot start a thread to resolve the ZooKeeper hosts, retrying: {}; raise the limit "
                      "of processes",
                      error.what()));
    }
    return;
  }
  const auto resolved = resolving_->Take();
  if (!resolved) return;
  resolving_.reset();
  const auto& addresses = *resolved;
  if (addresses) {
    Open(*addresses);
  } else {
    log_problem_(log::Severity::kWarn, {.event = "zookeeper-unresolved"},
                 "cannot resolve the ZooKeeper hosts, retrying: " + addresses.error().message);
  }
}

void ClientSession::Open(const std::vector<std::string>& addresses) {
  const std::string connect_string = ConnectString(addresses, hosts_.chroot);
  auto handle = std::make_unique<Handle>(connect_string, session_timeout_, sink_);
  if (handle->raw == nullptr) {
    log_problem_(log::Severity::kWarn, {.event = "zookeeper-client-failed"},
                 fmt::format("cannot open a ZooKeeper session with \"{}\", retrying: {}", connect_string,
                             std::strerror(errno)));
    return;
  }
  handle_ = std::move(handle);
  addresses_ = addresses;
}

bool ClientSession::connected() const { return handle_ && handle_->connected; }

std::int64_t ClientSession::id() const { return handle_ ? handle_->session_id.load() : 0; }

Result<Node> ClientSession::Get(const std::string& path, Watch watch) {
  return Handle::Await<Node>(
      handle_.get(), request_timeout_, "cannot read " + path, [&](zhandle_t* client, void* call) {
        return zoo_aget(client, path.c_str(), watch == Watch::kYes ? 1 : 0, &OnData, call);
      });
}

std::vector<Result<Node>> ClientSession::GetAll(const std::vector<std::string>& paths, Watch watch) {
  return Handle::AwaitAll<Node>(handle_.get(), request_timeout_, "cannot read ", paths,
                                [watch](zhandle_t* client, const std::string& path, void* call) {
                                  return zoo_aget(client, path.c_str(), watch == Watch::kYes ? 1 : 0, &OnData,
                                                  call);
                                });
}

bool ClientSession::Answers(Duration within) {
  return Handle::Await<std::optional<NodeStat>>(
             handle_.get(), within, "ping",
             [](zhandle_t* client, const void* call) { return zoo_aexists(client, "/", 0, &OnExists, call); })
      .has_value();
}

Result<std::optional<NodeStat>> ClientSession::Exists(const std::string& path, Watch watch) {
  return Handle::Await<std::optional<NodeStat>>(
      handle_.get(), request_timeout_, "cannot look at " + path, [&](zhandle_t* client, void* call) {
        return zoo_aexists(client, path.c_str(), watch == Watch::kYes ? 1 : 0, &OnExists, call);
      });
}

Result<std::vector<std::string>> ClientSession::Children(const std::string& path, Watch watch) {
  return Handle::Await<std::vector<std::string>>(
      handle_.get(), request_timeout_, "cannot list " + path, [&](zhandle_t* client, void* call) {
        return zoo_aget_children(client, path.c_str(), watch == Watch::kYes ? 1 : 0, &OnStrings, call);
      });
}

std::vector<Result<std::vector<std::string>>> ClientSession::ChildrenOfAll(
    const std::vector<std::string>& paths, Watch watch) {
  return Handle::AwaitAll<std::vector<std::string>>(
      handle_.get(), request_timeout_, "cannot list ", paths,
      [watch](zhandle_t* client, const std::string& path, void* call) {
        return zoo_aget_children(client, path.c_str(), watch == Watch::kYes ? 1 : 0, &OnStrings, call);
      });
}

Result<std::string> ClientSession::Create(const std::string& path, const std::string& data,
                                          Lifetime lifetime) {
  return Handle::Await<std::string>(
      handle_.get(), request_timeout_, "cannot create " + path, [&](zhandle_t* client, void* call) {
        return zoo_acreate(client, path.c_str(), data.data(), static_cast<int>(data.size()),
                           &ZOO_OPEN_ACL_UNSAFE, Flags(lifetime), &OnString, call);
      });
}

Status ClientSession::Set(const std::string& path, const std::string& data, std::int32_t version) {
  return Handle::Await<void>(handle_.get(), request_timeout_, "cannot write " + path,
                             [&](zhandle_t* client, void* call) {
                               return zoo_aset(client, path.c_str(), data.data(),
                                               static_cast<int>(data.size()), version, &OnSet, call);
                             });
}

Status ClientSession::Delete(const std::string& path, std::int32_t version) {
  return Handle::Await<void>(handle_.get(), request_timeout_, "cannot delete " + path,
                             [&](zhandle_t* client, void* call) {
                               return zoo_adelete(client, path.c_str(), version, &OnVoid, call);
                             });
}

namespace {

// The C client's form of a transaction's step. It points into `step`.
zoo_op_t ToOp(const Transaction::Op& step) {
  zoo_op_t op{};
  std::visit(
      [&op](const auto& wanted) {
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
          zoo_create_op_init(&op, path, wanted.data.data(), static_cast<int>(wanted.data.size()),
                             &ZOO_OPEN_ACL_UNSAFE, Flags(wanted.lifetime), nullptr, 0);
        }
      },
      step);
  return op;
}

}  // namespace

Status ClientSession::Commit(const Transaction& transaction) {
  std::vector<zoo_op_t> ops;
  for (const auto& step : transaction.ops()) ops.push_back(ToOp(step));
  return Handle::Await<void>(
      handle_.get(), request_timeout_, "cannot commit", [&ops](zhandle_t* client, void* call) {
        auto& results = static_cast<Call<void>*>(call)->results;
        results.resize(ops.size());
        return zoo_amulti(client, static_cast<int>(ops.size()), ops.data(), results.data(), &OnVoid, call);
      });
}

Status ClientSession::EnsureChroot() {
  if (hosts_.chroot.empty()) return {};
  // To this client "/" is the chroot itself, and nothing is above it.
  auto made = EnsureNode("/");
  const bool is_missing =
      !made && (made.error().kind == ErrorKind::kNotFound || made.error().kind == ErrorKind::kRefused);
  return is_missing ? MakeChroot() : made;
}

Status ClientSession::MakeChroot() {
  if (Clock::now() < chroot_at_) return chroot_made_;
  chroot_made_ = TryMakeChroot();
  chroot_at_ = TimePoint{};
  if (chroot_made_) {
    chroot_backoff_.Reset();
    log_chroot_.Reset();
  } else {
    chroot_at_ = Clock::now() + chroot_backoff_.Next();
    log_chroot_(
        log::Severity::kError, {.event = "zookeeper-chroot-missing"},
        fmt::format("cannot use the ZooKeeper chroot, retrying: {}; create it, or allow us to create znodes "
                    "in its parent",
                    chroot_made_.error().message));
  }
  return chroot_made_;
}

// Over a connection without a chroot.
Status ClientSession::TryMakeChroot() {
  std::promise<void> connected;
  std::once_flag once;
  const Sink sink = [&](const SessionEvent& event) {
    if (event.kind == SessionEvent::Kind::kConnected) std::call_once(once, [&] { connected.set_value(); });
  };
  Handle handle(ConnectString(addresses_, ""), session_timeout_, sink);
  const std::string what = "cannot create the chroot " + hosts_.chroot;
  if (handle.raw == nullptr)
    return Fail(ErrorKind::kInternal, fmt::format("{}: {}", what, std::strerror(errno)));
  if (connected.get_future().wait_for(request_timeout_) != std::future_status::ready)
    return Fail(ErrorKind::kUnavailable, what + ": ZooKeeper does not answer");
  for (std::size_t slash = 0; slash != std::string::npos;) {
    slash = hosts_.chroot.find('/', slash + 1);
    const std::string node = hosts_.chroot.substr(0, slash);
    const auto created =
        Handle::Await<std::string>(&handle, request_timeout_, what, [&node](zhandle_t* client, void* call) {
          return zoo_acreate(client, node.c_str(), "", 0, &ZOO_OPEN_ACL_UNSAFE, 0, &OnString, call);
        });
    if (!created && created.error().kind != ErrorKind::kAlreadyExists) return tl::unexpected(created.error());
  }
  log::Info({.event = "zookeeper-chroot-created"}, "ZooKeeper chroot {} created", hosts_.chroot);
  return {};
}

std::unique_ptr<Session> OpenClientSession(const Hosts& hosts, Duration session_timeout, Session::Sink sink) {
  return std::make_unique<ClientSession>(hosts, session_timeout, std::move(sink));
}

}  // namespace redis_zk::zookeeper
