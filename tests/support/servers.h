// Real servers for the integration tests, on loopback, each in a directory of its own that is removed at the
// end. A server is ready when its constructor returns, and gone when its destructor does.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "net/endpoint.h"
#include "os/child.h"

namespace redis_zk::testing {

// A port on 127.0.0.1 that was free a moment ago, outside the range that outgoing connections use.
std::uint16_t FreePort();

class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

class Server {
 public:
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  const Endpoint& endpoint() const { return endpoint_; }
  std::string address() const { return endpoint_.ToAddress(); }

  // SIGKILL, and gone when this returns.
  void Kill() { child_.reset(); }
  // After Kill: the same server with the same directory on the same port.
  void Start();
  // SIGSTOP and SIGCONT.
  void Freeze() const;
  void Thaw() const;

 protected:
  Server() : endpoint_{"127.0.0.1", FreePort()} {}
  ~Server() = default;

  std::vector<std::string> argv_;
  TempDir dir_;
  Endpoint endpoint_;

 private:
  std::optional<os::Child> child_;
};

class ZooKeeperServer : public Server {
 public:
  ZooKeeperServer();
};

class RedisServer : public Server {
 public:
  // `extra` is appended to its configuration.
  explicit RedisServer(const std::string& extra = "");
  // The same, where it depends on the port.
  explicit RedisServer(const std::function<std::string(std::uint16_t port)>& extra);
};

class SentinelServer : public Server {
 public:
  SentinelServer(const Endpoint& master, const std::string& extra = "");
};

}  // namespace redis_zk::testing
