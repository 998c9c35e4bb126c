#include "zookeeper/session.h"

namespace redis_zk::zookeeper {

namespace {

// An attempt fails when another client has made one of the znodes in the meantime.
constexpr int kMostAttempts = 10;

}  // namespace

Status Session::EnsurePath(const std::string& path) {
  if (auto made = EnsureChroot(); !made) return made;
  for (int attempt = 1;; ++attempt) {
    const auto missing = MissingOf(path);
    if (!missing) return tl::unexpected(missing.error());
    if (missing->empty()) return {};
    Transaction transaction;
    for (const auto& znode : *missing)
      transaction.Add(Transaction::CreateOp{znode, "", Lifetime::kPersistent});
    const auto made = Commit(transaction);
    if (made) return {};
    if (made.error().kind != ErrorKind::kAlreadyExists || attempt == kMostAttempts)
      return Fail("cannot create " + path, made.error());
  }
}

Result<std::vector<std::string>> Session::MissingOf(const std::string& path) {
  std::vector<std::string> missing;
  for (std::string znode = path; !znode.empty(); znode.resize(znode.rfind('/'))) {
    const auto there = Exists(znode, Watch::kNo);
    if (!there) return tl::unexpected(there.error());
    if (there->has_value()) break;
    missing.insert(missing.begin(), znode);
  }
  return missing;
}

Status Session::EnsureNode(const std::string& path) {
  const auto there = Exists(path, Watch::kNo);
  if (!there) return tl::unexpected(there.error());
  if (there->has_value()) return {};
  const auto created = Create(path, "", Lifetime::kPersistent);
  if (!created && created.error().kind != ErrorKind::kAlreadyExists) return tl::unexpected(created.error());
  return {};
}

}  // namespace redis_zk::zookeeper
