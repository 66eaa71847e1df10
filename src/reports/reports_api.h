// GET /api/reports/<name> of every report.
#pragma once

#include <vector>

#include "base/clock.h"
#include "http/router.h"
#include "pg/database.h"

namespace payoutd::reports {

// Both outlive the routes.
std::vector<http::Route> report_routes(pg::Database& db, const Clock& clock);

}  // namespace payoutd::reports
