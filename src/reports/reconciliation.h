// Which transactions each payout paid out, by reporting category, and whether they add up to it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "http/page.h"
#include "payouts/payout.h"
#include "reports/balance.h"
#include "reports/report.h"
#include "reports/report_query.h"
#include "reports/table.h"

namespace payoutd::reports {

struct ReconciledPayout {
  payouts::Payout payout{};
  std::vector<CategorySum> categories{};  // of its transactions without its own row; by category

  // Only automatic payouts have transactions at Stripe.
  bool itemised() const { return payout.automatic.value_or(false); }
  CategorySum sum() const;
  std::int64_t difference() const;  // the payout's amount - its transactions' net
  // Stripe has finished the list, the mirror has read it to the end, and it adds up.
  bool complete() const;
  // A sentence, where it is not complete.
  std::optional<std::string> why() const;
};

struct Reconciliation {
  ReportQuery query;
  Scope scope;
  bool of_one = false;  // a payout that was asked for by its id: the period means nothing
  http::PageOf<ReconciledPayout> page{};
};

OrderedJson to_json(const Reconciliation& reconciliation);
Table to_table(const Reconciliation& reconciliation);

// Stripe's payouts of the period, a page at a time. Error: 400 `invalid_cursor`.
Result<Reconciliation> reconcile(pg::Database& db, OrgId organization, const ReportQuery& query,
                                 const http::Page& page);
// The payout that `payout` names (our id or po_…), whatever the period. Errors: 404
// `payout_not_found`; 400 `not_stripes_payout` for one of the engine's.
Result<Reconciliation> reconcile_one(pg::Database& db, OrgId organization, const ReportQuery& query,
                                     const std::string& payout);
const Report& reconciliation_report();

}  // namespace payoutd::reports
