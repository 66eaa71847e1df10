#include "reports/reconciliation_store.h"

#include <map>
#include <utility>

namespace payoutd::reports::reconciliation_store {

namespace {

const pg::Query kTransactions{"report_payout_transactions", R"sql(
  SELECT t.account, t.payout_id, t.reporting_category, count(*) AS rows,
         sum(t.amount)::bigint AS amount,
         sum(t.fee)::bigint AS fee, sum(t.net)::bigint AS net
    FROM unnest($2::text[], $3::text[], $4::text[]) AS given(account, payout_id, own_row)
    JOIN balance_transactions t
      ON t.organization_id = $1 AND t.payout_id = given.payout_id AND t.account = given.account
   WHERE t.stripe_id IS DISTINCT FROM given.own_row
   GROUP BY t.account, t.payout_id, t.reporting_category
   ORDER BY t.account, t.payout_id, t.reporting_category)sql"};

}  // namespace

void add_up(pg::Tx& tx, OrgId organization, std::vector<ReconciledPayout>& payouts) {
  pg::Array<std::string> accounts, ids, own_rows;
  std::map<std::pair<std::string, std::string>, ReconciledPayout*> by_id;
  for (ReconciledPayout& one : payouts) {
    if (!one.itemised() || !one.payout.account || !one.payout.stripe_payout_id) continue;
    accounts.add(*one.payout.account);
    ids.add(*one.payout.stripe_payout_id);
    own_rows.add(one.payout.balance_transaction_id);
    by_id[{*one.payout.account, *one.payout.stripe_payout_id}] = &one;
  }
  if (by_id.empty()) return;
  for (const pg::Row row : tx.exec(kTransactions, organization, accounts, ids, own_rows)) {
    auto& one = *by_id.at({row.get<std::string>("account"), row.get<std::string>("payout_id")});
    one.categories.push_back({.reporting_category = row.get<std::string>("reporting_category"),
                              .count = row.get<std::int64_t>("rows"),
                              .gross = row.get<std::int64_t>("amount"),
                              .fee = row.get<std::int64_t>("fee"),
                              .net = row.get<std::int64_t>("net")});
  }
}

}  // namespace payoutd::reports::reconciliation_store
