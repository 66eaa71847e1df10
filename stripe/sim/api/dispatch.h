// The way of every call: key → limits → faults → account → parameters → idempotency → the endpoint
// → expansion → the answer.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <set>
#include <shared_mutex>
#include <string>

#include "base/clock.h"
#include "stripe/sim/api/expand.h"
#include "stripe/sim/api/routes.h"
#include "stripe/sim/wire/call.h"
#include "stripe/sim/wire/faults.h"
#include "stripe/sim/wire/idempotency.h"
#include "stripe/sim/wire/rate_limit.h"

namespace payoutd::sim {

class Dispatch {
 public:
  // All outlive it, and the platform is open. `mutex` guards `world`: shared to read, alone to
  // change.
  Dispatch(World& world, std::shared_mutex& mutex, const Clock& clock, Faults& faults);

  // Any number of threads at once. Blocks as long as a latency fault says.
  Answer handle(const Call& call);
  // False: calls that latency faults hold are cut off without effect, and so are those that they
  // would hold.
  void may_hold(bool allowed);

  void allow_key(const std::string& key) { keys_.insert(key); }  // before the first call
  void expire_key(const std::string& key);
  // Called under the lock, before a call that may change something is executed at that second.
  using Recorder = std::function<void(const Call&, std::int64_t now)>;
  void record_with(Recorder recorder) { recorder_ = std::move(recorder); }
  RateLimiter& limits() { return limiter_; }

  struct Counts {
    std::uint64_t requests = 0, executed = 0, replayed = 0, limited = 0, refused = 0;
    int in_flight = 0, peak_in_flight = 0;
  };
  Counts counts() const;

 private:
  struct Passage;  // one call on its way
  void pass(Passage& passage);
  Try<void> authenticate(const Call& call) const;
  Try<Account*> account_of(const Call& call);
  bool limited(Passage& passage);
  bool sit_out_latency(Passage& passage);
  void with_idempotency(Passage& passage);
  void run(Passage& passage);
  Try<std::string> execute(Passage& passage);
  Try<std::string> render(const Ask& ask, Shown shown, const Expansions& paths, bool reads) const;
  void catch_up(std::int64_t now);
  std::string next_request_id();

  World& world_;
  const std::string platform_;  // whose budget every call is charged to
  std::shared_mutex& mutex_;
  const Clock& clock_;
  Faults& faults_;
  IdempotencyStore idempotency_;
  RateLimiter limiter_;
  Routes routes_;
  Recorder recorder_;
  std::set<std::string, std::less<>> keys_;
  std::set<std::string, std::less<>> expired_;
  mutable std::shared_mutex keys_mutex_;
  std::mutex held_mutex_;
  std::condition_variable held_;
  bool may_hold_ = true;
  std::atomic<std::uint64_t> request_serial_{0}, requests_{0}, executed_{0}, replayed_{0},
      limited_{0}, refused_{0};
  std::atomic<int> in_flight_{0}, peak_{0};
};

}  // namespace payoutd::sim
