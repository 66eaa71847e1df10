#include "reports/customers_store.h"

namespace payoutd::reports::customers_store {

namespace {

// What each customer paid in the period; without one, the guests together. A payment that failed
// later in the period cancels itself out. The source of a payment's row is its charge, that of what
// a partial capture gave back the charge or a refund of it.
const std::string kPaid = R"sql(paid AS MATERIALIZED (
  SELECT account, customer, sum(amount) AS revenue, sum(payments) AS payments
    FROM (SELECT t.account, c.customer_id AS customer, t.amount,
                 CASE t.reporting_category WHEN 'charge' THEN 1 ELSE -1 END AS payments
            FROM unnest($2::text[]) AS one(account)
            JOIN balance_transactions t
              ON t.organization_id = $1 AND t.account = one.account AND t.created >= $4
             AND t.created < $5
            LEFT JOIN charges c
              ON c.organization_id = $1 AND c.account = t.account AND c.stripe_id = t.source_id
           WHERE t.currency = $3 AND t.balance_type = 'payments'
             AND t.reporting_category IN ('charge', 'charge_failure')
          UNION ALL
          SELECT t.account, coalesce(c.customer_id, refunded.customer_id), t.amount, 0
            FROM unnest($2::text[]) AS one(account)
            JOIN balance_transactions t
              ON t.organization_id = $1 AND t.account = one.account AND t.created >= $4
             AND t.created < $5 AND t.type = 'refund'
            LEFT JOIN charges c
              ON c.organization_id = $1 AND c.account = t.account AND c.stripe_id = t.source_id
            LEFT JOIN refunds r
              ON r.organization_id = $1 AND r.account = t.account AND r.stripe_id = t.source_id
            LEFT JOIN charges refunded
              ON refunded.organization_id = $1 AND refunded.account = t.account
             AND refunded.stripe_id = r.charge_id
           WHERE t.currency = $3 AND t.balance_type = 'payments'
             AND t.reporting_category = 'partial_capture_reversal') AS moved
   GROUP BY account, customer))sql";

// When each subscription ran, in [began, ended): `paid` ones have a price. Those that ended before
// $6 are left out.
const std::string kRan = R"sql(ran AS (
  SELECT account, customer_id, began, ended, paid
    FROM (SELECT s.account, s.customer_id, s.annual_amount > 0 AS paid,
                 greatest(coalesce(s.start_date, s.created), s.trial_end) AS began,
                 CASE WHEN s.ended_at IS NOT NULL THEN s.ended_at
                      WHEN s.status = 'canceled' THEN s.canceled_at
                      WHEN s.status = 'unpaid' THEN (
                        SELECT max(to_timestamp(item.current_period_start))
                          FROM jsonb_to_recordset(s.items) AS item(current_period_start bigint))
                      ELSE 'infinity' END AS ended
            FROM unnest($2::text[]) AS one(account)
            JOIN subscriptions s
              ON s.organization_id = $1 AND s.account = one.account
             AND (s.ended_at IS NULL OR s.ended_at > $6)
           WHERE s.currency = $3 AND s.customer_id IS NOT NULL
             AND s.status NOT IN ('incomplete', 'incomplete_expired', 'trialing', 'paused')
         ) AS lived
   WHERE began < ended))sql";

// All of the period's customers in one reading: their number, and the $7 best.
const std::string kCountSql = "WITH " + kPaid + ", " + kRan + R"sql(,
seen AS (
  SELECT account, customer, bool_or(payer) AS payer, bool_or(NOT payer) AS subscriber
    FROM (SELECT account, customer, true AS payer FROM paid WHERE payments > 0
          UNION ALL
          SELECT account, customer_id, false FROM ran WHERE began < $5 AND ended > $4) AS one
   WHERE customer IS NOT NULL
   GROUP BY account, customer),
best AS (
  SELECT p.account, p.customer, p.revenue, p.payments
    FROM paid p WHERE p.customer IS NOT NULL AND p.payments > 0
   ORDER BY p.revenue DESC, p.account, p.customer LIMIT $7)
SELECT count(*) AS unique_customers, count(*) FILTER (WHERE payer) AS paying,
       count(*) FILTER (WHERE subscriber) AS subscribed,
       count(*) FILTER (WHERE EXISTS (
         SELECT FROM customers c WHERE c.organization_id = $1 AND c.account = seen.account
            AND c.stripe_id = seen.customer AND c.deleted)) AS deleted,
       (SELECT coalesce(sum(payments), 0)::bigint FROM paid WHERE customer IS NULL)
         AS guest_payments,
       (SELECT coalesce(jsonb_agg(to_jsonb(best) || jsonb_build_object(
                 'name', c.name, 'email', c.email, 'deleted', coalesce(c.deleted, false))
                 ORDER BY best.revenue DESC, best.account, best.customer), '[]')
          FROM best
          LEFT JOIN customers c ON c.organization_id = $1 AND c.account = best.account
           AND c.stripe_id = best.customer) AS top
  FROM seen)sql";
const pg::Query kCount{"report_count_customers", kCountSql};

const pg::Query kNew{"report_new_customers", R"sql(
  SELECT count(*) AS new_customers
    FROM unnest($2::text[]) AS one(account)
    JOIN customers c ON c.organization_id = $1 AND c.account = one.account
     AND c.created >= $3 AND c.created < $4)sql"};

// $5 is the end, $4 and $6 thirty days before it. Who joined since never had a paid one run before.
const std::string kChurnSql = "WITH " + kRan + R"sql(,
subscribers AS (
  SELECT account, customer_id, min(began) AS joined,
         bool_or(began <= $4 AND ended > $4) AS active_before,
         bool_or(began <= $5 AND ended > $5) AS active_at_end
    FROM ran WHERE paid AND began <= $5
   GROUP BY account, customer_id),
judged AS (
  SELECT active_before, active_at_end,
         NOT active_before AND joined > $4 AND NOT EXISTS (
           SELECT FROM subscriptions e
            WHERE e.organization_id = $1 AND e.account = s.account AND e.customer_id = s.customer_id
              AND e.currency = $3 AND e.annual_amount > 0 AND e.ended_at <= $6
              AND e.status <> 'incomplete_expired'
              AND greatest(coalesce(e.start_date, e.created), e.trial_end) < e.ended_at) AS fresh
    FROM subscribers s)
SELECT count(*) FILTER (WHERE active_before) AS active_before,
       count(*) FILTER (WHERE fresh) AS joined,
       count(*) FILTER (WHERE (active_before OR fresh) AND NOT active_at_end) AS churned
  FROM judged)sql";
const pg::Query kChurn{"report_churn", kChurnSql};

// The sum is exact; its twelfth is rounded once, halves up.
const pg::Query kRunning{"report_running_subscriptions", R"sql(
  SELECT count(*) AS subscriptions, count(DISTINCT (s.account, s.customer_id)) AS subscribers,
         coalesce(div(sum(s.annual_amount) * 2 + 12, 24), 0)::bigint AS mrr
    FROM unnest($2::text[]) AS one(account)
    JOIN subscriptions s ON s.organization_id = $1 AND s.account = one.account AND s.ended_at IS NULL
   WHERE s.currency = $3 AND s.status IN ('active', 'past_due') AND s.annual_amount > 0)sql"};

pg::Array<std::string> texts(const std::vector<std::string>& all) {
  pg::Array<std::string> array;
  for (const std::string& one : all) array.add(one);
  return array;
}

TopCustomer top_customer(const Json& one) {
  const auto text = [&](const char* name) {
    return one[name].is_null() ? std::nullopt : std::optional(one[name].get<std::string>());
  };
  return {.account = one["account"],
          .customer = one["customer"],
          .name = text("name"),
          .email = text("email"),
          .deleted = one["deleted"],
          .revenue = one["revenue"],
          .payments = one["payments"]};
}

}  // namespace

void count_customers(pg::Tx& tx, Customers& customers, std::int64_t limit) {
  tx.plan_afresh();
  const Accounts& accounts = customers.scope.accounts;
  const Range& range = customers.query.range;
  const auto everyone = texts(customers.scope.every_account);
  const pg::Row row = tx.exec(kCount, accounts.organization, everyone, accounts.currency,
                              range.begin, range.end, range.begin, limit)
                          .one();
  customers.unique = row.get<std::int64_t>("unique_customers");
  customers.paying = row.get<std::int64_t>("paying");
  customers.subscribed = row.get<std::int64_t>("subscribed");
  customers.deleted = row.get<std::int64_t>("deleted");
  customers.guest_payments = row.get<std::int64_t>("guest_payments");
  for (const Json& one : row.get<Json>("top")) customers.top.push_back(top_customer(one));
  customers.fresh = tx.exec(kNew, accounts.organization, everyone, range.begin, range.end)
                        .one()
                        .get<std::int64_t>("new_customers");
}

void count_churn(pg::Tx& tx, Customers& customers) {
  tx.plan_afresh();
  const Accounts& accounts = customers.scope.accounts;
  const Time end = customers.query.range.end, before = end - std::chrono::days{30};
  const pg::Row row = tx.exec(kChurn, accounts.organization, texts(customers.scope.every_account),
                              accounts.currency, before, end, before)
                          .one();
  customers.churn = {.active_before = row.get<std::int64_t>("active_before"),
                     .joined = row.get<std::int64_t>("joined"),
                     .churned = row.get<std::int64_t>("churned")};
}

void value_subscriptions(pg::Tx& tx, Customers& customers) {
  tx.plan_afresh();
  const Accounts& accounts = customers.scope.accounts;
  const pg::Row row = tx.exec(kRunning, accounts.organization, texts(customers.scope.every_account),
                              accounts.currency)
                          .one();
  customers.active_subscriptions = row.get<std::int64_t>("subscriptions");
  customers.active_subscribers = row.get<std::int64_t>("subscribers");
  customers.mrr = row.get<std::int64_t>("mrr");
}

}  // namespace payoutd::reports::customers_store
