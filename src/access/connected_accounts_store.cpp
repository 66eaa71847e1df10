#include "access/connected_accounts_store.h"

namespace payoutd::access::connected_accounts_store {
namespace {

using pg::Tenancy;

const pg::Query kInsertAccount{"insert_connected_account", R"sql(
  INSERT INTO connected_accounts (organization_id, stripe_account_id, name, is_platform, livemode,
      status_at, joined_at, default_currency, country, charges_enabled, payouts_enabled,
      details_submitted, requirements, shown_at, shown_rank)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $6, $14))sql"};

const pg::Query kShowAccount{"show_connected_account", R"sql(
  UPDATE connected_accounts
     SET name = $3, default_currency = $4, country = $5, charges_enabled = $6,
         payouts_enabled = $7, details_submitted = $8, requirements = $9, shown_at = $10,
         shown_rank = $11, updated_at = now()
   WHERE organization_id = $1 AND stripe_account_id = $2
     AND (shown_at, shown_rank) <= ($10, $11))sql"};

const pg::Query kActivateAccount{"activate_connected_account", R"sql(
  UPDATE connected_accounts
     SET status = 'active', deauthorized_at = NULL, status_at = $3, updated_at = now()
   WHERE organization_id = $1 AND stripe_account_id = $2 AND status_at <= $3)sql"};

const pg::Query kDeauthorizeAccount{"deauthorize_connected_account", R"sql(
  UPDATE connected_accounts
     SET status = 'deauthorized', deauthorized_at = $3, status_at = $3, updated_at = now()
   WHERE organization_id = $1 AND stripe_account_id = $2 AND status_at <= $3)sql"};

const pg::Query kClearDefaultAccount{"clear_default_account", R"sql(
  UPDATE connected_accounts SET is_default = false, updated_at = now()
   WHERE organization_id = $1 AND is_default)sql"};

const pg::Query kSetDefaultAccount{"set_default_account", R"sql(
  UPDATE connected_accounts SET is_default = true, updated_at = now()
   WHERE organization_id = $1 AND stripe_account_id = $2)sql"};

const pg::Query kDefaultIfOnlyAccount{"default_if_only_account", R"sql(
  UPDATE connected_accounts c SET is_default = true
   WHERE organization_id = $1 AND stripe_account_id = $2
     AND NOT EXISTS (SELECT FROM connected_accounts other
                      WHERE other.organization_id = $1 AND other.stripe_account_id <> $2))sql"};

const pg::Query kLockAccounts{"lock_connected_accounts", R"sql(
  SELECT FROM connected_accounts WHERE stripe_account_id = ANY ($1::text[])
   ORDER BY stripe_account_id FOR NO KEY UPDATE)sql",
                              Tenancy::global};

const pg::Query kAccountByStripeId{"connected_account_by_stripe_id", R"sql(
  SELECT organization_id, stripe_account_id, name, is_default, is_platform, livemode, status,
         deauthorized_at, joined_at, default_currency, country, charges_enabled, payouts_enabled,
         details_submitted, requirements, shown_at, created_at, updated_at
    FROM connected_accounts WHERE stripe_account_id = $1)sql",
                                   Tenancy::global};

const pg::Query kFindAccount{"find_connected_account", R"sql(
  SELECT organization_id, stripe_account_id, name, is_default, is_platform, livemode, status,
         deauthorized_at, joined_at, default_currency, country, charges_enabled, payouts_enabled,
         details_submitted, requirements, shown_at, created_at, updated_at
    FROM connected_accounts WHERE organization_id = $1 AND stripe_account_id = $2)sql"};

const pg::Query kAccountsOfOrganization{"connected_accounts_of_organization", R"sql(
  SELECT organization_id, stripe_account_id, name, is_default, is_platform, livemode, status,
         deauthorized_at, joined_at, default_currency, country, charges_enabled, payouts_enabled,
         details_submitted, requirements, shown_at, created_at, updated_at
    FROM connected_accounts WHERE organization_id = $1
   ORDER BY is_default DESC, status, joined_at, stripe_account_id)sql"};

const pg::Query kListAccounts{"list_connected_accounts", R"sql(
  SELECT organization_id, stripe_account_id, name, is_default, is_platform, livemode, status,
         deauthorized_at, joined_at, default_currency, country, charges_enabled, payouts_enabled,
         details_submitted, requirements, shown_at, created_at, updated_at
    FROM connected_accounts
   WHERE organization_id = $1 AND ($2::text IS NULL OR stripe_account_id > $2)
   ORDER BY stripe_account_id LIMIT $3 OFFSET $4)sql"};

const pg::Query kCountAccounts{"count_connected_accounts", R"sql(
  SELECT count(*) AS count FROM connected_accounts WHERE organization_id = $1)sql"};

// Sync goes through every tenant's accounts.
const pg::Query kActiveAccounts{"active_connected_accounts", R"sql(
  SELECT organization_id, stripe_account_id, name, is_default, is_platform, livemode, status,
         deauthorized_at, joined_at, default_currency, country, charges_enabled, payouts_enabled,
         details_submitted, requirements, shown_at, created_at, updated_at
    FROM connected_accounts WHERE status = 'active' AND stripe_account_id > $1
   ORDER BY stripe_account_id LIMIT $2)sql",
                                Tenancy::global};

std::optional<std::string> text_of(const std::optional<Currency>& currency) {
  if (!currency) return std::nullopt;
  return currency->str();
}

ConnectedAccount read(const pg::Row& row) {
  ConnectedAccount account;
  account.organization = row.get<OrgId>("organization_id");
  AccountFields& fields = account.fields;
  fields.stripe_account = row.get<std::string>("stripe_account_id");
  fields.name = row.get<std::string>("name");
  if (const auto code = row.get<std::optional<std::string>>("default_currency")) {
    fields.default_currency = Currency::shown(*code);
  }
  fields.country = row.get<std::optional<std::string>>("country");
  fields.charges_enabled = row.get<bool>("charges_enabled");
  fields.payouts_enabled = row.get<bool>("payouts_enabled");
  fields.details_submitted = row.get<bool>("details_submitted");
  fields.requirements = row.get<Json>("requirements");
  account.is_default = row.get<bool>("is_default");
  account.is_platform = row.get<bool>("is_platform");
  account.livemode = row.get<bool>("livemode");
  account.active = row.get<std::string>("status") == "active";
  account.deauthorized_at = row.get<std::optional<Time>>("deauthorized_at");
  account.joined_at = row.get<Time>("joined_at");
  account.shown_at = row.get<Time>("shown_at");
  account.created_at = row.get<Time>("created_at");
  account.updated_at = row.get<Time>("updated_at");
  return account;
}

std::optional<ConnectedAccount> maybe(const pg::Rows& rows) {
  const auto row = rows.maybe();
  if (!row) return std::nullopt;
  return read(*row);
}

std::vector<ConnectedAccount> all(const pg::Rows& rows) {
  std::vector<ConnectedAccount> accounts;
  accounts.reserve(rows.size());
  for (const pg::Row row : rows) accounts.push_back(read(row));
  return accounts;
}

}  // namespace

std::optional<pg::SqlError> insert(pg::Tx& tx, OrgId organization, const NewAccount& account) {
  const AccountFields& f = account.fields;
  return tx.attempt([&] {
    tx.exec(kInsertAccount, organization, f.stripe_account, f.name, account.is_platform,
            account.livemode, account.version.at, account.joined_at, text_of(f.default_currency),
            f.country, f.charges_enabled, f.payouts_enabled, f.details_submitted, f.requirements,
            account.version.rank);
  });
}

bool show(pg::Tx& tx, OrgId organization, const AccountFields& f, AccountVersion version) {
  return tx.exec(kShowAccount, organization, f.stripe_account, f.name, text_of(f.default_currency),
                 f.country, f.charges_enabled, f.payouts_enabled, f.details_submitted,
                 f.requirements, version.at, version.rank)
             .affected() == 1;
}

void set_active(pg::Tx& tx, OrgId organization, std::string_view stripe_account, Time at) {
  tx.exec(kActivateAccount, organization, stripe_account, at);
}

void set_deauthorized(pg::Tx& tx, OrgId organization, std::string_view stripe_account, Time at) {
  tx.exec(kDeauthorizeAccount, organization, stripe_account, at);
}

void clear_default(pg::Tx& tx, OrgId organization) { tx.exec(kClearDefaultAccount, organization); }

void set_default(pg::Tx& tx, OrgId organization, std::string_view stripe_account) {
  tx.exec(kSetDefaultAccount, organization, stripe_account);
}

void set_default_if_only(pg::Tx& tx, OrgId organization, std::string_view stripe_account) {
  tx.exec(kDefaultIfOnlyAccount, organization, stripe_account);
}

void lock(pg::Tx& tx, const pg::Array<std::string>& stripe_accounts) {
  tx.exec(kLockAccounts, stripe_accounts);
}

std::optional<ConnectedAccount> by_account(pg::Tx& tx, std::string_view stripe_account) {
  return maybe(tx.exec(kAccountByStripeId, stripe_account));
}

std::optional<ConnectedAccount> find(pg::Tx& tx, OrgId organization,
                                     std::string_view stripe_account) {
  return maybe(tx.exec(kFindAccount, organization, stripe_account));
}

std::vector<ConnectedAccount> of_organization(pg::Tx& tx, OrgId organization) {
  return all(tx.exec(kAccountsOfOrganization, organization));
}

std::vector<ConnectedAccount> list(pg::Tx& tx, OrgId organization, const http::Page& page) {
  return all(tx.exec(kListAccounts, organization, page.cursor, page.limit + 1, page.offset));
}

std::int64_t count(pg::Tx& tx, OrgId organization) {
  return tx.exec(kCountAccounts, organization).one().get<std::int64_t>("count");
}

std::vector<ConnectedAccount> active(pg::Tx& tx, std::string_view after, std::int64_t limit) {
  return all(tx.exec(kActiveAccounts, after, limit));
}

}  // namespace payoutd::access::connected_accounts_store
