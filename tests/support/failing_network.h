// A network in front of another one, whose questions fail as those at real servers do: before or after the
// servers have carried them out, or so that they carry them out later.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "redis/servers.h"
#include "support/failing_session.h"

namespace redis_zk::testing {

// Any thread asks; the rest is the test's own.
class FailingNetwork {
 public:
  explicit FailingNetwork(const redis::Network& inner)
      : redis_(*this, inner.redis), sentinels_(*this, inner.sentinels) {}

  redis::Network network() { return {redis_, sentinels_}; }

  // The question `number` from now on, 0 being the next one, fails once, at whomever it goes to. `then` runs
  // when it does, after its effect where it has one, and before the caller is told.
  void FailCall(int number, Fault fault, std::function<void()> then = nullptr) {
    planned_ = Planned{calls_ + number, fault, std::move(then)};
  }
  // No more faults; those that happened stay. What is late is still under way.
  void Heal() { planned_.reset(); }
  void DeliverLate() {
    if (const auto late = std::exchange(late_, nullptr)) late();
  }

  int calls() const { return calls_; }
  int faults() const { return faults_; }

 private:
  struct Planned {
    int call;
    Fault fault;
    std::function<void()> then;
  };

  // How the question fails, if it is to; then `ask` has been carried out, or put off, as the fault wants it.
  std::optional<Error> Fails(std::function<void()> ask) {
    const std::lock_guard lock(mutex_);
    // Whatever was sent before arrives first.
    DeliverLate();
    const int call = calls_++;
    if (!planned_ || planned_->call != call) return std::nullopt;
    const auto planned = std::exchange(planned_, std::nullopt);
    ++faults_;
    if (planned->fault == Fault::kAfter) ask();
    if (planned->fault == Fault::kLate) late_ = std::move(ask);
    if (planned->then) planned->then();
    return planned->fault == Fault::kBefore ? Error{ErrorKind::kUnavailable, "Connection refused"}
                                            : Error{ErrorKind::kTimeout, "no answer in time"};
  }

  class FailingServer final : public redis::KeptServer {
   public:
    FailingServer(FailingNetwork& network, const Endpoint& server, std::unique_ptr<KeptServer> inner)
        : KeptServer(server), network_(network), inner_(std::move(inner)) {}
    Result<redis::Replies> Ask(const std::vector<redis::Command>& commands) override {
      if (auto error = network_.Fails([this, commands] { (void)inner_->Ask(commands); }))
        return tl::unexpected(std::move(*error));
      return inner_->Ask(commands);
    }

   private:
    FailingNetwork& network_;
    const std::unique_ptr<KeptServer> inner_;
  };

  class FailingServers final : public redis::Servers {
   public:
    FailingServers(FailingNetwork& network, Servers& inner) : network_(network), inner_(inner) {}
    std::vector<Result<redis::Replies>> AskAll(const std::vector<Endpoint>& servers,
                                               const std::vector<redis::Command>& commands) override {
      if (servers.empty()) return {};
      if (auto error = network_.Fails([this, servers, commands] { (void)inner_.AskAll(servers, commands); }))
        return std::vector<Result<redis::Replies>>(servers.size(), tl::unexpected(std::move(*error)));
      return inner_.AskAll(servers, commands);
    }
    std::unique_ptr<redis::KeptServer> Keep(const Endpoint& server) override {
      return std::make_unique<FailingServer>(network_, server, inner_.Keep(server));
    }
    std::optional<std::string> FindPassword(const std::vector<Endpoint>& servers) override {
      return inner_.FindPassword(servers);
    }

   private:
    FailingNetwork& network_;
    Servers& inner_;
  };

  std::recursive_mutex mutex_;  // what happens at a fault may ask, too
  std::optional<Planned> planned_;
  std::function<void()> late_;
  int calls_ = 0;
  int faults_ = 0;
  FailingServers redis_;
  FailingServers sentinels_;
};

}  // namespace redis_zk::testing
