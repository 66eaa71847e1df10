// Who bought and who subscribed: how many, who is new, who brought most, how many left, and what
// the running subscriptions are worth a month.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "reports/report.h"
#include "reports/report_query.h"
#include "reports/table.h"

namespace payoutd::reports {

struct TopCustomer {
  std::string account{}, customer{};           // acct_…, cus_…
  std::optional<std::string> name{}, email{};  // gone with a deleted customer
  bool deleted = false;
  std::int64_t revenue = 0, payments = 0;
};

// Subscribers, by Stripe's words: a customer is active while a paid subscription of theirs runs.
struct Churn {
  std::int64_t active_before = 0;  // 30 days before the end
  std::int64_t joined = 0;         // subscribed for the first time ever since then
  std::int64_t churned = 0;        // of those, without a running subscription at the end
};

struct Customers {
  ReportQuery query{};
  Scope scope{};
  Time as_of{};
  std::int64_t unique = 0;  // paid in the period, or had a subscription that ran in it
  std::int64_t paying = 0, subscribed = 0;
  std::int64_t guest_payments = 0;  // without a customer
  std::int64_t fresh = 0;           // customer objects made in the period
  std::int64_t deleted = 0;         // of the unique ones, deleted since
  std::vector<TopCustomer> top{};
  Churn churn{};
  // As the mirror shows them now.
  std::int64_t active_subscriptions = 0, active_subscribers = 0, mrr = 0;
};

inline constexpr std::int64_t kDefaultTop = 10, kMostTop = 100;

// churned / (active_before + joined) as a decimal with four places, halves up: "0.0909"; nothing
// when nobody could leave.
std::optional<std::string> churn_rate(const Churn& churn);

OrderedJson to_json(const Customers& customers);
Table to_table(const Customers& customers);

// `top`: how many customers to name. `now` is only told, as the time at which the mirror was read.
Result<Customers> customers(pg::Database& db, OrgId organization, const ReportQuery& query,
                            std::int64_t top, Time now);
const Report& customers_report();

}  // namespace payoutd::reports
