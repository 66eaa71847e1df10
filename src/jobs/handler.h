// What runs a job. Each folder gives the table of its kinds:
//
//   std::vector<jobs::Handler> Payouts::handlers() {
//     return {{"send_instruction", [this](jobs::Run& run) { return send(run); }}, …};
//   }
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/result.h"
#include "jobs/lease_store.h"

namespace payoutd::jobs {

// Thrown by Run::finish: another worker has the job now. Nothing of this transaction may commit.
struct LeaseLost : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// One attempt at one job.
class Run {
 public:
  using Monotonic = std::chrono::steady_clock;

  // `lease_end` is when this machine's steady clock is sure to be past the lease, as Monotonic
  // ticks.
  Run(const Claimed& job, Json payload, const std::atomic<Monotonic::rep>& lease_end,
      const std::atomic<bool>& stopping)
      : job_(job), payload_(std::move(payload)), lease_end_(lease_end), stopping_(stopping) {}

  const Json& payload() const { return payload_; }
  JobId id() const { return job_.id; }
  std::optional<OrgId> organization() const { return job_.organization; }
  const std::string& kind() const { return job_.kind; }
  int attempt() const { return job_.attempt; }  // 1 for the first
  bool last_attempt() const { return job_.attempt >= job_.max_attempts; }

  // Deletes the job within the handler's own transaction, so that what it did and that it is done
  // commit together: exactly once. Throws LeaseLost.
  void finish(pg::Tx& tx);

  // False once the lease ran out, in truth or perhaps: stop before the next effect that can't be
  // taken back. Long handlers ask between steps.
  bool holds_lease() const { return Monotonic::now().time_since_epoch().count() < lease_end_; }

  // True when the process ends. A long handler then returns Kind::retry, and the job is given back
  // at once without using up the attempt.
  bool stopping() const { return stopping_; }

  // If this attempt ends in Kind::retry, the next one begins after this time of the business clock.
  void retry_after(std::chrono::milliseconds delay) { retry_after_ = delay; }

  std::optional<std::chrono::milliseconds> retry_delay() const { return retry_after_; }
  bool finished() const { return finished_; }

 private:
  const Claimed& job_;
  const Json payload_;
  const std::atomic<Monotonic::rep>& lease_end_;
  const std::atomic<bool>& stopping_;
  std::optional<std::chrono::milliseconds> retry_after_;
  bool finished_ = false;
};

// Success ends the job; an Error of Kind::retry, or an exception that may pass (a lost database, a
// conflict), lets it run again later; every other Error or exception makes it dead.
struct Handler {
  std::string kind;
  std::function<Result<void>(Run&)> run;
};

}  // namespace payoutd::jobs
