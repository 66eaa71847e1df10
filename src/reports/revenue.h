// What was sold, by day, week or month: gross, and what refunds, disputes and fees left of it.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/json.h"
#include "reports/movements_store.h"
#include "reports/period.h"
#include "reports/report.h"
#include "reports/report_query.h"
#include "reports/table.h"

namespace payoutd::reports {

using movements_store::FromTransfers;

// Minor units. All but `application_fees_earned` are positive in the ordinary case; refunds,
// disputes and fees are what they took away.
struct RevenueFigures {
  std::int64_t revenue = 0, count = 0, refunds = 0, disputes = 0, fees = 0,
               application_fees_earned = 0;
  FromTransfers from_transfers{};  // part of the figures above, unless the scope is without them

  void add(const Movement& movement);
  void add(const RevenueFigures& other);
  void leave_out_transfers();
  std::int64_t net() const;
  std::optional<std::int64_t> average() const;  // revenue / count; nothing without a payment
};

struct RevenuePeriod {
  Period period{};
  RevenueFigures figures{};
};

struct Revenue {
  ReportQuery query;
  Scope scope;
  std::vector<RevenuePeriod> periods{};  // in order, without gaps
  RevenueFigures total{};

  std::int64_t average_per_period() const;
};

// `from_transfers` has an entry for each period.
Revenue revenue_of(const ReportQuery& query, const Scope& scope,
                   const std::vector<Movement>& movements,
                   const std::vector<FromTransfers>& from_transfers);

// The nearest whole number, halves away from zero. `divisor` is positive.
std::int64_t divide_rounded(std::int64_t dividend, std::int64_t divisor);

OrderedJson to_json(const Revenue& revenue);
Table to_table(const Revenue& revenue);

Result<Revenue> revenue(pg::Database& db, OrgId organization, const ReportQuery& query);
const Report& revenue_report();

}  // namespace payoutd::reports
