#include "mirror/balance_transactions_api.h"

#include "access/connected_accounts.h"
#include "access/principal.h"
#include "http/params.h"
#include "mirror/balance_transactions.h"

namespace payoutd::mirror {
namespace {

struct Query {
  BalanceTransactionFilter filter;
  access::Page page;
};

Result<Query> read_query(const http::Request& request) {
  auto fields = http::Fields::of_query(request);
  Query query;
  BalanceTransactionFilter& filter = query.filter;
  filter.account = fields.text({"account"});
  filter.type = fields.text({"type"});
  filter.reporting_category = fields.text({"reporting_category"});
  filter.status = fields.word({"status"}, {"pending", "available"});
  filter.payout = fields.text({"payout"});
  if (const auto currency = fields.currency({"currency"})) filter.currency = currency->str();
  filter.from = fields.time({"startDate", "from_date", "dateFrom"});
  filter.to = fields.time({"endDate", "to_date", "dateTo"}, DayEdge::last);
  const http::Paging paging = fields.paging();
  if (auto error = fields.done()) return *error;
  query.page = {paging.limit, paging.offset, paging.cursor, paging.with_total};
  return query;
}

http::Reply list(pg::Database& db, const http::Request& request) {
  const auto query = read_query(request);
  if (!query) return http::error_reply(query.error(), request.request_id);
  const OrgId organization = access::principal(request).organization;
  if (query->filter.account) {
    const auto account = access::pick_account(db, organization, query->filter.account);
    if (!account) return http::error_reply(account.error(), request.request_id);
  }
  const auto page = db.read([&](pg::Tx& tx) {
    return list_balance_transactions(tx, organization, query->filter, query->page);
  });
  if (!page) return http::error_reply(page.error(), request.request_id);
  return http::Reply::json(200, access::to_json(*page, [](const BalanceTransaction& row) { return to_json(row); }));
}

Json text_parameter(const char* name, const char* description) {
  return {{"name", name}, {"in", "query"}, {"description", description}, {"schema", {{"type", "string"}}}};
}

http::Docs docs() {
  http::Docs docs;
  docs.summary = "What moved the balances of the organization's accounts, newest first.";
  docs.tag = "balance";
  docs.parameters = access::page_parameters();
  docs.parameters.push_back(text_parameter("account", "acct_…; all of the organization's without it"));
  docs.parameters.push_back(text_parameter("type", "Stripe's type: charge, refund, payout, …"));
  docs.parameters.push_back(text_parameter("reporting_category", "charge, refund, dispute, fee, …"));
  docs.parameters.push_back(text_parameter("currency", "ISO 4217, in any case"));
  docs.parameters.push_back(text_parameter("payout", "po_… of the automatic payout that settled them"));
  docs.parameters.push_back({{"name", "status"}, {"in", "query"},
                             {"schema", {{"type", "string"}, {"enum", {"pending", "available"}}}}});
  docs.parameters.push_back(text_parameter("startDate", "created at or after; ISO 8601 or unix seconds; also from_date, dateFrom"));
  docs.parameters.push_back(text_parameter("endDate", "created at or before; a date means its end; also to_date, dateTo"));
  const Json schema{{"type", "object"},
                    {"required", {"data", "has_more", "next_cursor"}},
                    {"properties", {{"data", {{"type", "array"}, {"items", balance_transaction_schema()}}},
                                    {"has_more", {{"type", "boolean"}}},
                                    {"next_cursor", {{"type", {"string", "null"}}}},
                                    {"total", {{"type", "integer"}}}}}};
  docs.responses["200"] = {{"description", "a page"}, {"content", {{"application/json", {{"schema", schema}}}}}};
  return docs;
}

}  // namespace

Json balance_transaction_schema() {
  return Json::parse(R"({"type": "object", "properties": {
    "id": {"type": "string"}, "account": {"type": "string"},
    "amount": {"type": "integer", "format": "int64"}, "amount_decimal": {"type": "string"},
    "fee": {"type": "integer", "format": "int64"}, "net": {"type": "integer", "format": "int64"},
    "currency": {"type": "string"}, "type": {"type": "string"}, "reporting_category": {"type": "string"},
    "status": {"type": "string"}, "source": {"type": ["string", "null"]},
    "payout": {"type": ["string", "null"]}, "description": {"type": ["string", "null"]},
    "created": {"type": "string", "format": "date-time"},
    "available_on": {"type": "string", "format": "date-time"}}})");
}

std::vector<http::Route> balance_transaction_routes(pg::Database& db) {
  http::Route route;
  route.method = "GET";
  route.pattern = "/api/balance/transactions";
  route.access = "read";
  route.handler = [&db](http::Context& context) { return list(db, context.request); };
  route.docs = docs();
  return {std::move(route)};
}

}  // namespace payoutd::mirror
