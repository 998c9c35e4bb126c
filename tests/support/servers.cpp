#include "support/servers.h"

#include <arpa/inet.h>
#include <fmt/core.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <stdexcept>

#include "base/random_id.h"
#include "net/interface.h"
#include "support/wait.h"

namespace redis_zk::testing {

namespace {

bool Accepts(const Endpoint& endpoint) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(endpoint.port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool connected = connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  close(fd);
  return connected;
}

}  // namespace

std::uint16_t FreePort() {
  constexpr std::size_t kFirst = 10000;
  constexpr std::size_t kCount = 22000;
  while (true) {
    const auto port = static_cast<std::uint16_t>(kFirst + RandomIndex(kCount));
    if (CheckBindable({"127.0.0.1", port})) return port;
  }
}

TempDir::TempDir() {
  std::string pattern = (std::filesystem::temp_directory_path() / "redis-zk-test.XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
  path_ = pattern;
}

TempDir::~TempDir() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

void Server::Start() {
  sigset_t none;
  sigemptyset(&none);
  auto child = os::Child::Start({argv_, dir_.path().string(), none});
  if (!child) throw std::runtime_error(child.error().message);
  child_.emplace(std::move(*child));
  News nobody_reports;
  if (!nobody_reports.Until([this] { return Accepts(endpoint_); })) {
    throw std::runtime_error(argv_.front() + " does not accept connections");
  }
}

void Server::Freeze() const { child_->Signal(SIGSTOP); }
void Server::Thaw() const { child_->Signal(SIGCONT); }

ZooKeeperServer::ZooKeeperServer() {
  argv_ = {REDIS_ZK_SOURCE_DIR "/tests/support/zookeeper", dir_.path().string(),
           std::to_string(endpoint_.port)};
  Start();
}

RedisServer::RedisServer(const std::string& extra) : RedisServer([&extra](std::uint16_t) { return extra; }) {}

RedisServer::RedisServer(const std::function<std::string(std::uint16_t port)>& extra) {
  const auto conf = dir_.path() / "redis.conf";
  std::ofstream(conf) << fmt::format(
      "bind 127.0.0.1\nport {}\nlogfile redis.log\nrepl-diskless-sync-delay 0\nsave \"\"\n{}\n",
      endpoint_.port, extra(endpoint_.port));
  argv_ = {"redis-server", conf.string()};
  Start();
}

SentinelServer::SentinelServer(const Endpoint& master, const std::string& extra) {
  const auto conf = dir_.path() / "sentinel.conf";
  std::ofstream(conf) << fmt::format(
      "bind 127.0.0.1\nport {}\nlogfile sentinel.log\nsentinel monitor master1 {} 1\n{}\n", endpoint_.port,
      master.ToRecord(), extra);
  argv_ = {"redis-sentinel", conf.string()};
  Start();
}

}  // namespace redis_zk::testing
