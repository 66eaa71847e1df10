#include "balances/balances_api.h"

#include "access/principal.h"
#include "http/params.h"

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

http::Docs docs() {
  http::Docs docs;
  docs.summary = "An account's balance, live from Stripe; at most ten seconds old, and says how old.";
  docs.tag = "balance";
  docs.parameters = Json::parse(R"([{"name": "account", "in": "query",
    "description": "acct_… of the caller's organization; its default account without it",
    "schema": {"type": "string"}}])");
  const Json part = Json::parse(R"({"type": "array", "items": {"type": "object",
    "required": ["amount", "amount_decimal", "currency", "source_types"],
    "properties": {"amount": {"type": "integer", "format": "int64"}, "amount_decimal": {"type": "string"},
      "currency": {"type": "string"},
      "source_types": {"type": "object", "additionalProperties": {"type": "integer"}}}}})");
  Json schema = Json::parse(R"({"type": "object", "properties": {
    "object": {"const": "balance"}, "account": {"type": "string"}, "livemode": {"type": "boolean"},
    "as_of": {"type": "string", "format": "date-time"}, "age_seconds": {"type": "integer"}}})");
  for (const char* name : {"available", "pending", "connectReserved", "instantAvailable"}) {
    schema["properties"][name] = part;
  }
  schema["required"] = {"object", "account", "available", "pending", "connectReserved", "instantAvailable",
                        "livemode", "as_of", "age_seconds"};
  docs.responses["200"] = {{"description", "the balance"},
                           {"content", {{"application/json", {{"schema", schema}, {"example", Json::parse(R"({
    "object": "balance", "account": "acct_1", "available": [{"amount": 125000, "amount_decimal": "1250.00",
    "currency": "eur", "source_types": {"card": 125000}}], "pending": [], "connectReserved": [],
    "instantAvailable": [], "livemode": false, "as_of": "2026-03-01T09:30:00Z", "age_seconds": 3})")}}}}}};
  return docs;
}

}  // namespace

std::vector<http::Route> balance_routes(pg::Database& db, Balances& balances) {
  http::Route route;
  route.method = "GET";
  route.pattern = "/api/balance";
  route.access = "read";
  route.handler = [&](http::Context& context) { return show(db, balances, context.request); };
  route.docs = docs();
  return {std::move(route)};
}

}  // namespace payoutd::balances
