#include "access/organizations.h"

#include "access/organizations_store.h"

namespace payoutd::access {
namespace {

namespace store = organizations_store;

const Error kNotFound{Kind::missing, "organization_not_found", "no such organization"};

Result<void> check_name(std::string_view name) {
  if (!name.empty() && name.size() <= 200) return {};
  return Error{Kind::unprocessable, "organization_name_invalid",
               "an organization's name has 1 to 200 characters", "name"};
}

}  // namespace

Result<Organization> ensure_platform_organization(pg::Database& db, std::string_view name) {
  if (auto checked = check_name(name); !checked) return checked.error();
  return db.transact([&](pg::Tx& tx) -> Result<Organization> {
    store::insert_unless_there(tx, OrgId::make(), name, true);
    if (auto platform = store::platform(tx)) return *platform;
    return Error{Kind::refused, "organization_name_taken",
                 "a tenant has this name: give the platform another", "name"};
  });
}

Result<Organization> ensure_organization(pg::Database& db, std::string_view name) {
  if (auto checked = check_name(name); !checked) return checked.error();
  return db.transact([&](pg::Tx& tx) -> Result<Organization> {
    store::insert_unless_there(tx, OrgId::make(), name, false);
    const auto found = store::by_name(tx, name);
    CHECK(found.has_value());  // organizations are never deleted
    return *found;
  });
}

Result<std::optional<Organization>> platform_organization(pg::Database& db) {
  return db.read([&](pg::Tx& tx) -> Result<std::optional<Organization>> {
    return store::platform(tx);
  });
}

Result<Organization> find_organization(pg::Database& db, OrgId id) {
  return db.read([&](pg::Tx& tx) -> Result<Organization> {
    if (auto found = store::by_id(tx, id)) return *found;
    return kNotFound;
  });
}

Result<Organization> find_organization(pg::Database& db, std::string_view name) {
  return db.read([&](pg::Tx& tx) -> Result<Organization> {
    if (auto found = store::by_name(tx, name)) return *found;
    return kNotFound;
  });
}

Result<std::vector<Organization>> organizations(pg::Database& db) {
  return db.read([](pg::Tx& tx) -> Result<std::vector<Organization>> { return store::all(tx); });
}

}  // namespace payoutd::access
