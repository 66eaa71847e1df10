#include "reports/customers.h"

#include <fmt/format.h>

#include "base/check.h"
#include "reports/customers_store.h"
#include "reports/report_docs.h"
#include "reports/revenue.h"

namespace payoutd::reports {
namespace {

constexpr std::string_view kCustomersDefinition =
    "unique_customers: customers with a payment in the period (balance transactions of category "
    "charge, by their own `created`, not failed since) or a subscription that ran in it, each "
    "once; payments without a customer are counted apart. new_customers: customer objects "
    "created in the period, in any currency. Top customers by gross revenue in the period. "
    "Subscribers are customers with a running paid subscription in the currency. churn: of those "
    "active 30 days before the end, or subscribed for the first time ever since, the ones "
    "without a running subscription at the end. A subscription runs from its start, or the end "
    "of its trial, until it ended; an unpaid one until the period it owes. active_subscriptions, "
    "active_subscribers and mrr are as mirrored at as_of: status active or past_due with a "
    "price; mrr is a twelfth of a year's licensed items before discounts and taxes, in the "
    "subscriptions' currency, rounded once.";

OrderedJson to_json(const TopCustomer& one, Currency currency) {
  OrderedJson json{{"customer", one.customer},  {"account", one.account},
                   {"name", or_null(one.name)}, {"email", or_null(one.email)},
                   {"deleted", one.deleted},    {"payments", one.payments}};
  put(json, "revenue", one.revenue, currency);
  return json;
}

Json top_customer_schema() {
  return Schema()
      .text("customer", "cus_…")
      .text("account", "acct_…")
      .text_or_null("name", "Gone when the customer is deleted.")
      .text_or_null("email", "Gone when the customer is deleted.")
      .flag("deleted", "Since then.")
      .count("payments", "In the period.")
      .money("revenue", "Gross, in the period.")
      .json();
}

Json churn_schema() {
  return Schema()
      .count("active_30_days_before", "Subscribers 30 days before the end.")
      .count("new", "Who subscribed for the first time ever since then.")
      .count("churned", "Of both, those without a running subscription at the end.")
      .text_or_null("rate",
                    "churned / (active_30_days_before + new), four decimals; "
                    "null where there was nobody")
      .json();
}

Customers example_customers() {
  Customers example;
  example.query = example_query();
  example.scope = example_scope();
  example.as_of = example.query.range.end;
  example.unique = 3, example.paying = 2, example.subscribed = 2, example.fresh = 1;
  example.top.push_back({.account = "acct_1PlatformDemo001",
                         .customer = "cus_Ab3",
                         .name = "Ada Byron",
                         .email = "ada@example.com",
                         .revenue = 12'000,
                         .payments = 1});
  example.churn = {10, 1, 1};
  example.active_subscriptions = 11, example.active_subscribers = 10, example.mrr = 21'900;
  return example;
}

http::Docs customers_docs() {
  Schema schema = headed();
  schema
      .count("unique_customers",
             "Who paid in the period or had a subscription that ran in it, each once.")
      .count("paying_customers", "Who paid in the period.")
      .count("subscribed_customers", "Who had a subscription that ran in the period.")
      .count("deleted_customers", "Of the unique ones, deleted since.")
      .count("guest_payments", "Payments without a customer.")
      .count("new_customers", "Customer objects created in the period.")
      .list("top", top_customer_schema(), "By revenue, at most `limit`.")
      .field("churn", churn_schema(), "Over the 30 days before the end.")
      .time("as_of", "When the next figures were read from the mirror.")
      .count("active_subscriptions", "Active or past due, with a price.")
      .count("active_subscribers", "Customers who have one.")
      .money("mrr", "Monthly recurring revenue of them.");
  http::Docs docs =
      docs_of("Customers and subscribers", Grouped::no, schema, to_json(example_customers()));
  docs.parameters.push_back(
      {{"name", "limit"},
       {"in", "query"},
       {"description", "How many top customers."},
       {"schema",
        {{"type", "integer"}, {"minimum", 1}, {"maximum", kMostTop}, {"default", kDefaultTop}}}});
  return docs;
}

Reading read_customers(http::Fields& fields, Time now) {
  const auto top = fields.integer({"limit"}, 1, kMostTop).value_or(kDefaultTop);
  return [top, now](pg::Database& db, OrgId organization, const ReportQuery& query) {
    return shown(customers(db, organization, query, top, now));
  };
}

}  // namespace

std::optional<std::string> churn_rate(const Churn& churn) {
  const std::int64_t base = checked_add(churn.active_before, churn.joined);
  if (base == 0) return std::nullopt;
  CHECK(churn.churned <= base);
  const std::int64_t ten_thousandths = divide_rounded(churn.churned * 10'000, base);
  return fmt::format("{}.{:04}", ten_thousandths / 10'000, ten_thousandths % 10'000);
}

OrderedJson to_json(const Customers& customers) {
  const Currency currency = customers.scope.accounts.currency;
  OrderedJson json = heading(customers.query, customers.scope, kCustomersDefinition);
  json["unique_customers"] = customers.unique;
  json["paying_customers"] = customers.paying;
  json["subscribed_customers"] = customers.subscribed;
  json["deleted_customers"] = customers.deleted;
  json["guest_payments"] = customers.guest_payments;
  json["new_customers"] = customers.fresh;
  json["top"] = OrderedJson::array();
  for (const TopCustomer& one : customers.top) json["top"].push_back(to_json(one, currency));
  json["churn"] = {{"active_30_days_before", customers.churn.active_before},
                   {"new", customers.churn.joined},
                   {"churned", customers.churn.churned},
                   {"rate", or_null(churn_rate(customers.churn))}};
  json["as_of"] = to_iso(customers.as_of);
  json["active_subscriptions"] = customers.active_subscriptions;
  json["active_subscribers"] = customers.active_subscribers;
  put(json, "mrr", customers.mrr, currency);
  return json;
}

Table to_table(const Customers& customers) {
  const Currency currency = customers.scope.accounts.currency;
  Table table{.columns = {"figure", "customer", "account", "name", "email", "deleted", "count",
                          "currency", "amount"},
              .rows = {}};
  const auto add = [&](const char* figure, std::int64_t count) {
    table.rows.push_back(
        {std::string(figure), Cell(), Cell(), Cell(), Cell(), Cell(), count, Cell(), Cell()});
  };
  add("unique_customers", customers.unique);
  add("paying_customers", customers.paying);
  add("subscribed_customers", customers.subscribed);
  add("deleted_customers", customers.deleted);
  add("guest_payments", customers.guest_payments);
  add("new_customers", customers.fresh);
  add("churn_active_30_days_before", customers.churn.active_before);
  add("churn_new", customers.churn.joined);
  add("churned", customers.churn.churned);
  add("active_subscriptions", customers.active_subscriptions);
  add("active_subscribers", customers.active_subscribers);
  table.rows.push_back({std::string("mrr"), Cell(), Cell(), Cell(), Cell(), Cell(), Cell(),
                        currency.str(), Money{customers.mrr, currency}});
  for (const TopCustomer& one : customers.top) {
    table.rows.push_back({std::string("top_customer"), one.customer, one.account,
                          one.name.value_or(""), one.email.value_or(""),
                          std::string(one.deleted ? "deleted" : ""), one.payments, currency.str(),
                          Money{one.revenue, currency}});
  }
  return table;
}

Result<Customers> customers(pg::Database& db, OrgId organization, const ReportQuery& query,
                            std::int64_t top, Time now) {
  return db.read([&](pg::Tx& tx) -> Result<Customers> {
    auto scope = scope_of(tx, organization, query);
    if (!scope) return scope.error();
    Customers customers;
    customers.query = query;
    customers.scope = *std::move(scope);
    customers.as_of = now;
    customers_store::count_customers(tx, customers, top);
    customers_store::count_churn(tx, customers);
    customers_store::value_subscriptions(tx, customers);
    return customers;
  });
}

const Report& customers_report() {
  static const Report report{
      .name = "customers",
      .about = "Who paid, who is new, who left, and recurring revenue",
      .parameters = {{"limit", "--limit", "how many top customers (default: 10)"}},
      .read = read_customers,
      .docs = customers_docs};
  return report;
}

}  // namespace payoutd::reports
