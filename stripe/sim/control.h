// The simulator's own paths under /_sim: the clock, faults, and what really moved.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/time.h"
#include "http/router.h"
#include "stripe/sim/wire/faults.h"

namespace payoutd::sim {

// What the paths need of the simulator. Every function may be called from several threads at once.
struct ControlTarget {
  // Moves the simulated clock and does all that came due (payouts, settlements, webhook retries).
  // Returns the simulated time after it; refuses where the clock can't be moved.
  std::function<Result<Time>(std::chrono::seconds)> advance{};
  std::function<Time()> now{};
  // An array of every transfer and payout that moved money: {id, object, account, amount, currency,
  // idempotency_key, metadata, reversed}, oldest first.
  std::function<OrderedJson()> payments{};
  // {requests, peak_in_flight, …}
  std::function<OrderedJson()> stats{};
  // Makes `counts` ({"charges": 3, "refunds": 1}: non-negative integers) things happen on
  // `account`. Returns what was made; refuses an unknown account (`missing`) or kind (`invalid`).
  std::function<Result<OrderedJson>(const std::string& account, const Json& counts)> activity{};
  Faults* faults = nullptr;  // outlives the routes
};

// POST /_sim/clock {"advance": seconds} and GET /_sim/clock → {"now", "iso"}
// POST, GET, DELETE /_sim/faults
// GET /_sim/payments → {"data": […]}
// POST /_sim/activity {"account", "charges", …}
// GET /_sim/stats
// What cannot be read is a 400 that names the field.
std::vector<http::Route> control_routes(ControlTarget target);

}  // namespace payoutd::sim
