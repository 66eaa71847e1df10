// What was paid in fees, by kind and by reporting category; and beside it what a platform earned.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/json.h"
#include "reports/movements_store.h"
#include "reports/report.h"
#include "reports/report_query.h"
#include "reports/table.h"

namespace payoutd::reports {

struct FeeKind {
  std::string kind;  // processing_fees, application_fees, …
  FeeSum sum;
};

struct Fees {
  ReportQuery query;
  Scope scope;
  std::vector<FeeKind> kinds{};  // every kind once, always in the same order; their sum is `total`
  // How many transactions, and what of the total they bore.
  std::map<std::string, FeeSum> by_category{};
  std::int64_t total = 0;
  FeeSum earned{}, earned_refunded{};  // application fees, and those given back (positive)
};

// `of_payouts` are the fee transactions, among the movements, that payouts caused.
Fees fees_of(const ReportQuery& query, const Scope& scope, const std::vector<Movement>& movements,
             const FeeSum& of_payouts);

OrderedJson to_json(const Fees& fees);
Table to_table(const Fees& fees);

Result<Fees> fees(pg::Database& db, OrgId organization, const ReportQuery& query);
const Report& fees_report();

}  // namespace payoutd::reports
