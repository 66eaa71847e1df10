// The SQL of connected accounts.
#pragma once

#include "access/connected_accounts.h"

namespace payoutd::access::connected_accounts_store {

// The constraint that refused the row, if one did.
std::optional<pg::SqlError> insert(pg::Tx& tx, OrgId organization, const NewAccount& account);
bool show(pg::Tx& tx, OrgId organization, const AccountFields& fields, AccountVersion version);
void set_active(pg::Tx& tx, OrgId organization, std::string_view stripe_account, Time at);
void set_deauthorized(pg::Tx& tx, OrgId organization, std::string_view stripe_account, Time at);
void clear_default(pg::Tx& tx, OrgId organization);
void set_default(pg::Tx& tx, OrgId organization, std::string_view stripe_account);
// Makes the account the default where the organization has no other account.
void set_default_if_only(pg::Tx& tx, OrgId organization, std::string_view stripe_account);

// In the order of their ids.
void lock(pg::Tx& tx, const pg::Array<std::string>& stripe_accounts);
std::optional<ConnectedAccount> by_account(pg::Tx& tx, std::string_view stripe_account);
std::optional<ConnectedAccount> find(pg::Tx& tx, OrgId organization,
                                     std::string_view stripe_account);
std::vector<ConnectedAccount> of_organization(pg::Tx& tx, OrgId organization);
// Returns one row more than the page's limit, if there are more; by id.
std::vector<ConnectedAccount> list(pg::Tx& tx, OrgId organization, const http::Page& page);
std::int64_t count(pg::Tx& tx, OrgId organization);
std::vector<ConnectedAccount> active(pg::Tx& tx, std::string_view after, std::int64_t limit);

}  // namespace payoutd::access::connected_accounts_store
