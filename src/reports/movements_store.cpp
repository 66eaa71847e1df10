#include "reports/movements_store.h"

#include <map>
#include <tuple>
#include <utility>

#include "base/check.h"
#include "base/money.h"
#include "reports/spans.h"

namespace payoutd::reports {

FeeSum& FeeSum::operator+=(const FeeSum& other) {
  count = checked_add(count, other.count);
  amount = checked_add(amount, other.amount);
  return *this;
}

Movement& Movement::operator+=(const Movement& other_part) {
  rows = checked_add(rows, other_part.rows);
  amount = checked_add(amount, other_part.amount);
  fee = checked_add(fee, other_part.fee);
  net = checked_add(net, other_part.net);
  stripe += other_part.stripe;
  application += other_part.application;
  passthrough += other_part.passthrough;
  tax += other_part.tax;
  withheld_tax += other_part.withheld_tax;
  other += other_part.other;
  return *this;
}

namespace movements_store {

namespace {

// One look into the index for each pair, not a scan.
const pg::Query kCurrencies{"report_currencies", R"sql(
  WITH RECURSIVE pair AS (
    (SELECT account, currency FROM balance_rollups
      WHERE organization_id = $1 AND ($2::text IS NULL OR account = $2)
      ORDER BY account, currency LIMIT 1)
    UNION ALL
    SELECT following.account, following.currency
      FROM pair
     CROSS JOIN LATERAL (
           SELECT d.account, d.currency FROM balance_rollups d
            WHERE d.organization_id = $1 AND ($2::text IS NULL OR d.account = $2)
              AND (d.account, d.currency) > (pair.account, pair.currency)
            ORDER BY d.account, d.currency LIMIT 1) AS following)
  SELECT account, currency FROM pair LIMIT 100000)sql"};

const std::string kSums = R"sql(
  SELECT width_bucket(m.at, $4::timestamptz[]) AS period, m.reporting_category,
         sum(m.rows)::bigint AS rows, sum(m.amount)::bigint AS amount, sum(m.fee)::bigint AS fee,
         sum(m.net)::bigint AS net)sql";
const std::string kFees = kSums + R"sql(, m.type,
       sum(m.fee_application)::bigint AS fee_application,
       sum(m.fee_passthrough)::bigint AS fee_passthrough, sum(m.fee_tax)::bigint AS fee_tax,
       sum(m.fee_withheld_tax)::bigint AS fee_withheld_tax, sum(m.fee_other)::bigint AS fee_other,
       sum(m.of_stripe)::bigint AS of_stripe, sum(m.of_application)::bigint AS of_application,
       sum(m.of_passthrough)::bigint AS of_passthrough, sum(m.of_tax)::bigint AS of_tax,
       sum(m.of_withheld_tax)::bigint AS of_withheld_tax, sum(m.of_other)::bigint AS of_other)sql";

// $4 are the bounds of the periods, $5 and $6 the spans that are read. OFFSET 0 keeps the planner
// from reading the whole account and joining the spans to it: each is a range of an index.
const std::string kFromRollups = R"sql(
   FROM unnest($2::text[]) AS one(account)
  CROSS JOIN unnest($5::timestamptz[], $6::timestamptz[]) AS span(first, last)
  CROSS JOIN LATERAL (
        SELECT r.*, r.bucket AS at FROM balance_rollups r
         WHERE r.organization_id = $1 AND r.account = one.account AND r.currency = $3
           AND r.whole_day = $7 AND r.bucket >= span.first AND r.bucket < span.last OFFSET 0) AS m
  GROUP BY 1, m.reporting_category)sql";
const std::string kFromRows = R"sql(
   FROM unnest($2::text[]) AS one(account)
  CROSS JOIN unnest($5::timestamptz[], $6::timestamptz[]) AS span(first, last)
  CROSS JOIN LATERAL (
        SELECT t.created AS at, t.type, t.reporting_category, 1 AS rows, t.amount, t.fee, t.net,
               t.fee_details
          FROM balance_transactions t
         WHERE t.organization_id = $1 AND t.account = one.account AND t.currency = $3
           AND t.balance_type = 'payments' AND t.created >= span.first AND t.created < span.last
        OFFSET 0) AS m
  GROUP BY 1, m.reporting_category)sql";
const std::string kFromRowsWithFees = R"sql(
   FROM unnest($2::text[]) AS one(account)
  CROSS JOIN unnest($5::timestamptz[], $6::timestamptz[]) AS span(first, last)
  CROSS JOIN LATERAL (
        SELECT t.created AS at, t.type, t.reporting_category, 1 AS rows, t.amount, t.fee, t.net,
               fees.*,
               CASE WHEN fees.details = 0 AND t.fee <> 0 THEN 1 ELSE fees.stripe END AS of_stripe
          FROM balance_transactions t
         CROSS JOIN LATERAL (
               SELECT sum(amount) FILTER (WHERE kind = 'application_fee') AS fee_application,
                      sum(amount) FILTER (WHERE kind = 'payment_method_passthrough_fee')
                        AS fee_passthrough,
                      sum(amount) FILTER (WHERE kind = 'tax') AS fee_tax,
                      sum(amount) FILTER (WHERE kind = 'withheld_tax') AS fee_withheld_tax,
                      sum(amount) FILTER (WHERE kind = 'other') AS fee_other,
                      count(*) FILTER (WHERE kind = 'stripe_fee') AS stripe,
                      count(*) FILTER (WHERE kind = 'application_fee') AS of_application,
                      count(*) FILTER (WHERE kind = 'payment_method_passthrough_fee')
                        AS of_passthrough,
                      count(*) FILTER (WHERE kind = 'tax') AS of_tax,
                      count(*) FILTER (WHERE kind = 'withheld_tax') AS of_withheld_tax,
                      count(*) FILTER (WHERE kind = 'other') AS of_other,
                      count(*) AS details
                 FROM (SELECT CASE WHEN d.type IN ('stripe_fee', 'application_fee', 'tax',
                                                   'withheld_tax', 'payment_method_passthrough_fee')
                                   THEN d.type ELSE 'other' END AS kind, d.amount
                         FROM jsonb_to_recordset(CASE jsonb_typeof(t.fee_details) WHEN 'array'
                                                      THEN t.fee_details ELSE '[]' END)
                              AS d(type text, amount bigint)
                        WHERE d.amount <> 0) AS detail) AS fees
         WHERE t.organization_id = $1 AND t.account = one.account AND t.currency = $3
           AND t.balance_type = 'payments' AND t.created >= span.first AND t.created < span.last
        OFFSET 0) AS m
  GROUP BY 1, m.reporting_category, m.type)sql";

const std::string kRollupSumsSql = kSums + kFromRollups;
const std::string kRollupFeesSql = kFees + kFromRollups + ", m.type";
const std::string kRowSumsSql = kSums + kFromRows, kRowFeesSql = kFees + kFromRowsWithFees;
const pg::Query kRollupSums{"report_rollup_sums", kRollupSumsSql};
const pg::Query kRollupFees{"report_rollup_fees", kRollupFeesSql};
const pg::Query kRowSums{"report_row_sums", kRowSumsSql};
const pg::Query kRowFees{"report_row_fees", kRowFeesSql};

// A payment and its row are made in one moment: a day around the bounds finds all of them.
const pg::Query kFromTransfers{"report_from_transfers", R"sql(
  WITH moved AS (
    SELECT width_bucket(t.created, $4::timestamptz[]) AS period, t.amount, 0::bigint AS refunds,
           1 AS count
      FROM unnest($2::text[]) AS one(account)
      JOIN charges c
        ON c.organization_id = $1 AND c.account = one.account AND c.source_transfer_id IS NOT NULL
       AND c.created >= $5::timestamptz - interval '1 day'
       AND c.created < $6::timestamptz + interval '1 day'
      JOIN balance_transactions t
        ON t.organization_id = $1 AND t.account = one.account
         AND t.stripe_id = c.balance_transaction_id
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
        ON t.organization_id = $1 AND t.account = one.account
         AND t.stripe_id = r.balance_transaction_id
     WHERE t.currency = $3 AND t.created >= $5 AND t.created < $6 AND t.balance_type = 'payments'
       AND t.reporting_category = 'refund')
  SELECT period, sum(count)::bigint AS count, sum(amount)::bigint AS amount,
         sum(refunds)::bigint AS refunds
    FROM moved GROUP BY period)sql"};

const pg::Query kPayoutFees{"report_payout_fees", R"sql(
  SELECT count(*) AS rows, coalesce(-sum(t.amount), 0)::bigint AS amount
    FROM unnest($2::text[]) AS one(account)
    JOIN balance_transactions t
      ON t.organization_id = $1 AND t.account = one.account AND t.created >= $4 AND t.created < $5
   WHERE t.currency = $3 AND t.balance_type = 'payments' AND t.type = 'stripe_fee'
     AND (starts_with(t.source_id, 'po_') OR t.description ILIKE 'instant payout%')
     AND t.reporting_category = 'fee')sql"};

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

Movement read(const pg::Row& row, Detail detail) {
  const auto number = [&](const char* column) {
    return row.get<std::optional<std::int64_t>>(column).value_or(0);
  };
  Movement found;
  found.period = static_cast<std::size_t>(row.get<std::int32_t>("period") - 1);
  found.reporting_category = row.get<std::string>("reporting_category");
  found.rows = number("rows");
  found.amount = number("amount");
  found.fee = number("fee");
  found.net = number("net");
  if (detail == Detail::sums) return found;
  found.type = row.get<std::string>("type");
  found.application = {number("of_application"), number("fee_application")};
  found.passthrough = {number("of_passthrough"), number("fee_passthrough")};
  found.tax = {number("of_tax"), number("fee_tax")};
  found.withheld_tax = {number("of_withheld_tax"), number("fee_withheld_tax")};
  found.other = {number("of_other"), number("fee_other")};
  found.stripe = {number("of_stripe"), found.fee - found.application.amount -
                                           found.passthrough.amount - found.tax.amount -
                                           found.withheld_tax.amount - found.other.amount};
  return found;
}

// Movements by period, type and category, put together from the several kinds of spans.
class Sums {
 public:
  Sums(pg::Tx& tx, const Accounts& accounts, const std::vector<Time>& bounds, Detail detail)
      : tx_(tx), accounts_(accounts), bounds_(bounds), detail_(detail) {}

  void read_rollups(const std::vector<Range>& spans, bool whole_days) {
    if (spans.empty()) return;
    const auto [first, last] = ends(spans);
    add(tx_.exec(detail_ == Detail::fees ? kRollupFees : kRollupSums, accounts_.organization,
                 texts(accounts_.ids), accounts_.currency, times(bounds_), first, last,
                 whole_days));
  }

  void read_rows(const std::vector<Range>& spans) {
    if (spans.empty()) return;
    const auto [first, last] = ends(spans);
    add(tx_.exec(detail_ == Detail::fees ? kRowFees : kRowSums, accounts_.organization,
                 texts(accounts_.ids), accounts_.currency, times(bounds_), first, last));
  }

  std::vector<Movement> result() const {
    std::vector<Movement> all;
    for (const auto& [key, sum] : sums_) {
      if (sum.rows != 0 || sum.amount != 0 || sum.fee != 0 || sum.net != 0) all.push_back(sum);
    }
    return all;
  }

 private:
  static std::pair<pg::Array<Time>, pg::Array<Time>> ends(const std::vector<Range>& spans) {
    std::pair<pg::Array<Time>, pg::Array<Time>> ends;
    for (const Range& span : spans) {
      ends.first.add(span.begin);
      ends.second.add(span.end);
    }
    return ends;
  }

  void add(const pg::Rows& rows) {
    for (const pg::Row row : rows) {
      Movement found = read(row, detail_);
      CHECK(found.period + 1 < bounds_.size());
      const auto key = std::tuple(found.period, found.type, found.reporting_category);
      const auto [at, fresh] = sums_.try_emplace(key, found);
      if (!fresh) at->second += found;
    }
  }

  pg::Tx& tx_;
  const Accounts& accounts_;
  const std::vector<Time>& bounds_;
  const Detail detail_;
  std::map<std::tuple<std::size_t, std::string, std::string>, Movement> sums_;
};

}  // namespace

std::vector<AccountCurrency> currencies(pg::Tx& tx, OrgId organization,
                                        const std::optional<std::string>& account) {
  tx.plan_afresh();
  std::vector<AccountCurrency> found;
  for (const pg::Row row : tx.exec(kCurrencies, organization, account)) {
    found.push_back({row.get<std::string>("account"), row.get<std::string>("currency")});
  }
  return found;
}

std::vector<Movement> movements(pg::Tx& tx, const Accounts& accounts,
                                const std::vector<Time>& bounds, Detail detail) {
  CHECK(bounds.size() >= 2);
  tx.plan_afresh();
  const Spans spans = spans_between(bounds);
  Sums sums(tx, accounts, bounds, detail);
  sums.read_rollups(spans.days, true);
  sums.read_rollups(spans.quarters, false);
  sums.read_rows(spans.rows);
  return sums.result();
}

std::int64_t balance_before(pg::Tx& tx, const Accounts& accounts, Time before) {
  std::int64_t balance = 0;
  for (const Movement& movement : movements(tx, accounts, {from_unix(0), before}, Detail::sums)) {
    balance = checked_add(balance, movement.net);
  }
  return balance;
}

std::vector<FromTransfers> from_transfers(pg::Tx& tx, const Accounts& accounts,
                                          const std::vector<Time>& bounds) {
  CHECK(bounds.size() >= 2);
  tx.plan_afresh();
  std::vector<FromTransfers> found(bounds.size() - 1);
  for (const pg::Row row :
       tx.exec(kFromTransfers, accounts.organization, texts(accounts.ids), accounts.currency,
               times(bounds), bounds.front(), bounds.back())) {
    FromTransfers& period = found.at(static_cast<std::size_t>(row.get<std::int32_t>("period") - 1));
    period = {row.get<std::int64_t>("count"), row.get<std::int64_t>("amount"),
              row.get<std::int64_t>("refunds")};
  }
  return found;
}

FeeSum payout_fees(pg::Tx& tx, const Accounts& accounts, Time begin, Time end) {
  tx.plan_afresh();
  const pg::Row row = tx.exec(kPayoutFees, accounts.organization, texts(accounts.ids),
                              accounts.currency, begin, end)
                          .one();
  return {row.get<std::int64_t>("rows"), row.get<std::int64_t>("amount")};
}

}  // namespace movements_store

}  // namespace payoutd::reports
