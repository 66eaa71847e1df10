// POST /api/payouts (a manual Stripe payout) and POST /api/payouts/:id/cancel
#pragma once

#include <vector>

#include "base/clock.h"
#include "http/router.h"
#include "payouts/ask_stripe.h"
#include "pg/database.h"

namespace payoutd::payouts {

// What the account has to pay out, in that currency: asked of Stripe at once.
// Error: why it can't be told.
struct Payable {
  std::int64_t available = 0;
  std::int64_t instant_available = 0;
};
using AskPayable = std::function<Result<Payable>(const access::ConnectedAccount&, const Currency&)>;

// `ask` is null where no Stripe key is given: then both answer 503. All must outlive the routes.
std::vector<http::Route> ask_stripe_routes(pg::Database& db, AskStripe* ask, AskPayable payable);

}  // namespace payoutd::payouts
