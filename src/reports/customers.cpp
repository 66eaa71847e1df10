#include "reports/customers.h"

#include <fmt/format.h>

#include "base/check.h"
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

}  // namespace payoutd::reports
