// Organizations: the tenants. One of them is the platform's own.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/json.h"
#include "base/time.h"
#include "pg/database.h"

namespace payoutd::access {

struct Organization {
  OrgId id;
  std::string name;  // unique, 1 to 200 characters
  bool is_platform = false;
  Json settings = Json::object();
  Time created_at;
};

// The platform's organization, made with that name when there is none. However many call at once,
// one is made. Errors: 409 `organization_name_taken` by a tenant; 422 `organization_name_invalid`.
Result<Organization> ensure_platform_organization(pg::Database& db, std::string_view name);

// The organization of that name, made when there is none.
// Error: 422 `organization_name_invalid`.
Result<Organization> ensure_organization(pg::Database& db, std::string_view name);

Result<std::optional<Organization>> platform_organization(pg::Database& db);
// Error: 404 `organization_not_found`.
Result<Organization> find_organization(pg::Database& db, OrgId id);
Result<Organization> find_organization(pg::Database& db, std::string_view name);
// By name.
Result<std::vector<Organization>> organizations(pg::Database& db);

}  // namespace payoutd::access
