// POST /api/payouts (a manual Stripe payout) and POST /api/payouts/:id/cancel
#pragma once

#include <vector>

#include "balances/balance.h"
#include "http/router.h"
#include "payouts/stripe_payouts.h"
#include "pg/database.h"

namespace payoutd::payouts {

// `payouts` is null where no Stripe key is given: then both answer 503. All must outlive the
// routes.
std::vector<http::Route> stripe_payout_routes(pg::Database& db, StripePayouts* payouts,
                                              balances::Balances& balances);

}  // namespace payoutd::payouts
