// A question that blocks, asked on a thread of its own: what is asked may be away, and must not stop the
// loop.
//
// Threads: the owner's. That of the question cannot be interrupted; it is left behind when its answer is no
// longer wanted, and ends by itself.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "base/result.h"

namespace redis_zk {

template <class Answer>
class Inquiry {
 public:
  // `on_done` is called once, from the question's thread, when Take has something to return, and never after
  // the destructor. kInternal: no thread could be started.
  static Result<std::unique_ptr<Inquiry>> Begin(std::function<Answer()> ask, std::function<void()> on_done) {
    auto shared = std::make_shared<Shared>();
    try {
      std::thread([shared, ask = std::move(ask), on_done = std::move(on_done)] {
        auto answer = ask();
        const std::lock_guard lock(shared->mutex);
        if (shared->abandoned) return;
        shared->answer = std::move(answer);
        on_done();
      }).detach();
    } catch (const std::system_error& error) {
      return Fail(ErrorKind::kInternal, error.what());
    }
    return std::unique_ptr<Inquiry>(new Inquiry(std::move(shared)));
  }
  ~Inquiry() {
    const std::lock_guard lock(shared_->mutex);
    shared_->abandoned = true;
  }
  Inquiry(const Inquiry&) = delete;
  Inquiry& operator=(const Inquiry&) = delete;

  // Nothing: not yet, or taken already.
  std::optional<Answer> Take() {
    const std::lock_guard lock(shared_->mutex);
    return std::exchange(shared_->answer, std::nullopt);
  }

 private:
  // Outlives the owner for as long as the question takes.
  struct Shared {
    std::mutex mutex;
    bool abandoned = false;
    std::optional<Answer> answer;  // nothing: not yet
  };
  explicit Inquiry(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}

  const std::shared_ptr<Shared> shared_;
};

}  // namespace redis_zk
