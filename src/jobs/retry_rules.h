// How long a job waits before it is tried again, and what a failure means for it. Pure.
#pragma once

#include <chrono>
#include <exception>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace payoutd::jobs {

// After `attempt` attempts (1 or more): 1 s, doubled each time up to an hour, of which `chance` (0
// to 1) takes away up to half, so that what failed together does not come back together.
std::chrono::milliseconds retry_delay(int attempt, double chance);

struct Failure {
  bool retry;         // it may work later
  std::string error;  // without secrets, valid UTF-8, at most kMaxErrorBytes
};
inline constexpr std::size_t kMaxErrorBytes = 2000;

// The message as a column takes it: it may carry what a stranger sent, a NUL or broken UTF-8.
std::string storable(std::string_view text);

Failure failure_of(const Error& error);
// What a handler threw. A database that went away, a conflict, a lack of resources or a timeout may
// pass; all else would happen again.
Failure failure_of(const std::exception& thrown);

}  // namespace payoutd::jobs
