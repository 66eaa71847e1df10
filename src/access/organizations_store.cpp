#include "access/organizations_store.h"

namespace payoutd::access::organizations_store {
namespace {

using pg::Tenancy;

const pg::Query kInsertOrganization{"insert_organization", R"sql(
  INSERT INTO organizations (id, name, is_platform) VALUES ($1, $2, $3)
  ON CONFLICT DO NOTHING)sql",
                                    Tenancy::global};

const pg::Query kOrganizationById{"organization_by_id", R"sql(
  SELECT id, name, is_platform, settings, created_at FROM organizations WHERE id = $1)sql",
                                  Tenancy::global};

const pg::Query kOrganizationByName{"organization_by_name", R"sql(
  SELECT id, name, is_platform, settings, created_at FROM organizations WHERE name = $1)sql",
                                    Tenancy::global};

const pg::Query kPlatformOrganization{"platform_organization", R"sql(
  SELECT id, name, is_platform, settings, created_at FROM organizations WHERE is_platform)sql",
                                      Tenancy::global};

const pg::Query kOrganizations{"organizations", R"sql(
  SELECT id, name, is_platform, settings, created_at FROM organizations ORDER BY name)sql",
                               Tenancy::global};

const pg::Query kLockOrganization{"lock_organization", R"sql(
  SELECT id FROM organizations WHERE id = $1 FOR NO KEY UPDATE)sql",
                                  Tenancy::global};

const pg::Query kLockOrganizations{"lock_organizations", R"sql(
  SELECT FROM organizations WHERE id = ANY ($1::uuid[]) ORDER BY id FOR NO KEY UPDATE)sql",
                                   Tenancy::global};

Organization read(const pg::Row& row) {
  return {row.get<OrgId>("id"), row.get<std::string>("name"), row.get<bool>("is_platform"),
          row.get<Json>("settings"), row.get<Time>("created_at")};
}

std::optional<Organization> maybe(const pg::Rows& rows) {
  const auto row = rows.maybe();
  if (!row) return std::nullopt;
  return read(*row);
}

}  // namespace

void insert_unless_there(pg::Tx& tx, OrgId id, std::string_view name, bool is_platform) {
  tx.exec(kInsertOrganization, id, name, is_platform);
}

std::optional<Organization> by_id(pg::Tx& tx, OrgId id) {
  return maybe(tx.exec(kOrganizationById, id));
}

std::optional<Organization> by_name(pg::Tx& tx, std::string_view name) {
  return maybe(tx.exec(kOrganizationByName, name));
}

std::optional<Organization> platform(pg::Tx& tx) { return maybe(tx.exec(kPlatformOrganization)); }

std::vector<Organization> all(pg::Tx& tx) {
  std::vector<Organization> found;
  for (const pg::Row row : tx.exec(kOrganizations)) found.push_back(read(row));
  return found;
}

bool lock(pg::Tx& tx, OrgId id) { return tx.exec(kLockOrganization, id).size() == 1; }

void lock_all(pg::Tx& tx, const pg::Array<OrgId>& ids) { tx.exec(kLockOrganizations, ids); }

}  // namespace payoutd::access::organizations_store
