// The end of a stop: the process that has not ended by then is ended as a kill would end it. What
// it was doing is safe: every intent was committed before, and others take it up.
#pragma once

#include <chrono>
#include <thread>

namespace payoutd::app {

// Longer than each drain of Service::stop; shorter than what supervisors wait before they kill.
inline constexpr std::chrono::seconds kStopsWithin{20};

class StopDeadline {
 public:
  // The process exits with `code` after `time`, or at once at a second stop signal.
  explicit StopDeadline(std::chrono::milliseconds time = kStopsWithin, int code = 0);
  ~StopDeadline() = default;  // it ended in time
  StopDeadline(const StopDeadline&) = delete;
  StopDeadline& operator=(const StopDeadline&) = delete;

 private:
  std::jthread thread_;
};

}  // namespace payoutd::app
