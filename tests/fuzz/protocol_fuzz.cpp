// The bytes that a server sends: how they are bounded, and that hiredis stands what passes, in pieces as they
// come.
#include <hiredis.h>

#include <algorithm>
#include <cstddef>
#include <memory>

#include "fuzz/fuzz.h"
#include "redis/reply_bounds.h"

namespace redis_zk {

namespace {

struct Free {
  void operator()(redisReader* reader) const { redisReaderFree(reader); }
};

bool AreWithinBounds(std::string_view bytes, std::size_t piece) {
  redis::ReplyBounds bounds;
  while (!bytes.empty()) {
    if (!bounds.Check(bytes.substr(0, piece))) return false;
    bytes.remove_prefix(std::min(piece, bytes.size()));
  }
  return true;
}

}  // namespace

FUZZ_TARGET(text) {
  using fuzz::Check;
  if (text.empty()) return;
  const std::size_t piece = static_cast<unsigned char>(text.front()) + std::size_t{1};
  text.remove_prefix(1);
  const bool accepted = AreWithinBounds(text, text.size());
  // Where the network cuts them is nothing to go by.
  Check(AreWithinBounds(text, piece) == accepted);
  if (!accepted) return;
  const std::unique_ptr<redisReader, Free> reader(redisReaderCreate());
  for (; !text.empty(); text.remove_prefix(std::min(piece, text.size()))) {
    const std::string_view next = text.substr(0, piece);
    if (redisReaderFeed(reader.get(), next.data(), next.size()) != REDIS_OK) return;
    void* reply = nullptr;
    while (redisReaderGetReply(reader.get(), &reply) == REDIS_OK && reply != nullptr) freeReplyObject(reply);
  }
}

}  // namespace redis_zk
