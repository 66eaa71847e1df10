// Runs jobs: one thread speaks with the queue, the others run handlers. Any number of workers, in
// any number of processes, may share a database.
//
//   jobs::Worker worker(db, clock, handlers, {.threads = 8, .listen_url = url});
//   …
//   worker.stop();
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "jobs/handler.h"
#include "jobs/runner.h"
#include "pg/database.h"
#include "pg/listen.h"

namespace payoutd::jobs {

struct WorkerOptions {
  int threads = 4;         // the database's pool needs one connection more
  int urgent_threads = 1;  // of them, kept free of jobs less urgent than Priority::prompt, so that
                           // long ones never make money wait; at most threads - 1
  std::chrono::milliseconds poll{1000};     // at least this often it looks for work
  std::chrono::milliseconds lease{30'000};  // others take over after it; 1 s or more
  std::chrono::milliseconds drain{10'000};  // that stop() waits for running handlers
  std::string name{};                       // who holds a lease; none: host and process
  std::optional<Secret> listen_url{};       // of the same database, to hear of jobs at once
  bool fires_schedules = true;
};

// Since the start, but for `running`.
struct WorkerCounters {
  std::int64_t claimed = 0;
  std::int64_t done = 0;
  std::int64_t failed = 0;  // will run again
  std::int64_t dead = 0;
  std::int64_t given_back = 0;  // untried, when stopping
  std::int64_t lost = 0;        // taken over by others while they ran here
  std::int64_t taken_over = 0;  // leases of others that ran out
  std::int64_t fired = 0;       // schedules
  std::int64_t running = 0;
  std::chrono::microseconds waited{0};  // the longest of the last claim: how far behind we are
};

class Worker {
 public:
  // Business time (run_at, schedules) is `clock`'s; leases are the database's. No two handlers may
  // have one kind. Kinds without a handler are left to other workers.
  Worker(pg::Database& db, const Clock& clock, std::vector<Handler> handlers,
         WorkerOptions options);
  // Stops, and waits for every handler, however long it takes.
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Looks for work now: a job was enqueued, or the business clock was moved.
  void wake();

  // The first half of stop(): claims nothing more, and lets handlers see Run::stopping().
  void begin_stop();

  // Claims nothing more, lets handlers see Run::stopping(), and writes down what became of their
  // jobs. True once all have ended; false when `drain` was over first: those that still run keep
  // their lease, and others take them over when it ends. May be called again.
  bool stop();

  WorkerCounters counters() const;

 private:
  using Monotonic = std::chrono::steady_clock;
  struct Turn;

  void hear();
  void coordinate();
  bool over();
  bool work();
  void take_turn(Turn& turn);
  void write_down(pg::Tx& tx, Turn& turn);
  void extend_and_take_over(pg::Tx& tx, Turn& turn);
  void take_more(pg::Tx& tx, Turn& turn);
  void keep_result(Turn& turn);
  void count(const Turn& turn, const Outcomes& written);
  bool fire_schedules();  // true if any fired
  void recover(const std::exception& thrown);
  void wait();

  pg::Database& db_;
  const Clock& clock_;
  const WorkerOptions options_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool woken_ = false;
  bool ended_ = false;  // a handler has
  bool stopping_ = false;
  Monotonic::time_point drain_until_ = Monotonic::time_point::max();
  WorkerCounters counters_;

  // Of the coordinating thread alone.
  Turns turns_;
  Outcomes unwritten_;
  std::optional<Uuid> doubtful_lease_;  // of a claim whose commit may have happened
  Monotonic::time_point extend_at_{};
  Monotonic::time_point take_over_at_{};
  Monotonic::time_point promote_at_{};
  Monotonic::time_point fire_at_{};
  std::chrono::milliseconds pause_{0};
  bool database_lost_ = false;
  log::Repeated failing_, unfired_;

  std::unique_ptr<Runner> runner_;
  std::thread coordinator_;
  std::unique_ptr<pg::Listener> listener_;
  std::thread hearing_;
};

}  // namespace payoutd::jobs
