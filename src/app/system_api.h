// The routes that belong to no tenant: whether the service lives and is ready, its counters, its
// contract, and the contract as a page.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "http/metrics.h"
#include "http/router.h"
#include "pg/database.h"

namespace payoutd::app {

struct SystemParts {
  pg::Database& db;
  http::Metrics& metrics;
  std::function<Result<void>()> migrated;  // whether the database has this program's schema
  std::function<void()> publish;           // writes what is counted elsewhere into the metrics
  std::function<const std::string&()> contract;  // the OpenAPI document's text
  std::function<const std::string&()> page;      // the same for people, as HTML
};

// What the parts refer to must outlive the routes.
std::vector<http::Route> system_routes(SystemParts parts);

}  // namespace payoutd::app
