// Redis servers and Sentinels in memory, behind redis::Servers: what they answer to the commands that the
// daemons send, and what the orders among these make of them.
//
// Much is simpler than in the real ones: replicas have everything at once, Sentinels know of changes at once,
// and only an ordered failover happens by itself. A test makes the rest happen: every member is open to it.
// servers_contract.h and sentinels_contract.h say what both have in common. Any thread, but for the test's
// own changes.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "redis/servers.h"
#include "support/fake_time.h"

namespace redis_zk::testing {

class FakeFleet {
 public:
  enum class State {
    kAnswers,
    kSilent,  // stopped, or behind a cable that was cut: every question takes its whole time
    kGone,    // nothing listens
  };

  struct Redis {
    State state = State::kAnswers;
    std::string refusal{};  // instead of any answer: "NOAUTH Authentication required."
    // Commands that the daemons' user may not send, by their first words: "CONFIG SET".
    std::vector<std::vector<std::string>> forbidden{};
    redis::Role role = redis::Role::kMaster;
    Endpoint master{};  // of a replica
    bool link_up = true;
    bool loading = false;
    bool synchronising = false;
    std::int64_t offset = 1000;
    std::string run_id{};
    std::string replication_id{};
    std::string previous_replication_id{};
    std::int64_t previous_until = -1;
    std::int64_t process_id = 1;
    std::uint64_t keys = 10;
    std::int64_t unsaved_changes = 0;
    bool save_failed = false;  // and it rejects writes until a snapshot succeeds
    std::map<std::string, std::string> config{{"replica-priority", "100"},
                                              {"min-replicas-to-write", "0"},
                                              {"min-replicas-max-lag", "10"},
                                              {"shutdown-timeout", "10"},
                                              {"masterauth", ""},
                                              {"masteruser", ""},
                                              {"appendonly", "no"}};
    TimePoint paused_until{};  // for writes
    int disconnected = 0;      // how often its clients were
  };

  // What a Sentinel knows of a group's replica, beyond what the server itself says.
  struct Known {
    bool down = false;
    bool promoted = false;
    bool asked = true;
    std::optional<int> believed_priority{};  // nothing: what the server says now
  };
  struct Monitored {
    Endpoint master{};
    std::uint64_t config_epoch = 0;
    std::uint64_t quorum = 2;
    Duration down_after = 1s;
    Duration failover_timeout = 180s;
    std::uint64_t parallel_syncs = 1;
    bool master_down = false;
    bool failing_over = false;
    bool has_seen_promotion = false;  // of the failover that it leads
    std::string leader{"*"};          // whom it voted for last
    std::uint64_t leader_epoch = 0;   // and when
    std::map<Endpoint, Known> replicas{};
    std::vector<Endpoint> peers{};
  };
  struct Sentinel {
    State state = State::kAnswers;
    std::string id{};
    bool tilt = false;
    bool knows_debug = true;  // SENTINEL DEBUG, since 7.0
    Duration info_period = 10s;
    // From the order to the promotion, from there to the INFO that tells it of that, and to the end of the
    // failover.
    Duration promotes_after = 300ms;
    Duration sees_after = 0ms;
    Duration ends_after = 700ms;
    std::map<std::string, Monitored> groups{};
  };

  explicit FakeFleet(FakeTime& time) : time_(time) {}
  FakeFleet(const FakeFleet&) = delete;
  FakeFleet& operator=(const FakeFleet&) = delete;

  Redis& AddMaster(const Endpoint& server);
  // With all that the master has.
  Redis& AddReplica(const Endpoint& server, const Endpoint& master);
  // Knows the master, its replicas, and the Sentinels that monitor the group already.
  Sentinel& AddSentinel(const Endpoint& sentinel, const std::string& group, const Endpoint& master);

  bool has_redis(const Endpoint& server) const { return redis_.contains(server); }
  Redis& redis(const Endpoint& server) { return redis_.at(server); }
  Sentinel& sentinel(const Endpoint& sentinel) { return sentinels_.at(sentinel); }
  redis::Network network() { return {asker_, asker_}; }

  // What was ordered and carried out, in order: "127.0.0.1:7001 REPLICAOF NO ONE". Questions are left out.
  std::vector<std::string> orders;
  // How orders begin that are refused, as users may be by ACL: "127.0.0.1:7001 CLIENT PAUSE".
  std::vector<std::string> forbidden;
  // Of two, the one that all servers accept.
  std::optional<std::string> accepted_password;
  // How long finding it takes, and how often it was asked for.
  Duration finds_in{};
  int searches = 0;
  // This one refuses the password to all that are not logged in already.
  std::optional<Endpoint> refuses_logins;
  // Runs after every order, and after every step of a failover; "" stands for the latter.
  std::function<void(const std::string& order)> on_change = [](const std::string&) {};

  // As a Sentinel does it at the end of a failover.
  void Promote(const Endpoint& replica);

 private:
  class Asker final : public redis::Servers {
   public:
    explicit Asker(FakeFleet& fleet) : fleet_(fleet) {}
    std::vector<Result<redis::Replies>> AskAll(const std::vector<Endpoint>& servers,
                                               const std::vector<redis::Command>& commands) override;
    Result<redis::Replies> AskLoggedIn(const Endpoint& server, const std::vector<redis::Command>& commands);
    std::unique_ptr<redis::KeptServer> Keep(const Endpoint& server) override;
    std::optional<std::string> FindPassword(const std::vector<Endpoint>& /*servers*/) override {
      ++fleet_.searches;
      if (fleet_.finds_in > Duration::zero()) fleet_.time_.Advance(fleet_.finds_in);
      return fleet_.accepted_password;
    }

   private:
    FakeFleet& fleet_;
  };
  class Kept;

  bool IsForbidden(const std::string& order) const;
  Result<redis::Replies> Answer(const Endpoint& server, const std::vector<redis::Command>& commands);
  redis::Reply AnswerRedis(const Endpoint& server, Redis& redis, const redis::Command& command);
  redis::Reply AnswerSentinel(const Endpoint& server, Sentinel& sentinel, const redis::Command& command);
  redis::Reply AnswerOfGroup(const Endpoint& server, Sentinel& sentinel, const redis::Command& command);
  // As to who asks for no new vote.
  static redis::Reply Vote(const Sentinel& sentinel, const redis::Command& command);
  // SENTINEL SET.
  static redis::Reply Set(Monitored& group, const redis::Command& command);
  redis::Reply FailOver(const Endpoint& server, Sentinel& sentinel, const std::string& group);
  // A hello, as sentinelProcessHelloMessage takes it.
  redis::Reply Hear(Sentinel& sentinel, const std::string& hello);
  // The step of a failover that promotes a replica.
  void Choose(const Endpoint& server, const std::string& group);
  void SeePromotion(const Endpoint& server, const std::string& group);
  void Finish(const Endpoint& server, const std::string& group, const Endpoint& promoted);
  // After a RESET: the replicas at the master's next INFO, or the other Sentinels at their next hellos,
  // which they send every two seconds.
  void FindAgain(const Endpoint& server, const std::string& group, bool peers);
  // The replica that this Sentinel would promote; nullptr: none.
  const Endpoint* FindBest(const Monitored& group);
  // Tells the Sentinel of the group's replicas and of the other Sentinels, and these of it.
  void FindOthers(const Endpoint& sentinel, const std::string& group);
  std::string PriorityOf(const Endpoint& replica, const Known& known) const;
  std::string Info(const Endpoint& server, const Redis& redis) const;
  // fake_replication.cpp
  bool LinkIsUp(const Redis& replica) const;
  void Attach(Redis& replica, const Endpoint& master);
  redis::Reply Write(const Endpoint& server, Redis& redis);

  FakeTime& time_;
  std::recursive_mutex mutex_;
  std::map<Endpoint, Redis> redis_;
  std::map<Endpoint, Sentinel> sentinels_;
  int named_ = 0;
  Asker asker_{*this};
};

}  // namespace redis_zk::testing
