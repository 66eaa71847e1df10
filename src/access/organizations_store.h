// The SQL of organizations.
#pragma once

#include "access/organizations.h"

namespace payoutd::access::organizations_store {

// Inserts nothing when the name is taken, or a platform is there and this would be another.
void insert_unless_there(pg::Tx& tx, OrgId id, std::string_view name, bool is_platform);
std::optional<Organization> by_id(pg::Tx& tx, OrgId id);
std::optional<Organization> by_name(pg::Tx& tx, std::string_view name);
std::optional<Organization> platform(pg::Tx& tx);
std::vector<Organization> all(pg::Tx& tx);

// Serializes what must be decided over all rows of one organization: its last admin key, its
// default account. Rows that only refer to the organization are not kept waiting. False: no such
// one.
bool lock(pg::Tx& tx, OrgId id);
// Several, in the order of their ids.
void lock_all(pg::Tx& tx, const pg::Array<OrgId>& ids);

}  // namespace payoutd::access::organizations_store
