// What a simulated Stripe is told at its start. Every default is chosen; nothing needs to be set.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/secret.h"
#include "base/time.h"
#include "stripe/sim/delivery/webhook_sender.h"
#include "stripe/sim/wire/rate_limit.h"
#include "stripe/sim/world/calendar.h"

namespace payoutd::sim {

// How long Stripe and the banks take, in seconds. Stripe documents few of these (reference 11.4).
struct Timings {
  std::int64_t payout_lead =
      4 * kHour;                       // an automatic payout is made this long before its midnight
  std::int64_t manual_submit = kHour;  // a manual payout stays pending, and can be canceled
  std::int64_t instant_arrival = 30 * kMinute;
  int arrival_business_days = 1;             // after the day a payout was submitted
  std::int64_t reconciliation = 26 * kHour;  // after an automatic payout was made
  std::int64_t trace_id = 30 * kHour;        // after a payout was paid
  std::int64_t late_failure = 3 * kDay;      // after it was paid
  std::int64_t async_refund = 5 * kDay;      // a pending refund settles, a doomed one fails
  std::int64_t topup = 3 * kDay;
  std::int64_t dispute = 7 * kDay;  // from evidence to the bank's decision, when not named
  int settlement_days = 2;          // a charge's net becomes available at that midnight
};

// Stripe's price for a charge: basis points half up, and a fixed part in minor units.
struct Pricing {
  std::int64_t charge_bps = 290;
  std::int64_t charge_fixed = 30;
  std::int64_t dispute_fee = 1'500;
  std::int64_t instant_bps = 100;
};

enum class Demo {
  none,   // the platform's account alone, without any history
  small,  // the same accounts as full, three weeks of history
  full,   // the platform, four connected accounts, six months of history
};

struct Options {
  std::uint64_t seed = 1;
  std::vector<Secret>
      api_keys{};          // empty: one, made from the seed. `sk_live_` makes a live account
  std::string platform{};  // "acct_…"; empty: made from the seed
  Demo demo = Demo::none;
  Timings timings{};
  Pricing pricing{};
  RateLimiter::Limits limits = RateLimiter::Limits::off();
  WebhookSender::Options webhooks{};
  std::int64_t visibility_lag_s = 0;  // rows and events are listed this long after they were made
  // Moves the clock that the simulator was given; without it POST /_sim/clock answers 400.
  std::function<void(std::chrono::microseconds)> advance_clock{};
  // A file that keeps what is done, so that the next start with it finds the same world; empty:
  // none.
  std::string journal{};
  std::string host = "127.0.0.1";
  std::uint16_t port = 12111;  // 0: any free one
  int workers = 64;
  int activity_every_ms = 0;  // live activity: something happens this often; 0: nothing by itself
};

}  // namespace payoutd::sim
