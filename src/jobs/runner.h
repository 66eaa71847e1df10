// The threads that run handlers, and what became of each job. Knows nothing of the queue: it is
// given claimed jobs, and asked for outcomes.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "jobs/handler.h"
#include "jobs/retry_rules.h"

namespace payoutd::jobs {

struct Outcomes {
  struct Done {
    Held held;
    bool committed;  // by the handler, with its own work
  };
  std::vector<Done> done;
  std::vector<Returned> returned;
  std::vector<Buried> dead;
  int lost = 0;  // taken over while they ran; nothing is left to write

  bool empty() const { return size() == 0 && lost == 0; }
  std::size_t size() const { return done.size() + returned.size() + dead.size(); }
  void append(Outcomes more);
};

class Runner {
 public:
  // `on_outcome` is called from the threads after each job.
  Runner(std::vector<Handler> handlers, const Clock& clock, int threads,
         std::function<void()> on_outcome);
  ~Runner();  // waits for the handlers

  const std::vector<std::string>& kinds() const { return kinds_; }

  // At most idle() jobs, held until `lease_end` of the steady clock.
  void take(std::vector<Claimed> jobs, Run::Monotonic::time_point lease_end);
  int idle() const;
  int busy() const;

  // What ended since the last call.
  Outcomes collect();

  // What is being run, to keep its leases alive; and how that went.
  std::vector<Held> held() const;
  void extended(std::span<const JobId> still_held, std::span<const Held> asked,
                Run::Monotonic::time_point lease_end);

  // Handlers see Run::stopping(); nothing more begins.
  void stop();

 private:
  struct Task {
    Claimed job;
    std::atomic<Run::Monotonic::rep> lease_end;
    Task(Claimed claimed, Run::Monotonic::time_point end)
        : job(std::move(claimed)), lease_end(end.time_since_epoch().count()) {}
  };

  void serve();
  void run(Task& task);
  Result<void> call(Run& run) const;
  void settle(Task& task, const Run& run, const Result<void>& result);
  void fail(const Claimed& job, const Run* run, Failure failure);

  const std::vector<Handler> handlers_;
  std::vector<std::string> kinds_;
  const Clock& clock_;
  const int threads_wanted_;
  const std::function<void()> on_outcome_;
  mutable std::mutex mutex_;
  std::condition_variable work_;
  std::deque<std::shared_ptr<Task>> waiting_;
  std::map<JobId, std::shared_ptr<Task>> tasks_;  // waiting and running
  Outcomes outcomes_;
  std::atomic<bool> stopping_{false};
  std::vector<std::thread> threads_;
};

}  // namespace payoutd::jobs
