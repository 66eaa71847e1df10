#include "balances/balances_api.h"

#include "access/principal.h"
#include "http/params.h"
#include "http/schema.h"

namespace payoutd::balances {
namespace {

http::Reply show(pg::Database& db, Balances& balances, const http::Request& request) {
  auto query = http::Fields::of_query(request);
  const auto wanted = query.text({"account"});
  if (auto error = query.done()) return http::error_reply(*error, request.request_id);
  const auto account = access::pick_account(db, access::principal(request).organization, wanted);
  if (!account) return http::error_reply(account.error(), request.request_id);
  const auto balance = balances.get(*account);
  if (!balance) return http::error_reply(balance.error(), request.request_id);
  return http::Reply::json(200, to_json(*balance));
}

Json parts_schema(const char* about) {
  namespace is = http::schema;
  return is::array(
      is::object(
          {{"amount", is::minor("Minor units.")},
           {"amount_decimal",
            is::or_null(is::text("The same: \"1250.00\"; null in a currency that is not "
                                 "known here."))},
           {"currency", is::text("ISO 4217, lower case.")},
           {"source_types", is::map(is::minor("Minor units."), "By where it came from: `card`.")}}),
      about);
}

Json balance_schema() {
  namespace is = http::schema;
  return is::object(
      {{"object", {{"const", "balance"}}},
       {"account", is::text("acct_…")},
       {"available", parts_schema("What can be paid out, by currency.")},
       {"pending", parts_schema("What is not available yet.")},
       {"connectReserved",
        parts_schema("What the platform holds for connected accounts' negative balances.")},
       {"instantAvailable", parts_schema("What can be paid out instantly.")},
       {"livemode", is::flag("Real money.")},
       {"as_of", is::time("When Stripe was asked.")},
       {"age_seconds", is::count("Since then; at most ten.")}});
}

http::Docs docs() {
  namespace is = http::schema;
  http::Docs docs{
      "An account's balance, live from Stripe; at most ten seconds old, and says how old",
      "balance"};
  docs.parameters = Json::array(
      {is::account_query("acct_… of the caller's organization; its default account without it")});
  docs.responses["200"] = is::answer("The balance.", balance_schema(), Json::parse(R"({
    "object": "balance", "account": "acct_1PlatformDemo001",
    "available": [{"amount": 125000, "amount_decimal": "1250.00", "currency": "eur", "source_types": {"card": 125000}}],
    "pending": [], "connectReserved": [], "instantAvailable": [], "livemode": false,
    "as_of": "2026-03-01T09:30:00Z", "age_seconds": 3})"));
  docs.responses["502"] = is::shared("Upstream");
  return docs;
}

}  // namespace

std::vector<http::Route> balance_routes(pg::Database& db, Balances& balances) {
  http::Route route;
  route.method = "GET";
  route.pattern = "/api/balance";
  route.access = "read";
  route.handler = [&](http::Context& context) { return show(db, balances, context.request); };
  route.runs = http::Runs::on_stripe_worker;
  route.docs = docs();
  return {std::move(route)};
}

}  // namespace payoutd::balances
