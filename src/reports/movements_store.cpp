#include "reports/movements_store.h"

#include <algorithm>

#include "base/check.h"
#include "base/money.h"

namespace payoutd::reports {

FeeSum& FeeSum::operator+=(const FeeSum& other) {
  count = checked_add(count, other.count);
  amount = checked_add(amount, other.amount);
  return *this;
}

namespace movements_store {

namespace {

// One look into the index for each pair, not a scan.
const pg::Query kCurrencies{"report_currencies", R"sql(
WITH RECURSIVE pair AS (
  (SELECT account, currency FROM balance_days
    WHERE organization_id = $1 AND ($2::text IS NULL OR account = $2)
    ORDER BY account, currency LIMIT 1)
  UNION ALL
  SELECT following.account, following.currency
    FROM pair
   CROSS JOIN LATERAL (
         SELECT d.account, d.currency FROM balance_days d
          WHERE d.organization_id = $1 AND ($2::text IS NULL OR d.account = $2)
            AND (d.account, d.currency) > (pair.account, pair.currency)
          ORDER BY d.account, d.currency LIMIT 1) AS following)
SELECT account, currency FROM pair LIMIT 100000)sql"};

// $4 are the bounds, $5 and $6 the first and the last of them, $7 the quarters that a bound cuts.
const pg::Query kMovements{"report_movements", R"sql(
WITH moved AS (
  SELECT width_bucket(r.bucket, $4::timestamptz[]) AS period, r.type, r.reporting_category, r.rows,
         r.amount, r.fee, r.net, r.fee_application, r.fee_passthrough, r.fee_tax, r.fee_withheld_tax,
         r.fee_other, r.of_stripe, r.of_application, r.of_passthrough, r.of_tax, r.of_withheld_tax,
         r.of_other
    FROM unnest($2::text[]) AS one(account)
    JOIN balance_rollups r
      ON r.organization_id = $1 AND r.account = one.account AND r.currency = $3
     AND r.bucket >= $5 AND r.bucket < $6
   WHERE r.bucket <> ALL ($7::timestamptz[])
  UNION ALL
  SELECT width_bucket(t.created, $4::timestamptz[]), t.type, t.reporting_category, 1,
         t.amount, t.fee, t.net, fees.application, fees.passthrough, fees.tax, fees.withheld_tax,
         fees.other,
         CASE WHEN fees.details = 0 AND t.fee <> 0 THEN 1 ELSE fees.of_stripe END,
         fees.of_application, fees.of_passthrough, fees.of_tax, fees.of_withheld_tax, fees.of_other
    FROM unnest($7::timestamptz[]) AS cut(bucket)
   CROSS JOIN unnest($2::text[]) AS one(account)
    JOIN balance_transactions t
      ON t.organization_id = $1 AND t.account = one.account
     AND t.created >= greatest(cut.bucket, $5)
     AND t.created < least(cut.bucket + interval '15 minutes', $6)
   CROSS JOIN LATERAL (
         SELECT coalesce(sum(d.amount) FILTER (WHERE d.type = 'application_fee'), 0) AS application,
                coalesce(sum(d.amount) FILTER (WHERE d.type = 'payment_method_passthrough_fee'), 0)
                  AS passthrough,
                coalesce(sum(d.amount) FILTER (WHERE d.type = 'tax'), 0) AS tax,
                coalesce(sum(d.amount) FILTER (WHERE d.type = 'withheld_tax'), 0) AS withheld_tax,
                coalesce(sum(d.amount) FILTER (WHERE d.other), 0) AS other,
                count(*) FILTER (WHERE d.type = 'stripe_fee') AS of_stripe,
                count(*) FILTER (WHERE d.type = 'application_fee') AS of_application,
                count(*) FILTER (WHERE d.type = 'payment_method_passthrough_fee') AS of_passthrough,
                count(*) FILTER (WHERE d.type = 'tax') AS of_tax,
                count(*) FILTER (WHERE d.type = 'withheld_tax') AS of_withheld_tax,
                count(*) FILTER (WHERE d.other) AS of_other,
                count(*) AS details
           FROM (SELECT type, amount,
                        coalesce(type NOT IN ('stripe_fee', 'application_fee', 'tax', 'withheld_tax',
                                              'payment_method_passthrough_fee'), true) AS other
                   FROM jsonb_to_recordset(CASE jsonb_typeof(t.fee_details) WHEN 'array'
                                                THEN t.fee_details ELSE '[]' END)
                        AS detail(type text, amount bigint)
                  WHERE amount <> 0) AS d) AS fees
   WHERE t.currency = $3 AND t.balance_type = 'payments')
SELECT period, type, reporting_category, sum(rows)::bigint AS rows, sum(amount)::bigint AS amount,
       sum(fee)::bigint AS fee, sum(net)::bigint AS net,
       sum(fee_application)::bigint AS fee_application,
       sum(fee_passthrough)::bigint AS fee_passthrough, sum(fee_tax)::bigint AS fee_tax,
       sum(fee_withheld_tax)::bigint AS fee_withheld_tax, sum(fee_other)::bigint AS fee_other,
       sum(of_stripe)::bigint AS of_stripe, sum(of_application)::bigint AS of_application,
       sum(of_passthrough)::bigint AS of_passthrough, sum(of_tax)::bigint AS of_tax,
       sum(of_withheld_tax)::bigint AS of_withheld_tax, sum(of_other)::bigint AS of_other
  FROM moved
 GROUP BY period, type, reporting_category
HAVING sum(rows) <> 0 OR sum(amount) <> 0 OR sum(fee) <> 0 OR sum(net) <> 0
 ORDER BY period, type, reporting_category)sql"};

// $4 is the bound, $5 its day in UTC, $6 that day's begin, $7 the quarter of an hour that it lies in.
const pg::Query kBalanceBefore{"report_balance_before", R"sql(
SELECT coalesce(sum(part.net), 0)::bigint AS net
  FROM unnest($2::text[]) AS one(account)
 CROSS JOIN LATERAL (
       SELECT sum(d.net) AS net FROM balance_days d
        WHERE d.organization_id = $1 AND d.account = one.account AND d.currency = $3
          AND d.day < $5::date
       UNION ALL
       SELECT sum(r.net) FROM balance_rollups r
        WHERE r.organization_id = $1 AND r.account = one.account AND r.currency = $3
          AND r.bucket >= $6 AND r.bucket < $7
       UNION ALL
       SELECT sum(t.net) FROM balance_transactions t
        WHERE t.organization_id = $1 AND t.account = one.account AND t.created >= $7
          AND t.created < $4 AND t.currency = $3 AND t.balance_type = 'payments') AS part)sql"};

// A payment and its row are made in one moment: a day around the bounds finds all of them.
const pg::Query kFromTransfers{"report_from_transfers", R"sql(
WITH moved AS (
  SELECT width_bucket(t.created, $4::timestamptz[]) AS period, t.amount, 0::bigint AS refunds, 1 AS count
    FROM unnest($2::text[]) AS one(account)
    JOIN charges c
      ON c.organization_id = $1 AND c.account = one.account AND c.source_transfer_id IS NOT NULL
     AND c.created >= $5::timestamptz - interval '1 day'
     AND c.created < $6::timestamptz + interval '1 day'
    JOIN balance_transactions t
      ON t.organization_id = $1 AND t.account = one.account AND t.stripe_id = c.balance_transaction_id
   WHERE t.currency = $3 AND t.created >= $5 AND t.created < $6 AND t.balance_type = 'payments'
     AND t.reporting_category = 'charge'
  UNION ALL
  SELECT width_bucket(t.created, $4::timestamptz[]), 0, t.amount, 0
    FROM unnest($2::text[]) AS one(account)
    JOIN refunds r
      ON r.organization_id = $1 AND r.account = one.account
     AND r.source_transfer_reversal_id IS NOT NULL
     AND r.created >= $5::timestamptz - interval '1 day'
     AND r.created < $6::timestamptz + interval '1 day'
    JOIN balance_transactions t
      ON t.organization_id = $1 AND t.account = one.account AND t.stripe_id = r.balance_transaction_id
   WHERE t.currency = $3 AND t.created >= $5 AND t.created < $6 AND t.balance_type = 'payments'
     AND t.reporting_category = 'refund')
SELECT period, sum(count)::bigint AS count, sum(amount)::bigint AS amount, sum(refunds)::bigint AS refunds
  FROM moved GROUP BY period)sql"};

const pg::Query kPayoutFees{"report_payout_fees", R"sql(
SELECT count(*) AS rows, coalesce(-sum(t.amount), 0)::bigint AS amount
  FROM unnest($2::text[]) AS one(account)
  JOIN balance_transactions t
    ON t.organization_id = $1 AND t.account = one.account AND t.created >= $4 AND t.created < $5
 WHERE t.currency = $3 AND t.balance_type = 'payments' AND t.type = 'stripe_fee'
   AND (starts_with(t.source_id, 'po_') OR t.description ILIKE 'instant payout%')
   AND t.reporting_category = 'fee')sql"};

Time quarter_of(Time time) { return std::chrono::floor<std::chrono::duration<std::int64_t, std::ratio<900>>>(time); }

pg::Array<std::string> texts(const std::vector<std::string>& all) {
  pg::Array<std::string> array;
  for (const std::string& one : all) array.add(one);
  return array;
}

pg::Array<Time> times(const std::vector<Time>& all) {
  pg::Array<Time> array;
  for (const Time one : all) array.add(one);
  return array;
}

std::vector<Time> quarters_cut_by(const std::vector<Time>& bounds) {
  std::vector<Time> cut;
  for (const Time bound : bounds) {
    const Time quarter = quarter_of(bound);
    if (quarter != bound && (cut.empty() || cut.back() != quarter)) cut.push_back(quarter);
  }
  return cut;
}

// How many rows a plan is for shows only in the values at hand.
void plan_afresh(pg::Tx& tx) { tx.exec_unnamed("SET LOCAL plan_cache_mode = force_custom_plan"); }

Movement read(const pg::Row& row) {
  const auto number = [&](const char* column) { return row.get<std::int64_t>(column); };
  Movement found;
  found.period = static_cast<std::size_t>(row.get<std::int32_t>("period") - 1);
  found.type = row.get<std::string>("type");
  found.reporting_category = row.get<std::string>("reporting_category");
  found.rows = number("rows");
  found.amount = number("amount");
  found.fee = number("fee");
  found.net = number("net");
  found.application = {number("of_application"), number("fee_application")};
  found.passthrough = {number("of_passthrough"), number("fee_passthrough")};
  found.tax = {number("of_tax"), number("fee_tax")};
  found.withheld_tax = {number("of_withheld_tax"), number("fee_withheld_tax")};
  found.other = {number("of_other"), number("fee_other")};
  found.stripe = {number("of_stripe"),
                  found.fee - found.application.amount - found.passthrough.amount - found.tax.amount -
                      found.withheld_tax.amount - found.other.amount};
  return found;
}

}  // namespace

std::vector<AccountCurrency> currencies(pg::Tx& tx, OrgId organization, const std::optional<std::string>& account) {
  std::vector<AccountCurrency> found;
  for (const pg::Row row : tx.exec(kCurrencies, organization, account)) {
    found.push_back({row.get<std::string>("account"), row.get<std::string>("currency")});
  }
  return found;
}

std::vector<Movement> movements(pg::Tx& tx, const Accounts& accounts, const std::vector<Time>& bounds) {
  CHECK(bounds.size() >= 2 && std::ranges::is_sorted(bounds));
  plan_afresh(tx);
  std::vector<Movement> found;
  for (const pg::Row row : tx.exec(kMovements, accounts.organization, texts(accounts.ids), accounts.currency,
                                   times(bounds), bounds.front(), bounds.back(),
                                   times(quarters_cut_by(bounds)))) {
    found.push_back(read(row));
    CHECK(found.back().period < bounds.size() - 1);
  }
  return found;
}

std::int64_t balance_before(pg::Tx& tx, const Accounts& accounts, Time before) {
  plan_afresh(tx);
  const auto day = std::chrono::floor<std::chrono::days>(before);
  return tx.exec(kBalanceBefore, accounts.organization, texts(accounts.ids), accounts.currency, before,
                 pg::Day{day}, Time{day}, quarter_of(before))
      .one()
      .get<std::int64_t>("net");
}

std::vector<FromTransfers> from_transfers(pg::Tx& tx, const Accounts& accounts, const std::vector<Time>& bounds) {
  CHECK(bounds.size() >= 2);
  plan_afresh(tx);
  std::vector<FromTransfers> found(bounds.size() - 1);
  for (const pg::Row row : tx.exec(kFromTransfers, accounts.organization, texts(accounts.ids), accounts.currency,
                                   times(bounds), bounds.front(), bounds.back())) {
    FromTransfers& period = found.at(static_cast<std::size_t>(row.get<std::int32_t>("period") - 1));
    period = {row.get<std::int64_t>("count"), row.get<std::int64_t>("amount"), row.get<std::int64_t>("refunds")};
  }
  return found;
}

FeeSum payout_fees(pg::Tx& tx, const Accounts& accounts, Time begin, Time end) {
  plan_afresh(tx);
  const pg::Row row =
      tx.exec(kPayoutFees, accounts.organization, texts(accounts.ids), accounts.currency, begin, end).one();
  return {row.get<std::int64_t>("rows"), row.get<std::int64_t>("amount")};
}

}  // namespace movements_store

}  // namespace payoutd::reports
