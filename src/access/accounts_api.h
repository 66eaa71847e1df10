// The organization's Stripe accounts over HTTP: GET /api/accounts, PUT /api/accounts/:id/default.
#pragma once

#include <vector>

#include "access/connected_accounts.h"
#include "http/router.h"

namespace payoutd::access {

OrderedJson to_json(const ConnectedAccount& account);

std::vector<http::Route> accounts_routes(pg::Database& db);

}  // namespace payoutd::access
