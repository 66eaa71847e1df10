#include "structure/filled.h"

#include <stdexcept>
#include <vector>

#include "pg/migrate.h"
#include "support/explain.h"

namespace payoutd {
namespace {

// Rare values stand in the oldest rows: what looks for them from the newest on walks all others.
// The triggers are left out, and the rollups made at the end.
constexpr const char* kFill = R"sql(
  SET session_replication_role = replica;
  SET synchronous_commit = off;
  CREATE FUNCTION pg_temp.uid(i bigint) RETURNS uuid IMMUTABLE LANGUAGE sql AS
    $$ SELECT ('00000000-0000-7000-8000-' || lpad(to_hex(i), 12, '0'))::uuid $$;
  CREATE FUNCTION pg_temp.org(i bigint) RETURNS uuid IMMUTABLE LANGUAGE sql AS
    $$ SELECT CASE WHEN i % 20 = 0 THEN '0000000b-0000-7000-8000-000000000000'::uuid
                   ELSE '0000000a-0000-7000-8000-000000000000'::uuid END $$;
  CREATE FUNCTION pg_temp.acct(i bigint) RETURNS text IMMUTABLE LANGUAGE sql AS
    $$ SELECT CASE WHEN i % 20 = 0 THEN 'acct_small' WHEN i <= 2000 THEN 'acct_few'
                   ELSE 'acct_big' END $$;
  INSERT INTO organizations (id, name) VALUES (pg_temp.org(1), 'Big'), (pg_temp.org(20), 'Small');
  INSERT INTO connected_accounts (organization_id, stripe_account_id, livemode, status_at, joined_at,
         shown_at)
  SELECT CASE WHEN a = 'acct_small' THEN pg_temp.org(20) ELSE pg_temp.org(1) END, a, true, now(),
         now(), now()
    FROM unnest(ARRAY['acct_big', 'acct_few', 'acct_idle', 'acct_small']) AS a;
  INSERT INTO api_keys (organization_id, id, name, role, prefix, key_sha256, created_by)
  SELECT pg_temp.org(i), pg_temp.uid(i), 'key', 'admin', 'pk', sha256(i::text::bytea), 'test' FROM
         generate_series(1, 200) i;
  INSERT INTO idempotency_keys (organization_id, key, id, fingerprint, route, kept_for_ever, run,
         lease_until, state,
         status, content_type, headers, body, created_at, finished_at)
  SELECT pg_temp.org(i), 'key_' || i, pg_temp.uid(i), sha256('x'), 'POST /payouts', i % 10 = 0,
         pg_temp.uid(i), now(), 'done',
         200, 'application/json', '{}', '{}', now() - i * interval '1 minute', now() FROM
         generate_series(1, 20000) i;
  INSERT INTO payouts (organization_id, id, rail, account, stripe_payout_id, amount, currency,
         status, type, created,
         updated, arrival_date, automatic, reconciliation_status, trace_id_status,
         balance_transaction_id,
         members_checked_at, shown_at, priority, origin_module, origin_entity_id, entity_id,
         influencer_id, campaign_id,
         batch_id, external_id, next_attempt_at)
  SELECT pg_temp.org(i), pg_temp.uid(i), CASE WHEN rare THEN 'manual' ELSE 'stripe_payout' END,
         pg_temp.acct(i), CASE WHEN NOT rare THEN 'po_' || i END, 1000, CASE WHEN rare THEN 'chf'
         ELSE 'usd' END,
         CASE WHEN rare THEN 'failed' WHEN i > 99900 THEN 'in_transit' ELSE 'paid' END,
         CASE WHEN rare THEN 'card' ELSE 'bank_account' END, at, at, at + interval '2 days', NOT rare,
         CASE WHEN NOT rare THEN 'completed' END, CASE WHEN i > 99900 THEN 'pending' ELSE 'supported'
         END, 'txn_' || i,
         CASE WHEN i < 99900 THEN at END, at, CASE WHEN rare THEN 'low' END, CASE WHEN i % 50 = 1
         THEN 'campaigns' END,
         CASE WHEN rare THEN 'entity' END, CASE WHEN rare THEN 'entity' END, CASE WHEN rare THEN
         'someone' END,
         CASE WHEN rare THEN 'autumn' END, CASE WHEN rare THEN pg_temp.uid(i % 7) END,
         CASE WHEN i % 10 = 1 THEN 'ext_' || i END, CASE WHEN rare THEN at END
    FROM (SELECT i, i % 100 = 1 AND i < 8000 AS rare, timestamptz '2024-01-01Z' + i * interval
         '10 minutes' AS at
            FROM generate_series(1, 100000) i) AS given;
  INSERT INTO payout_events (organization_id, payout_id, id, change, kind, status, source, actor,
         occurred_at)
  SELECT organization_id, id, id, 'paid', 'payout.paid', 'paid', 'event', 'stripe', created FROM
         payouts;
  INSERT INTO instructions (organization_id, id, rail, account, amount, currency, attempt,
         idempotency_key, body, state,
         first_sent_at, last_sent_at, outcome_at, created, updated)
  SELECT organization_id, id, 'stripe_payout', account, 1000, 'usd', 1, id::text, 'x',
         CASE WHEN n > 29980 THEN 'unknown' ELSE 'done' END, created, created,
         CASE WHEN n <= 29980 THEN created END, created, created
    FROM (SELECT *, row_number() OVER (ORDER BY id) AS n FROM payouts WHERE account IS NOT NULL ORDER
         BY id LIMIT 30000) p;
  INSERT INTO instruction_payouts (organization_id, instruction_id, payout_id, amount)
  SELECT organization_id, id, id, amount FROM instructions;
  INSERT INTO balance_transactions (organization_id, account, stripe_id, amount, currency, net, fee,
         fee_details, type,
         reporting_category, source_id, available_on, created, status, balance_type, payout_id,
         shown_at, digest)
  SELECT pg_temp.org(i), pg_temp.acct(i), 'txn_' || i, 1000, CASE WHEN rare THEN 'chf' ELSE 'usd'
         END, 970, 30,
         '[{"type": "stripe_fee", "amount": 30}]',
         CASE WHEN rare THEN 'adjustment' WHEN i % 10 = 0 THEN 'refund' ELSE 'charge' END,
         CASE WHEN rare THEN 'other_adjustment' WHEN i % 10 = 0 THEN 'refund' ELSE 'charge' END,
         'ch_' || i,
         at + interval '2 days', at, CASE WHEN i > 149500 THEN 'pending' ELSE 'available' END,
         'payments',
         'po_' || i / 50, at, i
    FROM (SELECT i, i % 100 = 1 AND i < 8000 AS rare, timestamptz '2024-01-01Z' + i * interval
         '6 minutes' AS at
            FROM generate_series(1, 150000) i) AS given;
  INSERT INTO charges (organization_id, account, stripe_id, amount, amount_captured, amount_refunded,
         currency, status, paid,
         captured, refunded, disputed, balance_transaction_id, customer_id, created, stage, shown_at,
         rank, digest,
         source_transfer_id)
  SELECT pg_temp.org(i), pg_temp.acct(i), 'ch_' || i, 1000, 1000, 0, 'usd', 'succeeded', true, true,
         false, false,
         'txn_' || i, 'cus_' || i / 3, timestamptz '2024-01-01Z' + i * interval '12 minutes', 0,
         now(), 0, 0,
         CASE WHEN i % 1000 = 1 THEN 'tr_' || i END
    FROM generate_series(1, 75000) i;
  INSERT INTO payment_intents (organization_id, account, stripe_id, amount, amount_received,
         amount_capturable, currency,
         status, created, stage, shown_at, rank, digest)
  SELECT pg_temp.org(i), pg_temp.acct(i), 'pi_' || i, 1000, 1000, 0, 'usd', 'succeeded',
         timestamptz '2024-01-01Z' + i * interval '9 minutes', 0, now(), 0, 0 FROM generate_series(1,
         50000) i;
  INSERT INTO refunds (organization_id, account, stripe_id, amount, currency, charge_id,
         balance_transaction_id, created,
         stage, shown_at, rank, digest)
  SELECT pg_temp.org(i), pg_temp.acct(i), 're_' || i, 1000, 'usd', 'ch_' || i, 'txn_' || i * 10,
         timestamptz '2024-01-01Z' + i * interval '30 minutes', 0, now(), 0, 0 FROM
         generate_series(1, 30000) i;
  INSERT INTO disputes (organization_id, account, stripe_id, amount, currency, status, created,
         stage, shown_at, rank, digest)
  SELECT pg_temp.org(i), pg_temp.acct(i), 'du_' || i, 1000, 'usd', 'won',
         timestamptz '2024-01-01Z' + i * interval '90 minutes', 0, now(), 0, 0 FROM
         generate_series(1, 10000) i;
  INSERT INTO customers (organization_id, account, stripe_id, deleted, created, stage, shown_at,
         rank, digest)
  SELECT pg_temp.org(i), pg_temp.acct(i), 'cus_' || i, false, timestamptz '2024-01-01Z' + i *
         interval '18 minutes', 0,
         now(), 0, 0 FROM generate_series(1, 50000) i;
  INSERT INTO subscriptions (organization_id, account, stripe_id, customer_id, status, currency,
         annual_amount,
         collection_paused, cancel_at_period_end, start_date, ended_at, created, stage, shown_at,
         rank, digest)
  SELECT pg_temp.org(i), pg_temp.acct(i), 'sub_' || i, 'cus_' || i, CASE WHEN i % 3 = 0 THEN
         'canceled' ELSE 'active' END,
         'usd', 12000, false, false, at, CASE WHEN i % 3 = 0 THEN at + interval '90 days' END, at, 0,
         now(), 0, 0
    FROM (SELECT i, timestamptz '2024-01-01Z' + i * interval '30 minutes' AS at FROM
         generate_series(1, 30000) i) AS given;
  INSERT INTO transfers (organization_id, account, stripe_id, amount, amount_reversed, reversed,
         currency, created, stage,
         shown_at, rank, digest)
  SELECT pg_temp.org(i), pg_temp.acct(i), 'tr_' || i, 1000, 0, false, 'usd',
         timestamptz '2024-01-01Z' + i * interval '30 minutes', 0, now(), 0, 0 FROM
         generate_series(1, 30000) i;
  INSERT INTO application_fees (organization_id, account, stripe_id, amount, amount_refunded,
         refunded, currency, created,
         stage, shown_at, rank, digest)
  SELECT pg_temp.org(i), pg_temp.acct(i), 'fee_' || i, 1000, 0, false, 'usd',
         timestamptz '2024-01-01Z' + i * interval '30 minutes', 0, now(), 0, 0 FROM
         generate_series(1, 30000) i;
  INSERT INTO application_fee_refunds (organization_id, account, stripe_id, fee_id, amount, currency,
         created, stage,
         shown_at, rank, digest)
  SELECT pg_temp.org(i), pg_temp.acct(i), 'fr_' || i, 'fee_' || i, 1000, 'usd',
         timestamptz '2024-01-01Z' + i * interval '90 minutes', 0, now(), 0, 0 FROM
         generate_series(1, 10000) i;
  SELECT inbox_ensure_week((timestamptz '2026-01-05Z' + w * interval '7 days')::date) FROM
         generate_series(0, 5) w;
  INSERT INTO inbox (organization_id, event_id, created, account, type, livemode, object_id,
         disposition, body)
  SELECT pg_temp.org(i), 'evt_' || i, timestamptz '2026-01-05Z' + i * interval '59 seconds',
         pg_temp.acct(i),
         CASE WHEN i % 1000 = 1 THEN 'customer.deleted' ELSE 'charge.succeeded' END, true, 'ch_' || i,
         CASE WHEN i % 20 = 0 THEN 'unhandled' ELSE 'apply' END, '{"id": "evt", "pad": "' ||
         repeat('x', 200) || '"}'
    FROM generate_series(1, 60000) i;
  INSERT INTO inbox_queue SELECT organization_id, event_id, created FROM inbox
   WHERE created > '2026-01-12Z' AND created < '2026-01-26Z';
  INSERT INTO inbox_failures (organization_id, event_id, created, error)
  SELECT organization_id, event_id, created, 'broken' FROM inbox WHERE event_id LIKE 'evt_%99';
  INSERT INTO inbox_set_aside (organization_id, event_id, created, account, type, livemode, body)
  SELECT pg_temp.org(i), 'old_' || i, timestamptz '2025-01-01Z' + i * interval '1 minute',
         pg_temp.acct(i),
         'charge.succeeded', true, '{}' FROM generate_series(1, 5000) i;
  INSERT INTO jobs (id, organization_id, kind, priority, payload, state, run_at, max_attempts,
         died_at, lease, leased_by,
         leased_until)
  SELECT pg_temp.uid(i), pg_temp.org(i), 'job_' || i % 5, i % 4, '{}', state, now(), 5,
         CASE WHEN state = 'dead' THEN now() END, CASE WHEN state = 'running' THEN pg_temp.uid(i) END,
         CASE WHEN state = 'running' THEN 'me' END, CASE WHEN state = 'running' THEN now() END
    FROM (SELECT i, CASE WHEN i % 500 = 0 THEN 'running' WHEN i % 50 = 1 THEN 'dead' WHEN i % 2 = 0
         THEN 'scheduled'
                         ELSE 'ready' END AS state FROM generate_series(1, 20000) i) AS given;
  INSERT INTO schedules (id, organization_id, name, kind, spec, time_zone, job_kind, job_priority,
         job_payload, enabled,
         next_fire_at)
  SELECT pg_temp.uid(i), pg_temp.org(i), 'schedule_' || i, 'interval', '60', 'UTC', 'sync', 1, '{}',
         true, now()
    FROM generate_series(1, 50) i;
  INSERT INTO schedule_firings (schedule_id, fire_at)
  SELECT pg_temp.uid(1 + i % 50), timestamptz '2026-01-01Z' + i * interval '1 minute' FROM
         generate_series(1, 20000) i;
  INSERT INTO sync_streams (organization_id, account, stream, synced_to)
  SELECT pg_temp.org(a), pg_temp.acct(a), s, now() FROM unnest(ARRAY[1, 20, 2001]) a,
         unnest(ARRAY['balance_transactions', 'payouts', 'charges']) s;
  INSERT INTO sync_ranges SELECT pg_temp.org(1), 'acct_big', 'charges', i * 100, i * 100 - 50, ''
         FROM generate_series(1, 100) i;
  INSERT INTO sync_runs (organization_id, id, asked_by, status, queued_at)
  SELECT pg_temp.org(i), pg_temp.uid(i), 'schedule', 'succeeded', now() - i * interval '1 minute'
         FROM generate_series(1, 20000) i;
  INSERT INTO sync_run_streams (organization_id, run_id, account, stream, kind, status, finished_at)
  SELECT organization_id, id, 'acct_big', s, 'increment', 'succeeded', queued_at
    FROM sync_runs, unnest(ARRAY['payouts', 'charges', 'refunds']) s;
  INSERT INTO mirror_checks (organization_id, account, currency, state, expected, available, pending,
         found, rows, checked_at)
  SELECT pg_temp.org(1), 'acct_big', c, 'equal', 0, 0, 0, 0, 0, now() FROM unnest(ARRAY['usd',
         'chf']) c;
  INSERT INTO mirror_payout_checks
  SELECT organization_id, account, stripe_payout_id, 1, 0, 'usd', created, now() FROM payouts WHERE
         id < pg_temp.uid(1000)
     AND stripe_payout_id IS NOT NULL;
  RESET session_replication_role;
  SELECT rebuild_balance_rollups();
  ANALYZE;
)sql";

}  // namespace

void migrate_to(const Secret& url, int number) {
  std::vector<pg::Migration> until;
  for (const pg::Migration& one : pg::migrations()) {
    if (one.number <= number) until.push_back(one);
  }
  const auto migrated = pg::migrate({.url = url, .migrations = &until});
  if (!migrated) throw std::runtime_error(migrated.error().message);
}

void fill(const Secret& url) { support::Explainer(url).column(kFill); }

}  // namespace payoutd
