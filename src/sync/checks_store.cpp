#include "sync/checks_store.h"

namespace payoutd::sync::checks_store {

namespace {

const pg::Query kSums{"sync_check_sums", R"sql(
  SELECT currency, sum(net)::bigint AS net, count(*) AS rows
    FROM balance_transactions
   WHERE organization_id = $1 AND account = $2 AND balance_type = 'payments'
   GROUP BY currency)sql"};

// The sums from the sums by day. One step through the index finds each currency, past the quarters
// of an hour of the one before.
const pg::Query kSumsOfDays{"sync_check_sums_of_days", R"sql(
  WITH RECURSIVE known AS (
    (SELECT currency FROM balance_rollups WHERE organization_id = $1 AND account = $2
      ORDER BY currency LIMIT 1)
    UNION ALL
    SELECT (SELECT r.currency FROM balance_rollups r
             WHERE r.organization_id = $1 AND r.account = $2 AND r.currency > known.currency
             ORDER BY r.currency LIMIT 1)
      FROM known WHERE known.currency IS NOT NULL)
  SELECT known.currency, s.net, s.rows
    FROM known
   CROSS JOIN LATERAL (
         SELECT coalesce(sum(r.net), 0)::bigint AS net, coalesce(sum(r.rows), 0)::bigint AS rows
           FROM balance_rollups r
          WHERE r.organization_id = $1 AND r.account = $2 AND r.currency = known.currency
            AND r.whole_day) AS s
   WHERE known.currency IS NOT NULL AND s.rows > 0)sql"};

const pg::Query kRowsBetween{"sync_rows_between", R"sql(
  SELECT stripe_id, currency, type, amount, fee, net, created
    FROM balance_transactions
   WHERE organization_id = $1 AND account = $2 AND created >= $3 AND created < $4
   ORDER BY created DESC, stripe_id DESC LIMIT 100000)sql"};

const pg::Query kSave{"sync_save_check", R"sql(
  INSERT INTO mirror_checks (organization_id, account, currency, run_id, state, expected, available, pending,
         found, rows, first_day, missing, altered, surplus, checked_at)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
  ON CONFLICT (organization_id, account, currency) DO UPDATE
     SET run_id = excluded.run_id, state = excluded.state, expected = excluded.expected,
         available = excluded.available, pending = excluded.pending, found = excluded.found,
         rows = excluded.rows, first_day = excluded.first_day, missing = excluded.missing,
         altered = excluded.altered, surplus = excluded.surplus, checked_at = excluded.checked_at)sql"};

const pg::Query kBalances{"sync_checks", R"sql(
  SELECT account, currency, state, available, pending, found, rows, first_day, missing, altered, surplus,
         checked_at
    FROM mirror_checks WHERE organization_id = $1 AND ($2::text IS NULL OR account = $2)
   ORDER BY account, currency LIMIT 10000)sql"};

const pg::Query kForgetPayouts{"sync_forget_payout_checks", R"sql(
  DELETE FROM mirror_payout_checks WHERE organization_id = $1 AND account = $2
  RETURNING stripe_payout_id)sql"};

const pg::Query kMark{"sync_payout_check_mark", R"sql(
  SELECT whole_at, checked_to FROM mirror_payout_check_marks WHERE organization_id = $1 AND account = $2)sql"};

const pg::Query kSetMark{"sync_set_payout_check_mark", R"sql(
  INSERT INTO mirror_payout_check_marks AS m (organization_id, account, whole_at, checked_to)
  SELECT $1, $2, $3, coalesce(max(members_checked_at), $3)
    FROM payouts WHERE organization_id = $1 AND account = $2 AND members_checked_at IS NOT NULL
  ON CONFLICT (organization_id, account) DO UPDATE
     SET whole_at = CASE WHEN $4 THEN excluded.whole_at ELSE m.whole_at END,
         checked_to = excluded.checked_to)sql"};

// Payouts whose transactions were listed since, and payouts that were wrong.
const pg::Query kDue{"sync_payouts_to_check", R"sql(
  SELECT id FROM payouts
   WHERE organization_id = $1 AND account = $2 AND members_checked_at > $3
  UNION
  SELECT id FROM payouts
   WHERE organization_id = $1 AND account = $2 AND stripe_payout_id = ANY ($4::text[]))sql"};

// The payout's own row, which takes the money out, is not one of those that sum to it.
#define CHECK_PAYOUTS                                                                            \
  "INSERT INTO mirror_payout_checks (organization_id, account, stripe_payout_id, amount, found," \
  " currency, created, checked_at)"                                                              \
  " SELECT p.organization_id, p.account, p.stripe_payout_id, p.amount, m.found, p.currency,"     \
  " p.created, $3 FROM payouts p CROSS JOIN LATERAL ("                                           \
  " SELECT coalesce(sum(t.net), 0)::bigint AS found FROM balance_transactions t"                 \
  " WHERE t.organization_id = p.organization_id AND t.payout_id = p.stripe_payout_id"            \
  " AND t.account = p.account AND t.stripe_id IS DISTINCT FROM p.balance_transaction_id) AS m"   \
  " WHERE p.organization_id = $1 AND p.account = $2 AND p.automatic"                             \
  " AND p.members_checked_at IS NOT NULL AND p.reconciliation_status = 'completed'"              \
  " AND p.status NOT IN ('failed', 'canceled') AND m.found <> p.amount"
#define CHECK_PAYOUTS_RETURNING \
  " RETURNING account, stripe_payout_id, currency, amount, found, created"

const pg::Query kCheckAllPayouts{"sync_check_all_payouts", CHECK_PAYOUTS CHECK_PAYOUTS_RETURNING};

const pg::Query kCheckPayouts{"sync_check_payouts",
                              CHECK_PAYOUTS " AND p.id = ANY ($4::uuid[])" CHECK_PAYOUTS_RETURNING};

const pg::Query kPayouts{"sync_payout_checks", R"sql(
  SELECT account, stripe_payout_id, currency, amount, found, created
    FROM mirror_payout_checks WHERE organization_id = $1 AND ($2::text IS NULL OR account = $2)
   ORDER BY account, created LIMIT 1000)sql"};

// All are checked again once a week, whatever is known of them.
constexpr std::chrono::days kWholeEvery{7};
// A list of transactions may be stored long after it was asked for: by a job, behind a busy
// database.
constexpr std::chrono::hours kLateCommits{24};

Json ids(const std::vector<std::string>& list) { return list; }

CheckState state_named(std::string_view name) {
  if (name == "equal") return CheckState::equal;
  return name == "moving" ? CheckState::moving : CheckState::different;
}

Money money(const pg::Row& row, const char* amount) {
  return {row.get<std::int64_t>(amount), row.get<Currency>("currency")};
}

std::vector<PayoutCheck> read_payouts(const pg::Rows& rows) {
  std::vector<PayoutCheck> found;
  for (const pg::Row row : rows) {
    found.push_back({.account = row.get<std::string>("account"),
                     .payout = row.get<std::string>("stripe_payout_id"),
                     .amount = money(row, "amount"),
                     .found = money(row, "found"),
                     .created = row.get<Time>("created")});
  }
  return found;
}

}  // namespace

Sums sums(pg::Tx& tx, OrgId organization, std::string_view account, bool row_by_row) {
  Sums sums;
  for (const pg::Row row : tx.exec(row_by_row ? kSums : kSumsOfDays, organization, account)) {
    const Money net = money(row, "net");
    sums.emplace(net.currency, Sum{net, row.get<std::int64_t>("rows")});
  }
  return sums;
}

std::vector<Row> rows_between(pg::Tx& tx, OrgId organization, std::string_view account, Time from,
                              Time until) {
  std::vector<Row> found;
  for (const pg::Row row : tx.exec(kRowsBetween, organization, account, from, until)) {
    found.push_back({.id = row.get<std::string>("stripe_id"),
                     .type = row.get<std::string>("type"),
                     .amount = money(row, "amount"),
                     .fee = money(row, "fee"),
                     .net = money(row, "net"),
                     .created = row.get<Time>("created")});
  }
  return found;
}

void save(pg::Tx& tx, OrgId organization, std::optional<RunId> run, const BalanceCheck& check) {
  tx.exec(kSave, organization, check.account, check.currency(), run, name_of(check.state),
          check.expected().minor, check.available.minor, check.pending.minor, check.found.minor,
          check.rows, check.first_day, ids(check.missing), ids(check.altered), ids(check.surplus),
          check.checked_at);
}

std::vector<BalanceCheck> balances(pg::Tx& tx, OrgId organization,
                                   const std::optional<std::string>& account) {
  std::vector<BalanceCheck> checks;
  for (const pg::Row row : tx.exec(kBalances, organization, account)) {
    checks.push_back({.account = row.get<std::string>("account"),
                      .state = state_named(row.get<std::string>("state")),
                      .available = money(row, "available"),
                      .pending = money(row, "pending"),
                      .found = money(row, "found"),
                      .rows = row.get<std::int64_t>("rows"),
                      .checked_at = row.get<Time>("checked_at"),
                      .first_day = row.get<std::optional<pg::Day>>("first_day"),
                      .missing = row.get<Json>("missing").get<std::vector<std::string>>(),
                      .altered = row.get<Json>("altered").get<std::vector<std::string>>(),
                      .surplus = row.get<Json>("surplus").get<std::vector<std::string>>()});
  }
  return checks;
}

bool whole_is_due(pg::Tx& tx, OrgId organization, std::string_view account, Time now) {
  const auto mark = tx.exec(kMark, organization, account).maybe();
  return !mark || mark->get<Time>("whole_at") < now - kWholeEvery;
}

std::vector<PayoutCheck> check_payouts(pg::Tx& tx, OrgId organization, std::string_view account,
                                       Time now, bool whole) {
  pg::Array<std::string> wrong;
  for (const pg::Row row : tx.exec(kForgetPayouts, organization, account))
    wrong.add(row.get<std::string>(0));
  const auto mark = tx.exec(kMark, organization, account).maybe();
  const bool all = whole || !mark || mark->get<Time>("whole_at") < now - kWholeEvery;
  std::vector<PayoutCheck> found;
  if (all) {
    found = read_payouts(tx.exec(kCheckAllPayouts, organization, account, now));
  } else {
    pg::Array<PayoutId> due;
    const Time since = mark->get<Time>("checked_to") - kLateCommits;
    for (const pg::Row row : tx.exec(kDue, organization, account, since, wrong))
      due.add(row.get<PayoutId>(0));
    found = read_payouts(tx.exec(kCheckPayouts, organization, account, now, due));
  }
  tx.exec(kSetMark, organization, account, now, all);
  return found;
}

std::vector<PayoutCheck> payouts(pg::Tx& tx, OrgId organization,
                                 const std::optional<std::string>& account) {
  return read_payouts(tx.exec(kPayouts, organization, account));
}

}  // namespace payoutd::sync::checks_store
