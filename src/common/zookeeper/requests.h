// Requests to ZooKeeper as values, and the wait for their answers. Nothing here knows of sessions that end or
// begin anew.
//
// Threads: the owner of the handle asks; the C client's completion thread brings the answer, also when the
// caller has stopped waiting for it. Errors are those of session.h.
//
// For this folder, which alone includes zookeeper.h.
#pragma once

#include <zookeeper/zookeeper.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "zookeeper/client_handle.h"
#include "zookeeper/session.h"

namespace redis_zk::zookeeper {

// T is what the answer tells.
template <class T>
struct Request {
  std::string what;  // opens the message of an error: "cannot read /a"
  // Hands it to the C client; `call` is for its completion. Returns a code of the client.
  std::function<int(zhandle_t* client, void* call)> send;
};

Request<Node> GetRequest(std::string path, Watch watch);
Request<std::optional<NodeStat>> ExistsRequest(std::string path, Watch watch);
Request<std::vector<std::string>> ChildrenRequest(std::string path, Watch watch);
Request<std::string> CreateRequest(std::string path, std::string data, Lifetime lifetime, Acl acl);
Request<void> SetRequest(std::string path, std::string data, std::int32_t version);
Request<void> DeleteRequest(std::string path, std::int32_t version);
// What it creates has that ACL. An error names the path of the step that failed.
Request<void> CommitRequest(const Transaction& transaction, Acl acl);
Request<Acl> AclRequest(std::string path);
Request<void> SetAclRequest(std::string path, Acl acl);
// Answered by way of the leader, after every change that it had made: a server that is cut off from the
// others goes on answering what it has itself for some seconds (syncLimit).
Request<std::string> SyncRequest();

// Blocks for `timeout` at most. kUnavailable at once: there is no handle, or it is not connected.
template <class T>
Result<T> Ask(const ClientHandle* handle, Duration timeout, const Request<T>& request);
// Many are sent before the first answer is awaited, and none after the timeout; the results stand in their
// order.
template <class T>
std::vector<Result<T>> AskAll(const ClientHandle* handle, Duration timeout,
                              const std::vector<Request<T>>& requests);

// What a code of the C client means. REQUIRES: it is not ZOK.
Error ErrorOfClient(int code);

}  // namespace redis_zk::zookeeper
