#include "access/organizations.h"

#include "access/organizations_store.h"

namespace payoutd::access {
namespace {

const Error kNotFound{Kind::missing, "organization_not_found", "no such organization"};

Result<void> check_organization_name(std::string_view name) {
  if (!name.empty() && name.size() <= 200) return {};
  return Error{Kind::unprocessable, "organization_name_invalid",
               "an organization's name has 1 to 200 characters", "name"};
}

}  // namespace

Result<Organization> ensure_platform_organization(pg::Database& db, std::string_view name) {
  if (auto checked = check_organization_name(name); !checked) return checked.error();
  return db.transact([&](pg::Tx& tx) -> Result<Organization> {
    organizations_store::insert_unless_there(tx, OrgId::make(), name, true);
    if (auto platform = organizations_store::platform(tx)) return *platform;
    return Error{Kind::refused, "organization_name_taken",
                 "a tenant has this name: give the platform another", "name"};
  });
}

Result<Organization> ensure_organization(pg::Database& db, std::string_view name) {
  if (auto checked = check_organization_name(name); !checked) return checked.error();
  return db.transact([&](pg::Tx& tx) -> Result<Organization> {
    organizations_store::insert_unless_there(tx, OrgId::make(), name, false);
    const auto found = organizations_store::by_name(tx, name);
    CHECK(found.has_value());  // organizations are never deleted
    return *found;
  });
}

Result<std::optional<Organization>> platform_organization(pg::Database& db) {
  return db.read([&](pg::Tx& tx) -> Result<std::optional<Organization>> {
    return organizations_store::platform(tx);
  });
}

Result<Organization> find_organization(pg::Database& db, OrgId id) {
  return db.read([&](pg::Tx& tx) -> Result<Organization> {
    if (auto found = organizations_store::by_id(tx, id)) return *found;
    return kNotFound;
  });
}

Result<Organization> find_organization(pg::Database& db, std::string_view name) {
  return db.read([&](pg::Tx& tx) -> Result<Organization> {
    if (auto found = organizations_store::by_name(tx, name)) return *found;
    return kNotFound;
  });
}

Result<std::vector<Organization>> organizations(pg::Database& db) {
  return db.read(
      [](pg::Tx& tx) -> Result<std::vector<Organization>> { return organizations_store::all(tx); });
}

}  // namespace payoutd::access
