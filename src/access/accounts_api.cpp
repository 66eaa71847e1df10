#include "access/accounts_api.h"

#include "access/principal.h"
#include "base/log.h"
#include "http/params.h"
#include "http/schema.h"

namespace payoutd::access {
namespace {

namespace is = http::schema;

http::Reply show_accounts(pg::Database& db, const http::Request& request) {
  const auto page = http::page_of(request);
  if (!page) return http::error_reply(page.error(), request.request_id);
  const auto found = list_accounts(db, principal(request).organization, *page);
  if (!found) return http::error_reply(found.error(), request.request_id);
  const auto row = [](const ConnectedAccount& account) { return to_json(account); };
  return http::Reply::json(200, to_json(*found, row));
}

http::Reply choose_default(pg::Database& db, const http::Request& request) {
  if (auto error = http::Fields::of_body(request).done())
    return http::error_reply(*error, request.request_id);
  const Principal& who = principal(request);
  const std::string id(request.param("id"));
  const auto chosen =
      db.transact([&](pg::Tx& tx) { return make_default(tx, who.organization, id); });
  if (!chosen) return http::error_reply(chosen.error(), request.request_id);
  log::info("the default account was chosen",
            {{"organization", who.organization.str()}, {"account", id}, {"actor", who.actor}});
  return http::Reply::json(200, to_json(*chosen));
}

Json account_schema() {
  return is::object(
      {{"id", is::text("acct_…")},
       {"name", is::text("Its dashboard's or business's name; may be empty.")},
       {"is_default", is::flag("Payouts without `account` are paid from it.")},
       {"is_platform", is::flag("The platform's own account.")},
       {"status",
        is::word("deauthorized: Stripe refuses our calls for it.", {"active", "deauthorized"})},
       {"livemode", is::flag("Real money.")},
       {"country", is::or_null(is::text("ISO 3166-1 alpha-2."))},
       {"default_currency", is::or_null(is::text("ISO 4217, lower case."))},
       {"charges_enabled", is::flag("As Stripe says.")},
       {"payouts_enabled", is::flag("As Stripe says.")},
       {"deauthorized_at", is::or_null(is::time("When it took its authorization back."))},
       {"joined_at", is::time("When it was connected.")}});
}

Json account_example() {
  return {{"id", "acct_1PlatformDemo001"},
          {"name", "Shop"},
          {"is_default", true},
          {"is_platform", true},
          {"status", "active"},
          {"livemode", false},
          {"country", "DE"},
          {"default_currency", "eur"},
          {"charges_enabled", true},
          {"payouts_enabled", true},
          {"deauthorized_at", nullptr},
          {"joined_at", "2026-03-01T09:30:00Z"}};
}

http::Docs list_accounts_docs() {
  http::Docs docs{"List the organization's Stripe accounts, by id", "accounts"};
  docs.parameters = http::page_parameters();
  docs.responses["200"] = is::answer(
      "One page.", is::page(account_schema()),
      {{"data", Json::array({account_example()})}, {"has_more", false}, {"next_cursor", nullptr}});
  return docs;
}

http::Docs choose_default_docs() {
  http::Docs docs{"Choose the account that payouts without `account` are paid from", "accounts"};
  docs.responses["200"] =
      is::answer("The account, now the default.", account_schema(), account_example());
  docs.responses["409"] = is::refusal("account_deauthorized: Stripe refuses our calls for it.",
                                      {Kind::refused, "account_deauthorized",
                                       "this account took its authorization back", "account"});
  return docs;
}

}  // namespace

OrderedJson to_json(const ConnectedAccount& account) {
  const auto& fields = account.fields;
  OrderedJson json{{"id", account.id()},
                   {"name", fields.name},
                   {"is_default", account.is_default},
                   {"is_platform", account.is_platform},
                   {"status", account.active ? "active" : "deauthorized"},
                   {"livemode", account.livemode}};
  json["country"] = fields.country ? OrderedJson(*fields.country) : OrderedJson(nullptr);
  json["default_currency"] =
      fields.default_currency ? OrderedJson(fields.default_currency->str()) : OrderedJson(nullptr);
  json["charges_enabled"] = fields.charges_enabled;
  json["payouts_enabled"] = fields.payouts_enabled;
  json["deauthorized_at"] = account.deauthorized_at ? OrderedJson(to_iso(*account.deauthorized_at))
                                                    : OrderedJson(nullptr);
  json["joined_at"] = to_iso(account.joined_at);
  return json;
}

std::vector<http::Route> accounts_routes(pg::Database& db) {
  return {
      {"GET", "/api/accounts", "read",
       [&db](http::Context& context) { return show_accounts(db, context.request); },
       list_accounts_docs()},
      {"PUT", "/api/accounts/:id/default", "admin",
       [&db](http::Context& context) { return choose_default(db, context.request); },
       choose_default_docs()},
  };
}

}  // namespace payoutd::access
