#include "jobs/runner.h"

#include <algorithm>
#include <random>

#include "base/check.h"
#include "base/log.h"
#include "jobs/retry_rules.h"

namespace payoutd::jobs {
namespace {

double chance() {
  thread_local std::minstd_rand random{std::random_device{}()};
  return std::uniform_real_distribution<double>(0, 1)(random);
}

template <class T>
void move_to_end(std::vector<T>& into, std::vector<T>& from) {
  std::ranges::move(from, std::back_inserter(into));
}

}  // namespace

void Outcomes::append(Outcomes more) {
  move_to_end(done, more.done);
  move_to_end(returned, more.returned);
  move_to_end(dead, more.dead);
  lost += more.lost;
}

Runner::Runner(std::vector<Handler> handlers, const Clock& clock, int threads,
               std::function<void()> on_outcome)
    : handlers_(std::move(handlers)),
      clock_(clock),
      threads_wanted_(threads),
      on_outcome_(std::move(on_outcome)) {
  CHECK(threads >= 1);
  for (const Handler& handler : handlers_) {
    CHECK(std::ranges::find(kinds_, handler.kind) == kinds_.end());
    kinds_.push_back(handler.kind);
  }
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { serve(); });
}

Runner::~Runner() {
  stop();
  for (std::thread& thread : threads_) thread.join();
}

void Runner::take(std::vector<Claimed> jobs, Run::Monotonic::time_point lease_end) {
  {
    const std::lock_guard lock(mutex_);
    for (Claimed& job : jobs) {
      if (stopping_) {
        outcomes_.returned.push_back({{job.id, job.lease}, std::nullopt, std::nullopt});
        continue;
      }
      if (tasks_.contains(job.id)) {
        // Its lease ran out under a handler of ours that has not noticed yet.
        outcomes_.returned.push_back({{job.id, job.lease},
                                      clock_.now() + retry_delay(job.attempt, 0),
                                      "an earlier attempt was still running"});
        continue;
      }
      auto task = std::make_shared<Task>(std::move(job), lease_end);
      tasks_.emplace(task->job.id, task);
      waiting_.push_back(std::move(task));
    }
  }
  work_.notify_all();
}

int Runner::busy() const {
  const std::lock_guard lock(mutex_);
  return static_cast<int>(tasks_.size());
}

int Runner::idle() const { return std::max(0, threads_wanted_ - busy()); }

Outcomes Runner::collect() {
  const std::lock_guard lock(mutex_);
  return std::exchange(outcomes_, {});
}

std::vector<Held> Runner::held() const {
  const std::lock_guard lock(mutex_);
  std::vector<Held> held;
  for (const auto& [id, task] : tasks_) held.push_back({id, task->job.lease});
  return held;
}

void Runner::extended(std::span<const JobId> still_held, std::span<const Held> asked,
                      Run::Monotonic::time_point lease_end) {
  const std::lock_guard lock(mutex_);
  for (const Held& held : asked) {
    const auto found = tasks_.find(held.id);
    if (found == tasks_.end() || found->second->job.lease != held.lease) continue;
    const bool ours = std::ranges::find(still_held, held.id) != still_held.end();
    found->second->lease_end = ours ? lease_end.time_since_epoch().count() : 0;
  }
}

void Runner::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    for (const auto& task : waiting_) {
      outcomes_.returned.push_back({{task->job.id, task->job.lease}, std::nullopt, std::nullopt});
      tasks_.erase(task->job.id);
    }
    waiting_.clear();
  }
  work_.notify_all();
}

void Runner::serve() {
  std::unique_lock lock(mutex_);
  while (true) {
    work_.wait(lock, [&] { return stopping_ || !waiting_.empty(); });
    if (stopping_) return;
    const std::shared_ptr<Task> task = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    run(*task);
    on_outcome_();
    lock.lock();
  }
}

void Runner::run(Task& task) {
  const log::Scope scope("job_id", task.job.id.str());
  auto payload = parse_json(task.job.payload);
  if (!payload) return fail(task.job, nullptr, failure_of(payload.error()));
  Run run(task.job, std::move(*payload), task.lease_end, stopping_);
  try {
    settle(task, run, call(run));
  } catch (const LeaseLost& lost) {
    log::warn("a job was taken over while it ran",
              {{"kind", task.job.kind}, {"error", lost.what()}});
    const std::lock_guard lock(mutex_);
    tasks_.erase(task.job.id);
    ++outcomes_.lost;
  } catch (const std::exception& thrown) {
    fail(task.job, &run, failure_of(thrown));
  }
}

Result<void> Runner::call(Run& run) const {
  const auto handler = std::ranges::find(handlers_, run.kind(), &Handler::kind);
  CHECK(handler != handlers_.end());
  return handler->run(run);
}

void Runner::settle(Task& task, const Run& run, const Result<void>& result) {
  if (!result) return fail(task.job, &run, failure_of(result.error()));
  const std::lock_guard lock(mutex_);
  tasks_.erase(task.job.id);
  outcomes_.done.push_back({{task.job.id, task.job.lease}, run.finished()});
}

void Runner::fail(const Claimed& job, const Run* run, Failure failure) {
  const Held held{job.id, job.lease};
  const bool given_back = failure.retry && stopping_;
  const bool again = failure.retry && job.attempt < job.max_attempts;
  if (!given_back) {
    log::warn(again ? "a job failed and will run again" : "a job is dead",
              {{"kind", job.kind}, {"attempt", job.attempt}, {"error", failure.error}});
  }
  const std::lock_guard lock(mutex_);
  tasks_.erase(job.id);
  if (given_back) {
    outcomes_.returned.push_back({held, std::nullopt, std::nullopt});
  } else if (again) {
    const auto asked = run == nullptr ? std::nullopt : run->retry_delay();
    const auto delay = asked ? *asked : retry_delay(job.attempt, chance());
    outcomes_.returned.push_back({held, clock_.now() + delay, std::move(failure.error)});
  } else {
    outcomes_.dead.push_back({held, std::move(failure.error)});
  }
}

}  // namespace payoutd::jobs
