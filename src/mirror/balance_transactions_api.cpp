#include "mirror/balance_transactions_api.h"

#include "access/connected_accounts.h"
#include "access/principal.h"
#include "http/params.h"
#include "http/schema.h"
#include "mirror/balance_transactions.h"

namespace payoutd::mirror {
namespace {

namespace is = http::schema;

struct Query {
  BalanceTransactionFilter filter;
  http::Page page;
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
  query.page = fields.page();
  if (auto error = fields.done()) return *error;
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
  return http::Reply::json(
      200, http::to_json(*page, [](const BalanceTransaction& row) { return to_json(row); }));
}

http::Docs docs() {
  http::Docs docs{"What moved the balances of the organization's accounts, newest first",
                  "balance"};
  docs.parameters = http::page_parameters();
  docs.parameters.push_back(is::account_query());
  docs.parameters.push_back(is::query("type", "Stripe's type: charge, refund, payout, …"));
  docs.parameters.push_back(
      is::query("reporting_category", "Stripe's: charge, refund, dispute, fee, …"));
  docs.parameters.push_back(is::query("currency", "ISO 4217, in any case."));
  docs.parameters.push_back(is::query("payout", "po_… of the automatic payout that settled them."));
  docs.parameters.push_back(is::query("status", "Whether it counts as available yet.",
                                      {{"type", "string"}, {"enum", {"pending", "available"}}}));
  is::add_dates(docs.parameters);
  docs.responses["200"] = is::answer("One page.", is::page(balance_transaction_schema()),
                                     {{"data", Json::array({balance_transaction_example()})},
                                      {"has_more", false},
                                      {"next_cursor", nullptr}});
  return docs;
}

Json fee_detail_schema() {
  return is::object(
      {{"amount", is::minor("Minor units.")},
       {"application", is::or_null(is::text("ca_… of the application that took it."))},
       {"currency", is::text("ISO 4217, lower case.")},
       {"description", is::or_null(is::text("Stripe's words."))},
       {"type", is::text("stripe_fee, application_fee, tax, …")}});
}

}  // namespace

Json balance_transaction_schema() {
  return is::object(
      {{"id", is::text("txn_…")},
       {"account", is::text("The account whose balance it moved: acct_…")},
       {"amount", is::minor("Gross, in minor units.")},
       {"amount_decimal", is::or_null(is::text("The same: \"105.72\"."))},
       {"currency", is::text("ISO 4217, lower case.")},
       {"fee", is::minor("All fees, in minor units.")},
       {"fee_details", is::array(fee_detail_schema(), "What the fee is made of.")},
       {"net", is::minor("amount - fee: what the balance changed by.")},
       {"net_decimal", is::or_null(is::text("The same: \"91.78\"."))},
       {"type", is::text("Stripe's: charge, refund, payout, …")},
       {"reporting_category", is::text("Stripe's, for accounting.")},
       {"source", is::or_null(is::text("The object that it is about: ch_…, po_…"))},
       {"description", is::or_null(is::text("Stripe's words."))},
       {"status", is::word("Whether it counts as available yet.", {"pending", "available"})},
       {"available_on", is::time("When it does.")},
       {"created", is::time("When it happened at Stripe.")},
       {"exchange_rate",
        is::or_null(is::text("Exact decimal, where Stripe converted a currency."))},
       {"balance_type", is::text("Which of the account's balances: payments, …")},
       {"payout", is::or_null(is::text("po_… of the automatic payout that settled it."))}});
}

Json balance_transaction_example() {
  return Json::parse(R"({
    "id": "txn_1QxExample", "account": "acct_1PlatformDemo001", "amount": 10572, "amount_decimal": "105.72",
    "currency": "eur", "fee": 1394, "fee_details": [
      {"amount": 337, "application": null, "currency": "eur", "description": "Stripe processing fees", "type": "stripe_fee"},
      {"amount": 1057, "application": "ca_1Example", "currency": "eur", "description": "Platform application fee",
       "type": "application_fee"}],
    "net": 9178, "net_decimal": "91.78", "type": "charge", "reporting_category": "charge", "source": "ch_1QxExample",
    "description": "Order 13394", "status": "available", "available_on": "2026-03-05T00:00:00Z",
    "created": "2026-03-01T08:26:56Z", "exchange_rate": null, "balance_type": "payments", "payout": null})");
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
