// The business clock: what "now" means for payouts, signatures, schedules and the simulator.
// Leases, rate tokens and timeouts never use it, but the database's or the monotonic clock.
#pragma once

#include <atomic>
#include <chrono>

#include "base/time.h"

namespace payoutd {

class Clock {
 public:
  virtual ~Clock() = default;
  virtual Time now() const = 0;
};

class SystemClock final : public Clock {
 public:
  Time now() const override {
    return std::chrono::time_point_cast<std::chrono::microseconds>(
        std::chrono::system_clock::now());
  }
};

// Runs with the machine's clock at an offset that only grows: shared in `payoutd dev` by the
// service and the simulator.
class MovableClock final : public Clock {
 public:
  Time now() const override {
    return SystemClock{}.now() + std::chrono::microseconds{offset_us_.load()};
  }
  void advance(std::chrono::microseconds by) { offset_us_ += by.count(); }

 private:
  std::atomic<std::int64_t> offset_us_{0};
};

// Stands still until it is moved.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(Time start) : now_us_(to_micros(start)) {}
  Time now() const override { return from_micros(now_us_.load()); }
  void advance(std::chrono::microseconds by) { now_us_ += by.count(); }
  void set(Time time) { now_us_ = to_micros(time); }

 private:
  std::atomic<std::int64_t> now_us_;
};

}  // namespace payoutd
