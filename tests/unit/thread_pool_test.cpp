#include "watcher/web/thread_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "base/published.h"
#include "support/wait.h"

namespace redis_zk::testing::thread_pool_test {
namespace {

using watcher::web::ThreadPool;

constexpr Duration kForever = 1h;

// Work that stays where it is until it is let go.
class Gate {
 public:
  void Pass() {
    news_.Report([this] { ++waiting_; });
    EXPECT_TRUE(news_.Until([this] { return open_; }));
    news_.Report([this] { ++passed_; });
  }
  void Open() {
    news_.Report([this] { open_ = true; });
  }
  bool Holds(int count) {
    return news_.Until([this, count] { return waiting_ == count; });
  }
  bool Passed(int count) {
    return news_.Until([this, count] { return passed_ == count; });
  }

 private:
  News news_;
  int waiting_ = 0;
  int passed_ = 0;
  bool open_ = false;
};

// The threads that work was done on.
class Workers {
 public:
  void Note() {
    const std::lock_guard lock(mutex_);
    seen_.insert(std::this_thread::get_id());
  }
  std::size_t count() {
    const std::lock_guard lock(mutex_);
    return seen_.size();
  }

 private:
  std::mutex mutex_;
  std::set<std::thread::id> seen_;
};

std::atomic<int> ended_threads = 0;

// Counts the end of the thread that calls this.
void CountMyEnd() {
  struct Mark {
    ~Mark() { ++ended_threads; }
  };
  static const thread_local Mark mark;
  static_cast<void>(mark);
}

TEST(ThreadPoolTest, RunsEverythingAtOnceUpToItsLimit) {
  Gate gate;
  Workers workers;
  ThreadPool pool(3, kForever);
  for (int i = 0; i < 5; ++i) {
    pool.Run([&] {
      workers.Note();
      gate.Pass();
    });
  }
  EXPECT_TRUE(gate.Holds(3));
  gate.Open();
  EXPECT_TRUE(gate.Passed(5)) << "the others follow";
  EXPECT_EQ(workers.count(), 3U);
}

TEST(ThreadPoolTest, BusyThreadsKeepNoOtherWorkWaiting) {
  // As connections that stay open without a request do.
  Gate idle_connections;
  Gate request;
  request.Open();
  ThreadPool pool(100, kForever);
  for (int i = 0; i < 50; ++i) pool.Run([&idle_connections] { idle_connections.Pass(); });
  ASSERT_TRUE(idle_connections.Holds(50));
  pool.Run([&request] { request.Pass(); });
  EXPECT_TRUE(request.Passed(1));
  idle_connections.Open();
}

TEST(ThreadPoolTest, UsesItsIdleThreadsAgain) {
  constexpr int kRounds = 200;
  Gate gate;
  gate.Open();
  Workers workers;
  ThreadPool pool(kRounds, kForever);
  for (int round = 1; round <= kRounds; ++round) {
    pool.Run([&] {
      workers.Note();
      gate.Pass();
    });
    ASSERT_TRUE(gate.Passed(round));
  }
  // A thread that has just finished may not be idle yet when the next work comes: some more than one.
  EXPECT_LT(workers.count(), kRounds / 4);
}

TEST(ThreadPoolTest, ShrinksToNothing) {
  Gate gate;
  const int before = ended_threads;
  ThreadPool pool(8, 1ms);
  for (int i = 0; i < 4; ++i) {
    pool.Run([&gate] {
      CountMyEnd();
      gate.Pass();
    });
  }
  ASSERT_TRUE(gate.Holds(4));
  gate.Open();
  EXPECT_TRUE(News().Until([before] { return ended_threads == before + 4; }));
  pool.Run([&gate] { gate.Pass(); });
  EXPECT_TRUE(gate.Passed(5)) << "and grows again";
}

TEST(ThreadPoolTest, RunsWhatIsQueuedBeforeItEnds) {
  std::atomic<int> done = 0;
  {
    ThreadPool pool(2, kForever);
    for (int i = 0; i < 100; ++i) pool.Run([&done] { ++done; });
  }
  EXPECT_EQ(done, 100);
}

TEST(ThreadPoolTest, LetsGoOfItsWorkWhenItIsDone) {
  const auto held = std::make_shared<int>();
  Gate gate;
  gate.Open();
  ThreadPool pool(2, kForever);
  pool.Run([held, &gate] { gate.Pass(); });
  ASSERT_TRUE(gate.Passed(1));
  EXPECT_TRUE(News().Until([&held] { return held.use_count() == 1; }));
}

TEST(ThreadPoolTest, TakesWorkFromManyThreadsAndFromItself) {
  std::atomic<int> done = 0;
  {
    ThreadPool pool(4, 1ms);
    std::vector<std::thread> clients;
    for (int client = 0; client < 4; ++client) {
      clients.emplace_back([&] {
        for (int i = 0; i < 100; ++i) {
          pool.Run([&] {
            ++done;
            pool.Run([&done] { ++done; });
          });
        }
      });
    }
    for (auto& client : clients) client.join();
  }
  EXPECT_EQ(done, 800);
}

TEST(PublishedTest, AReaderKeepsWhatItGot) {
  Published<int> published(1);
  const auto before = published.Get();
  published.Set(2);
  EXPECT_EQ(*before, 1);
  EXPECT_EQ(*published.Get(), 2);
}

TEST(PublishedTest, AReaderWaitsForTheNextOne) {
  Published<int> published(1);
  const auto first = published.Get();
  EXPECT_EQ(published.GetNext(first, Clock::now() + 1ms), first) << "the time is up";
  std::thread writer([&published] { published.Set(2); });
  EXPECT_EQ(*published.GetNext(first, Clock::now() + 10s), 2);
  writer.join();
  EXPECT_EQ(*published.GetNext(first, TimePoint{}), 2) << "who is behind does not wait";
}

TEST(PublishedTest, NobodyWaitsForWhatWillNotCome) {
  Published<int> published(1);
  std::thread closer([&published] { published.Close(); });
  EXPECT_EQ(*published.GetNext(published.Get(), Clock::now() + 10s), 1);
  closer.join();
  EXPECT_TRUE(published.closed());
  EXPECT_EQ(*published.GetNext(published.Get(), TimePoint::max()), 1);
}

TEST(PublishedTest, ReadersSeeOnlyWholeValues) {
  Published<std::vector<int>> published(std::vector<int>(10, 0));
  std::atomic<bool> done = false;
  std::thread reader([&] {
    while (!done) {
      const auto seen = published.Get();
      EXPECT_EQ(*seen, std::vector<int>(10, seen->front()));
    }
  });
  for (int i = 1; i <= 1000; ++i) published.Set(std::vector<int>(10, i));
  done = true;
  reader.join();
  EXPECT_EQ(published.Get()->front(), 1000);
}

}  // namespace
}  // namespace redis_zk::testing::thread_pool_test
