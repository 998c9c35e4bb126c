#include "redis/credentials.h"

#include <algorithm>

namespace redis_zk::redis {

const std::string& ChoosePassword(const Credentials& credentials, const std::vector<Acceptance>& servers) {
  const bool needs_old = std::any_of(servers.begin(), servers.end(), [](const Acceptance& each) {
    return each.of_new == Verdict::kRefuses && each.of_old == Verdict::kAccepts;
  });
  return needs_old ? credentials.old_password : credentials.password;
}

}  // namespace redis_zk::redis
