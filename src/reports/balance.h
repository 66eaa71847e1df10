// How a balance went from its beginning to its end: activity by category, and payouts.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"
#include "reports/movements_store.h"
#include "reports/report.h"
#include "reports/report_query.h"
#include "reports/table.h"

namespace payoutd::reports {

// The transactions of one reporting category together.
struct CategorySum {
  std::string reporting_category{};
  std::int64_t count = 0, gross = 0, fee = 0, net = 0;
  void add(const Movement& movement);
};

struct BalanceReport {
  ReportQuery query;
  Scope scope;
  std::int64_t starting = 0;
  std::vector<CategorySum> activity{};  // by category; payouts apart
  std::vector<CategorySum> payouts{};   // payout and payout_reversal

  std::int64_t activity_net() const;
  std::int64_t payouts_net() const;
  std::int64_t ending() const;  // starting + activity + payouts
};

BalanceReport balance_of(const ReportQuery& query, const Scope& scope, std::int64_t starting,
                         const std::vector<Movement>& movements);

OrderedJson to_json(const CategorySum& sum, Currency currency);
OrderedJson to_json(const BalanceReport& report);
Table to_table(const BalanceReport& report);

Result<BalanceReport> balance(pg::Database& db, OrgId organization, const ReportQuery& query);
const Report& balance_report();

}  // namespace payoutd::reports
