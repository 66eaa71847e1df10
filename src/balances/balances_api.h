// GET /api/balance
#pragma once

#include <vector>

#include "balances/balance.h"
#include "http/router.h"
#include "pg/database.h"

namespace payoutd::balances {

// Both must outlive the routes.
std::vector<http::Route> balance_routes(pg::Database& db, Balances& balances);

}  // namespace payoutd::balances
