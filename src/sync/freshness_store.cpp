#include "sync/freshness_store.h"

namespace payoutd::sync::freshness_store {

namespace {

// A reading that began in the future did so before the clock was moved back.
const pg::Query kBegin{"freshness_begin", R"sql(
  UPDATE sync_streams SET read_at = $3
   WHERE organization_id = $1 AND account = $2 AND stream = 'balance_transactions'
     AND synced_to IS NOT NULL
     AND (read_at IS NULL OR abs(extract(epoch FROM $3::timestamptz - read_at)) >= $4::bigint)
  RETURNING greatest(fresh_until, synced_to) AS known)sql"};

const pg::Query kReadAt{"freshness_read_at", R"sql(
  SELECT read_at FROM sync_streams
   WHERE organization_id = $1 AND account = $2 AND stream = 'balance_transactions'
     AND synced_to IS NOT NULL AND read_at IS NOT NULL)sql"};

const pg::Query kEnd{"freshness_end", R"sql(
  UPDATE sync_streams SET fresh_until = greatest(fresh_until, $3)
   WHERE organization_id = $1 AND account = $2 AND stream = 'balance_transactions')sql"};

const pg::Query kFreshUntil{"fresh_until", R"sql(
  SELECT CASE WHEN bool_and(coalesce(s.fresh_until, s.synced_to) IS NOT NULL)
              THEN min(greatest(s.fresh_until, s.synced_to)) END AS fresh_until
    FROM connected_accounts a
    LEFT JOIN sync_streams s ON s.organization_id = a.organization_id
                            AND s.account = a.stripe_account_id
                            AND s.stream = 'balance_transactions'
   WHERE a.organization_id = $1
     AND CASE WHEN $2::text IS NULL THEN a.status = 'active' ELSE a.stripe_account_id = $2 END)sql"};

}  // namespace

std::optional<Time> begin(pg::Tx& tx, OrgId organization, const std::string& account, Time now,
                          std::chrono::seconds apart) {
  const pg::Rows rows =
      tx.exec(kBegin, organization, account, now, static_cast<std::int64_t>(apart.count()));
  const auto row = rows.maybe();
  if (!row) return std::nullopt;
  return row->get<Time>("known");
}

std::optional<Time> read_at(pg::Tx& tx, OrgId organization, const std::string& account) {
  const pg::Rows rows = tx.exec(kReadAt, organization, account);
  const auto row = rows.maybe();
  if (!row) return std::nullopt;
  return row->get<Time>("read_at");
}

void end(pg::Tx& tx, OrgId organization, const std::string& account, Time fresh_until) {
  tx.exec(kEnd, organization, account, fresh_until);
}

std::optional<Time> fresh_until(pg::Tx& tx, OrgId organization,
                                const std::optional<std::string>& account) {
  return tx.exec(kFreshUntil, organization, account).one().get<std::optional<Time>>("fresh_until");
}

}  // namespace payoutd::sync::freshness_store
