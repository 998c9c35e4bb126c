// One handle of the C client, from zookeeper_init to zookeeper_close. It lives as long as its session at
// most: after the session's end, or when it has been silent for too long, its owner makes another.
//
// Threads: the owner's. The C client's two threads, which end with the handle, push the events and call the
// completions of requests (requests.h).
//
// For this folder, which alone includes zookeeper.h.
#pragma once

#include <zookeeper/zookeeper.h>

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "zookeeper/session.h"
#include "zookeeper/session_state.h"

namespace redis_zk::zookeeper {

class ClientHandle {
 public:
  // Connects to one of the addresses, "host:port", of which there must be one. `sink` must outlive the
  // handle.
  ClientHandle(const std::vector<std::string>& addresses, const std::string& chroot,
               const Credentials& credentials, Duration session_timeout, const Session::Sink& sink);
  // Ends the session. Nothing is pushed afterwards, and requests under way have failed.
  ~ClientHandle();
  ClientHandle(const ClientHandle&) = delete;
  ClientHandle& operator=(const ClientHandle&) = delete;

  // Why the C client made no handle, or none that is logged in; empty: it did. Such a handle is not to be
  // used.
  const std::string& error() const { return error_; }
  const SessionState& state() const { return state_; }
  zhandle_t* raw() const { return raw_; }

 private:
  void Authenticate(const Credentials& credentials);
  // Asks for anything, after the login: only when the answer is there has the server taken the login.
  void AwaitLogin(zhandle_t* client);
  static void OnAnswer(int code, const Stat* stat, const void* context);
  static void OnEvent(zhandle_t* client, int type, int state, const char* path, void* context);
  void TakeReport(SessionState::Report report, std::int64_t id, int timeout_ms);

  const Session::Sink& sink_;
  SessionState state_;
  const bool logs_in_;
  std::mutex login_sent_;  // held until the login is on its way
  // Of the session that waits for its login. The client's completion thread only.
  std::int64_t coming_id_ = 0;
  int coming_timeout_ms_ = 0;
  zhandle_t* raw_ = nullptr;
  std::string error_;
};

// "host:port,host:port" for the C client, of odd length: the first address stands twice where there would be
// an even number. REQUIRES: addresses is not empty.
std::string ConnectString(const std::vector<std::string>& addresses, const std::string& chroot);

// What a line of the C client says, without its prefix of time, thread and function.
std::string_view WithoutClientPrefix(std::string_view line);

}  // namespace redis_zk::zookeeper
