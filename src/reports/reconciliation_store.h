// The transactions of payouts, added up by category.
#pragma once

#include <vector>

#include "pg/database.h"
#include "reports/reconciliation.h"

namespace payoutd::reports::reconciliation_store {

// Fills in the categories of each automatic payout.
void add_up(pg::Tx& tx, OrgId organization, std::vector<ReconciledPayout>& payouts);

}  // namespace payoutd::reports::reconciliation_store
