// The reports: each reads one snapshot of the mirror, on the replica where there is one. The API
// and `payoutd report` call the same functions.
//
// Errors of all: 404 `account_not_found`, 400 `currency_needed`.
#pragma once

#include "base/result.h"
#include "pg/database.h"
#include "reports/balance.h"
#include "reports/customers.h"
#include "reports/fees.h"
#include "reports/reconciliation.h"
#include "reports/revenue.h"

namespace payoutd::reports {

Result<Revenue> revenue(pg::Database& db, OrgId organization, const ReportQuery& query);
Result<Fees> fees(pg::Database& db, OrgId organization, const ReportQuery& query);
Result<BalanceReport> balance(pg::Database& db, OrgId organization, const ReportQuery& query);

// `top`: how many customers to name. `now` is only told, as the time at which the mirror was read.
Result<Customers> customers(pg::Database& db, OrgId organization, const ReportQuery& query,
                            std::int64_t top, Time now);

// Stripe's payouts of the period, a page at a time. Error: 400 `invalid_cursor`.
Result<Reconciliation> reconcile(pg::Database& db, OrgId organization, const ReportQuery& query,
                                 const http::Page& page);
// The one that `payout` names (our id or po_…), whatever the period. Errors: 404
// `payout_not_found`; 400 `not_stripes_payout` for one of the engine's.
Result<Reconciliation> reconcile_one(pg::Database& db, OrgId organization, const ReportQuery& query,
                                     const std::string& payout);

}  // namespace payoutd::reports
