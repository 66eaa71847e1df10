// The simulated Stripe between requests: its objects, its time, and what is still to happen.
// Functions that change it run under the simulator's lock, one at a time, each in one moment `now`.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "stripe/sim/wire/random.h"
#include "stripe/sim/world/options.h"
#include "stripe/sim/world/store.h"

namespace payoutd::sim {

// The request that causes what happens now; empty when Stripe itself does.
struct Cause {
  std::string request_id, idempotency_key;
};

// A transfer or payout that moved money, for /_sim/payments.
struct Payment {
  const Document* object = nullptr;
  std::string idempotency_key;
};

struct World {
  World(const Options& given, std::int64_t start)
      : options(given), ids(given.seed), random(given.seed ^ 0x5eed), now(start) {}
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  const Options& options;
  Ids ids;
  Random random;  // for what the banks decide
  Store store;
  std::int64_t now;
  bool livemode = false;
  Cause cause;
  std::vector<Payment> payments;

  // Rows that become available, and everything else that is due at a time, in that order.
  std::map<std::int64_t, std::vector<std::pair<Account*, Row*>>> settling;
  std::multimap<std::int64_t, std::function<void(World&)>> timers;

  // Towards the outside; unset while history is made.
  std::function<int(const WebhookEvent&)> publish;
  std::function<bool(std::string_view event_type)> twin;
  std::function<void(const Document&)> endpoint_changed;
  // Events older than Stripe's horizon at this time are not kept.
  std::int64_t history_until = 0;

  Account& platform() { return *store.accounts().front(); }
  std::string id(std::string_view prefix, const Account& account) {
    return ids.make(prefix, now, account.id);
  }
  void at(std::int64_t when, std::function<void(World&)> what) {
    timers.emplace(when, std::move(what));
  }
};

inline constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

// When the next thing is due; kNever when nothing is.
std::int64_t next_due(const World& world);

// Does everything that is due until `when`, each at its own time, and leaves `now` there. A time
// that has passed already changes nothing.
void advance_to(World& world, std::int64_t when);

}  // namespace payoutd::sim
