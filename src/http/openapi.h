// The OpenAPI 3.1 document of the routes, made from the rows themselves so that it can't disagree
// with them.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "http/router.h"

namespace payoutd::http {

struct ApiTitle {
  std::string title = "payoutd";
  std::string version;
  std::string description;
};

// Each route becomes one operation: `:name` segments become path parameters, `access` the security
// requirement (and x-access, the word itself), docs the rest; the errors that every route has are
// added. A route's own words for a parameter or status win. Paths are shown as their patterns; that
// they also answer without /api is told in the description.
OrderedJson openapi(const std::vector<Route>& routes, const ApiTitle& title);

// "get_payouts_id_timeline" for GET /api/payouts/:id/timeline. Unique, as method and path are.
std::string operation_id(const Route& route);

}  // namespace payoutd::http
