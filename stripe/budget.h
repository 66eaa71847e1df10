// The rate budget: asked before every send, so that Stripe's limits are kept instead of met.
// Stripe: 100 requests/s per account live, 25 in test mode, 25 per endpoint, 15 payouts created;
// calls with Stripe-Account are counted together with the platform's. docs.stripe.com/rate-limits
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace payoutd::stripe {

// In this order when there is not enough for all.
enum class Priority { money, normal, sync };

using Instant = std::chrono::steady_clock::time_point;

struct Ask {
  Priority priority = Priority::normal;
  std::string_view account{};  // acct_…; empty: the platform itself
  std::string_view route{};    // "POST /v1/payouts/:id/cancel", see route_of
};

struct Wait {
  std::chrono::nanoseconds time{0};  // zero: granted, and taken
  bool everyone = false;             // not only this route: nobody needs to ask before
  std::optional<Error> refused{};    // nothing will be granted soon: who asks is told this
};

// Called from the client's one thread, in order of priority; never blocks. Nothing is kept for who
// was told to wait: he asks again, before those of lower priority.
class Budget {
 public:
  virtual ~Budget() = default;
  virtual Wait take(const Ask& ask, Instant now) = 0;
  // Stripe answered 429 all the same; `reason` is its Stripe-Rate-Limited-Reason, or empty.
  virtual void limited(const Ask& ask, std::string_view reason, Instant now) = 0;
};

// "GET", "/v1/payouts/po_1?expand[]=x" gives "GET /v1/payouts/:id". A segment with a digit or an
// upper-case letter is an id.
std::string route_of(std::string_view method, std::string_view path);

struct Rates {
  double per_second = 25;  // all together
  double per_route = 25;
  double payout_creation = 15;
};

// A token bucket that fills evenly and holds at most a tenth of a second's worth (at least one), so
// that no second, wherever it begins, sees much more than the rate.
class Bucket {
 public:
  Bucket(double per_second, Instant now);
  std::chrono::nanoseconds wait(Instant now);  // until there is one; zero: now
  void take() { tokens_ -= 1; }
  void empty(Instant now);  // starts again from nothing

 private:
  void fill(Instant now);
  double rate_;
  double size_;
  double tokens_;
  Instant filled_;
};

// The budget of one process alone.
class LocalBudget final : public Budget {
 public:
  explicit LocalBudget(Rates rates = {}) : rates_(rates) {}
  Wait take(const Ask& ask, Instant now) override;
  void limited(const Ask& ask, std::string_view reason, Instant now) override;

 private:
  Bucket& of_route(std::string_view route, Instant now);

  const Rates rates_;
  std::mutex mutex_;
  std::map<std::string, Bucket, std::less<>> buckets_;  // by route; "" for all together
};

}  // namespace payoutd::stripe
