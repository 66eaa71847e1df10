#include "sync/standing.h"

namespace payoutd::sync {

namespace {

const pg::Query kStates{"sync_standing", R"sql(
  SELECT count(*) FILTER (WHERE state = 'equal') AS equal,
         count(*) FILTER (WHERE state = 'different') AS different,
         count(*) FILTER (WHERE state = 'moving') AS moving,
         (SELECT count(*) FROM mirror_payout_checks) AS unsummed,
         accounts.synced_to, accounts.fresh_until
    FROM mirror_checks
   RIGHT JOIN (SELECT min(coalesce(s.synced_to, a.joined_at)) AS synced_to,
                      min(coalesce(greatest(s.fresh_until, s.synced_to), a.joined_at)) AS fresh_until
                 FROM connected_accounts a
                 LEFT JOIN sync_streams s ON s.organization_id = a.organization_id
                                         AND s.account = a.stripe_account_id
                                         AND s.stream = 'balance_transactions'
                WHERE a.status = 'active') AS accounts ON true
   GROUP BY accounts.synced_to, accounts.fresh_until)sql",
                        pg::Tenancy::global};

const pg::Query kDifferences{"sync_standing_differences", R"sql(
  SELECT organization_id, account, currency, expected - found AS amount
    FROM mirror_checks WHERE state = 'different'
   ORDER BY organization_id, account, currency LIMIT $1)sql",
                             pg::Tenancy::global};

}  // namespace

Standing standing(pg::Tx& tx) {
  const pg::Row row = tx.exec(kStates).one();
  Standing found{.equal = row.get<std::int64_t>("equal"),
                 .different = row.get<std::int64_t>("different"),
                 .moving = row.get<std::int64_t>("moving"),
                 .payouts_unsummed = row.get<std::int64_t>("unsummed"),
                 .synced_to = row.get<std::optional<Time>>("synced_to"),
                 .fresh_until = row.get<std::optional<Time>>("fresh_until")};
  for (const pg::Row one : tx.exec(kDifferences, kMostDifferences)) {
    found.differences.push_back({one.get<OrgId>("organization_id"),
                                 one.get<std::string>("account"),
                                 {one.get<std::int64_t>("amount"), one.get<Currency>("currency")}});
  }
  return found;
}

}  // namespace payoutd::sync
