// Keeps the note beside the data (dataset.h) true while the server runs: which node this is, what its data
// are called, and how far they go.
//
// Loop thread only. A note that cannot be written leaves the old one, on the disk and here.
#pragma once

#include <string>

#include "base/result.h"
#include "base/time.h"
#include "redis-wrapper/dataset.h"
#include "redis/server_info.h"

namespace redis_zk::redis_wrapper {

class NoteKeeper {
 public:
  explicit NoteKeeper(DataFiles files);

  // What is on the disk, or a new name for the node.
  void ReadAnew();
  const Note& note() const { return note_; }

  // Before data are known under the node's name: writes the name down, so that the node finds it again.
  Status Name();
  // Before a copy of a master's data, which are called `replication_id`. `found`: what it will replace.
  Status Expect(const std::string& replication_id, const store::Dataset& found);
  // Writes down what the server says of its data: a new name at once, how far they go every five seconds.
  // `converting`: the server keeps another file than redis.conf says; see conversion.h.
  Status Keep(const redis::ServerInfo& own, bool converting, TimePoint now);

 private:
  Status Write(Note note);

  const DataFiles files_;
  Note note_;
  bool named_ = false;  // the note on the disk says which node this is
  TimePoint due_at_{};
};

}  // namespace redis_zk::redis_wrapper
