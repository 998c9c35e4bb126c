// Which wrapper announces an address: two that announce the same one would both be taken for it.
//
//   <root>/announced/<host:port>-<number>  ephemeral, sequential: a wrapper that announces this address or
//                                          is about to; the first one has it
//
// Same thread as the session.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "net/endpoint.h"
#include "zookeeper/session.h"

namespace redis_zk::store {

// Another session that announces the address.
struct Announcer {
  std::string name;      // the path of its registration, and more, for people
  bool serving = false;  // it is registered with a server that serves; otherwise it is starting
  bool alive = false;    // serving: it was seen starting before, so its session has not died long ago
};

enum class AddressVerdict { kOurs, kWait, kRefuse };
// `answered`: a server answers at the address, and ours has not been launched. `patient`: a session that has
// died may not have ended yet.
//
// Where a server answers and no session announces it, its wrapper has lost its session and serves on.
//
// A predecessor that was killed is registered as serving and answers no more: it is not waited for. One that
// is starting may be about to answer, and one that was seen starting lives although nothing answers, as where
// the announced address cannot be reached from here.
AddressVerdict JudgeAddress(const std::optional<Announcer>& other, bool answered, bool patient);

class Addresses {
 public:
  // `session` must outlive it.
  Addresses(zookeeper::Session& session, std::string root);

  // Claims the address for as long as the session lives. Nothing: no other session announces it, or has
  // claimed it before; those of the dead do not count unless something `answered` there. `name` tells where
  // our server will listen; a claim with the same one is a predecessor's, for two servers cannot listen
  // there.
  Result<std::optional<Announcer>> Claim(const Endpoint& address, const std::string& name, bool answered);
  // Puts our claim back where it is gone. Then: the name of another's claim that stands before it now.
  Result<std::optional<std::string>> PutBack(const Endpoint& address, const std::string& name);

 private:
  struct Found {
    std::string name;
    std::int64_t owner;
    std::string data;
  };
  struct Place {
    std::vector<Found> before;  // the claims of others before ours; no predecessor's
    bool is_new = false;        // not known to this object before
  };
  Result<Place> TakePlace(const Endpoint& address, const std::string& name);
  // The claims to the address of all sessions, in their order.
  Result<std::vector<Found>> ListClaims(const Endpoint& address);
  // Those of other sessions that are registered with a server that serves at the address.
  Result<std::vector<Found>> ListRegistrations(const Endpoint& address);

  zookeeper::Session& session_;
  const std::string root_;
  std::set<std::int64_t> seen_starting_;  // sessions
  std::int64_t placed_session_ = 0;       // whose place is known
};

}  // namespace redis_zk::store
