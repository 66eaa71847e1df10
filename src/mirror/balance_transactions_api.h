// GET /api/balance/transactions
#pragma once

#include <vector>

#include "http/router.h"
#include "pg/database.h"

namespace payoutd::mirror {

// `db` must outlive the routes.
std::vector<http::Route> balance_transaction_routes(pg::Database& db);

// The schema of one and an example, for this route and others that show them.
Json balance_transaction_schema();
Json balance_transaction_example();

}  // namespace payoutd::mirror
