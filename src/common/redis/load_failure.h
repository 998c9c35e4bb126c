// What a server says about its data when it cannot load them, just before it exits (rdb.c, aof.c and server.c
// of Redis 5 to 8 and of Valkey). An end for any other reason says nothing about the data.
#pragma once

#include <string>
#include <string_view>

namespace redis_zk::redis {

enum class LoadCause {
  kUnknown,      // it does not say
  kDamaged,      // a file is cut off, corrupt or missing
  kNewerFormat,  // a newer server wrote it
  kElsewhere,    // the files may be intact: a module, memory, or the right to read them is missing
};

struct LoadFailure {
  LoadCause cause = LoadCause::kUnknown;
  std::string text{};  // printable; empty: it said nothing
};

// Hears what a server writes, line by line. One thread hears; another may ask when that one has ended.
class LoadFailureReader {
 public:
  void Hear(std::string_view line);

  const LoadFailure& failure() const { return failure_; }
  // Its data are in memory: what fails from now on is about others, as those of its master.
  bool loaded() const { return loaded_; }

 private:
  LoadFailure failure_;
  bool loaded_ = false;
};

}  // namespace redis_zk::redis
