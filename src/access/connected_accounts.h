// The Stripe accounts of organizations. An account belongs to one organization, for ever; one of an
// organization's accounts is its default. Only a person moves the default: no event and no sync
// changes which account a payout draws on.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "access/principal.h"
#include "base/currency.h"
#include "base/ids.h"
#include "base/json.h"
#include "base/time.h"
#include "http/page.h"
#include "pg/database.h"

namespace payoutd::access {

// The fields that we keep of Stripe's Account object.
struct AccountFields {
  std::string stripe_account;  // acct_…
  std::string name;            // its dashboard's or business's name; may be empty
  std::optional<Currency> default_currency{};
  std::optional<std::string> country{};  // ISO 3166-1 alpha-2
  bool charges_enabled = false;
  bool payouts_enabled = false;
  bool details_submitted = false;
  Json requirements = Json::object();
};

// Which version of the object that is: the second of the event, or in which the request that
// fetched it was sent; `rank` orders versions of one second.
struct AccountVersion {
  Time at;
  std::int16_t rank = 0;
};

struct ConnectedAccount {
  OrgId organization;
  AccountFields fields;
  bool is_default = false;
  bool is_platform = false;  // the platform's own account
  bool livemode = false;
  bool active = true;  // false: it took its authorization back, and Stripe refuses our calls
  std::optional<Time> deauthorized_at{};
  Time joined_at;
  Time shown_at;
  Time created_at;
  Time updated_at;

  const std::string& id() const { return fields.stripe_account; }
  // The value of the Stripe-Account header; empty: none is sent.
  std::string_view stripe_header() const { return is_platform ? std::string_view{} : id(); }
};

bool looks_like_account(std::string_view text);  // acct_…

// Error: 422 `account_invalid`, naming the field.
Result<AccountFields> account_fields(const Json& object);

struct NewAccount {
  AccountFields fields;
  AccountVersion version;
  bool livemode = false;
  bool is_platform = false;
  Time joined_at;
};

// Puts an account under an organization, or shows its newer version, and sets it active unless a
// later word took its authorization back. The organization's first account becomes the default.
// Errors: 409 `account_taken` by another organization, `platform_account_taken` by another account.
Result<ConnectedAccount> connect_account(pg::Tx& tx, OrgId organization, const NewAccount& account);

// Shows a newer version of a known account; an older one changes nothing. False: unknown here.
bool show_account(pg::Tx& tx, OrgId organization, const AccountFields& fields,
                  AccountVersion version);

// The account's authorization was taken back at `at`; an older word than the one shown changes
// nothing. The default stays where it is. False: unknown here.
bool deauthorize_account(pg::Tx& tx, OrgId organization, std::string_view stripe_account, Time at);

// Errors: 404 `account_not_found`; 409 `account_deauthorized`.
Result<ConnectedAccount> make_default(pg::Tx& tx, OrgId organization,
                                      std::string_view stripe_account);

// Locks those organizations and then those accounts, each in the order of their ids, for a caller
// who changes several of them. Ids that are not there are left out.
void lock_accounts(pg::Tx& tx, const pg::Array<OrgId>& organizations,
                   const pg::Array<std::string>& stripe_accounts);

// Finds the account before the tenant is known, for webhooks.
std::optional<ConnectedAccount> find_account(pg::Tx& tx, std::string_view stripe_account);

// The default first, then active ones, then by the time they joined.
std::vector<ConnectedAccount> accounts_of(pg::Tx& tx, OrgId organization);

// By id. Error: 400 `invalid_cursor`.
Result<http::PageOf<ConnectedAccount>> list_accounts(pg::Database& db, OrgId organization,
                                                     const http::Page& page);

// The account that `?account=` names, the default one without it: for reads.
// Error: 404 `account_not_found`, for another organization's too.
Result<ConnectedAccount> pick_account(pg::Database& db, OrgId organization,
                                      std::optional<std::string_view> stripe_account);
Result<ConnectedAccount> pick_account(pg::Tx& tx, OrgId organization,
                                      std::optional<std::string_view> stripe_account);
Result<ConnectedAccount> pick_account(pg::Database& db, const http::Request& request);

// The account that a call that moves money draws on. Errors: those of pick_account; where it is not
// active, 409 `default_account_inactive` or, for a named one, `account_deauthorized`.
Result<ConnectedAccount> pick_account_to_pay_from(pg::Tx& tx, OrgId organization,
                                                  std::optional<std::string_view> stripe_account);

// Active accounts of all organizations, by id, at most `limit` that come after `after` ("" at
// first): for sync.
std::vector<ConnectedAccount> active_accounts(pg::Tx& tx, std::string_view after,
                                              std::int64_t limit);

}  // namespace payoutd::access
