#include "access/connected_accounts.h"

#include <fmt/format.h>

#include <algorithm>

#include "access/connected_accounts_store.h"
#include "access/organizations_store.h"

namespace payoutd::access {
namespace {

const Error kAccountNotFound{Kind::missing, "account_not_found",
                             "your organization has no such connected account", "account"};

Error invalid(const char* param, const char* message) {
  return {Kind::unprocessable, "account_invalid", message, param};
}

std::string text_at(const Json& object, const char* path) {
  const Json::json_pointer where(path);
  if (!object.contains(where)) return {};
  const auto* text = object.at(where).get_ptr<const std::string*>();
  return text == nullptr ? std::string{} : *text;
}

bool flag_at(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_boolean() && found->get<bool>();
}

std::string name_in(const Json& object) {
  std::string name = text_at(object, "/settings/dashboard/display_name");
  return name.empty() ? text_at(object, "/business_profile/name") : name;
}

bool is_country(std::string_view text) {
  return text.size() == 2 && std::ranges::all_of(text, [](char c) { return c >= 'A' && c <= 'Z'; });
}

// Another constraint than these two is a mistake of ours.
Error refusal_of(const pg::SqlError& error) {
  if (error.constraint == "connected_accounts_account_unique") {
    return {Kind::refused, "account_taken", "another organization has this Stripe account",
            "account"};
  }
  if (error.constraint == "connected_accounts_one_platform") {
    return {Kind::refused, "platform_account_taken", "the platform has another account of its own",
            "account"};
  }
  throw error;
}

}  // namespace

bool looks_like_account(std::string_view text) {
  return text.size() > 5 && text.size() <= 255 && text.starts_with("acct_") &&
         std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                  c == '_';
         });
}

Result<AccountFields> account_fields(const Json& shown) {
  if (!shown.is_object()) return invalid("account", "an account is a JSON object");
  Json object = shown;
  replace_nul(object);
  AccountFields fields;
  fields.stripe_account = text_at(object, "/id");
  if (!looks_like_account(fields.stripe_account)) return invalid("id", "id is an acct_…");
  fields.name = name_in(object);
  fields.default_currency = Currency::shown(text_at(object, "/default_currency"));
  if (auto country = text_at(object, "/country"); is_country(country)) fields.country = country;
  fields.charges_enabled = flag_at(object, "charges_enabled");
  fields.payouts_enabled = flag_at(object, "payouts_enabled");
  fields.details_submitted = flag_at(object, "details_submitted");
  if (const auto found = object.find("requirements"); found != object.end() && found->is_object()) {
    fields.requirements = *found;
  }
  return fields;
}

Result<ConnectedAccount> connect_account(pg::Tx& tx, OrgId organization,
                                         const NewAccount& account) {
  const std::string& id = account.fields.stripe_account;
  CHECK(looks_like_account(id));
  CHECK(organizations_store::lock(tx, organization));
  if (connected_accounts_store::find(tx, organization, id)) {
    connected_accounts_store::show(tx, organization, account.fields, account.version);
    connected_accounts_store::set_active(tx, organization, id, account.version.at);
  } else if (const auto refused = connected_accounts_store::insert(tx, organization, account)) {
    return refusal_of(*refused);
  } else {
    connected_accounts_store::set_default_if_only(tx, organization, id);
  }
  return *connected_accounts_store::find(tx, organization, id);
}

bool show_account(pg::Tx& tx, OrgId organization, const AccountFields& fields,
                  AccountVersion version) {
  return connected_accounts_store::show(tx, organization, fields, version) ||
         connected_accounts_store::find(tx, organization, fields.stripe_account).has_value();
}

bool deauthorize_account(pg::Tx& tx, OrgId organization, std::string_view stripe_account, Time at) {
  organizations_store::lock(tx, organization);
  if (!connected_accounts_store::find(tx, organization, stripe_account)) return false;
  connected_accounts_store::set_deauthorized(tx, organization, stripe_account, at);
  return true;
}

Result<ConnectedAccount> make_default(pg::Tx& tx, OrgId organization,
                                      std::string_view stripe_account) {
  organizations_store::lock(tx, organization);
  const auto found = connected_accounts_store::find(tx, organization, stripe_account);
  if (!found) return kAccountNotFound;
  if (!found->active) {
    return Error{Kind::refused, "account_deauthorized", "this account took its authorization back",
                 "account"};
  }
  connected_accounts_store::clear_default(tx, organization);
  connected_accounts_store::set_default(tx, organization, stripe_account);
  return *connected_accounts_store::find(tx, organization, stripe_account);
}

void lock_accounts(pg::Tx& tx, const pg::Array<OrgId>& organizations,
                   const pg::Array<std::string>& stripe_accounts) {
  if (!organizations.empty()) organizations_store::lock_all(tx, organizations);
  if (!stripe_accounts.empty()) connected_accounts_store::lock(tx, stripe_accounts);
}

std::optional<ConnectedAccount> find_account(pg::Tx& tx, std::string_view stripe_account) {
  return connected_accounts_store::by_account(tx, stripe_account);
}

std::vector<ConnectedAccount> accounts_of(pg::Tx& tx, OrgId organization) {
  return connected_accounts_store::of_organization(tx, organization);
}

Result<ConnectedAccount> pick_account(pg::Tx& tx, OrgId organization,
                                      std::optional<std::string_view> stripe_account) {
  if (stripe_account) {
    if (!looks_like_account(*stripe_account)) return kAccountNotFound;
    if (auto found = connected_accounts_store::find(tx, organization, *stripe_account))
      return *found;
    return kAccountNotFound;
  }
  const auto accounts = connected_accounts_store::of_organization(tx, organization);
  if (!accounts.empty() && accounts.front().is_default) return accounts.front();
  return Error{Kind::missing, "account_not_found",
               "your organization has no default account: name one in `account`, or have an admin "
               "choose with PUT /api/accounts/{id}/default",
               "account"};
}

Result<ConnectedAccount> pick_account(pg::Database& db, OrgId organization,
                                      std::optional<std::string_view> stripe_account) {
  if (stripe_account && !looks_like_account(*stripe_account)) return kAccountNotFound;
  return db.read([&](pg::Tx& tx) { return pick_account(tx, organization, stripe_account); });
}

Result<ConnectedAccount> pick_account_to_pay_from(pg::Tx& tx, OrgId organization,
                                                  std::optional<std::string_view> stripe_account) {
  auto account = pick_account(tx, organization, stripe_account);
  if (!account || account->active) return account;
  if (stripe_account) {
    return Error{Kind::refused, "account_deauthorized", "the account took its authorization back",
                 "account"};
  }
  return Error{Kind::refused, "default_account_inactive",
               fmt::format("the default account {} took its authorization back, and no other one "
                           "is paid from in its place: name one in `account`, or have an admin "
                           "choose with PUT /api/accounts/{{id}}/default",
                           account->id()),
               "account"};
}

Result<http::PageOf<ConnectedAccount>> list_accounts(pg::Database& db, OrgId organization,
                                                     const http::Page& page) {
  if (page.cursor && !looks_like_account(*page.cursor)) return http::invalid_cursor();
  return db.read([&](pg::Tx& tx) -> Result<http::PageOf<ConnectedAccount>> {
    http::PageOf<ConnectedAccount> answer;
    answer.data = connected_accounts_store::list(tx, organization, page);
    answer.has_more = answer.data.size() > static_cast<std::size_t>(page.limit);
    if (answer.has_more) {
      answer.data.pop_back();
      answer.next_cursor = answer.data.back().id();
    }
    if (page.with_total) answer.total = connected_accounts_store::count(tx, organization);
    return answer;
  });
}

Result<ConnectedAccount> pick_account(pg::Database& db, const http::Request& request) {
  return pick_account(db, principal(request).organization, request.query_value("account"));
}

std::vector<ConnectedAccount> active_accounts(pg::Tx& tx, std::string_view after,
                                              std::int64_t limit) {
  return connected_accounts_store::active(tx, after, limit);
}

}  // namespace payoutd::access
