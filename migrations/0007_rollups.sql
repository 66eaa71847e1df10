-- What moved each account's payments balance, summed by quarter of an hour and by day (UTC), so that a
-- report over a month reads some thousand rows however many transactions there were. Every time zone in
-- use begins its days on a quarter of an hour; reports read days where they lie whole in a period,
-- quarters at its ends, and the rows themselves where a bound cuts a quarter.
--
-- Kept by triggers on balance_transactions: whoever changes rows, these stay their sums. Rows of other
-- balance types (issuing, reserves) are in no report and in no sum here.
--
-- A sum is spread over parts, and a transaction adds to a part that no other is adding to: parallel
-- writers never wait for each other here, nor deadlock. Alone, a writer always gets part 0. One part by
-- itself may be negative; only sums over parts mean anything.

CREATE TABLE balance_rollups (
  organization_id    uuid NOT NULL,
  account            text COLLATE "C" NOT NULL,
  currency           text COLLATE "C" NOT NULL,
  whole_day          boolean NOT NULL,          -- a day; else a quarter of an hour
  bucket             timestamptz NOT NULL,      -- its begin
  type               text COLLATE "C" NOT NULL,
  reporting_category text COLLATE "C" NOT NULL,
  part               smallint NOT NULL,
  rows               bigint NOT NULL,
  amount             bigint NOT NULL,
  fee                bigint NOT NULL,
  net                bigint NOT NULL,
  -- Of `fee`, by the type in fee_details; what is left is Stripe's own. And how many of each there were.
  fee_application    bigint NOT NULL,
  fee_passthrough    bigint NOT NULL,
  fee_tax            bigint NOT NULL,
  fee_withheld_tax   bigint NOT NULL,
  fee_other          bigint NOT NULL,
  of_stripe          integer NOT NULL,
  of_application     integer NOT NULL,
  of_passthrough     integer NOT NULL,
  of_tax             integer NOT NULL,
  of_withheld_tax    integer NOT NULL,
  of_other           integer NOT NULL,
  PRIMARY KEY (organization_id, account, currency, whole_day, bucket, type, reporting_category, part)
) WITH (fillfactor = 80);

-- A part that is this transaction's until it ends. When all are taken it waits for one.
CREATE FUNCTION take_rollup_part() RETURNS smallint LANGUAGE plpgsql AS $$
DECLARE
  kind  constant integer := 7007;
  parts constant integer := 32;
  taken integer;
BEGIN
  FOR taken IN 0 .. parts - 1 LOOP
    IF pg_try_advisory_xact_lock(kind, taken) THEN RETURN taken; END IF;
  END LOOP;
  taken := pg_backend_pid() % parts;
  PERFORM pg_advisory_xact_lock(kind, taken);
  RETURN taken;
END $$;

-- One text for the three ways to add rows up: inserted or deleted ones, changed ones (the old taken
-- out, the new put in; nothing is written where the sums stay), and all there are.
DO $make$
DECLARE
  roll_up constant text := $sql$
  WITH moved AS MATERIALIZED (
    SELECT organization_id, account, currency,
           date_bin('15 minutes', created, timestamptz 'epoch') AS bucket, type, reporting_category,
           sum(rows) AS rows, sum(amount) AS amount, sum(fee) AS fee, sum(net) AS net,
           coalesce(sum(detail) FILTER (WHERE kind = 'application_fee'), 0) AS fee_application,
           coalesce(sum(detail) FILTER (WHERE kind = 'payment_method_passthrough_fee'), 0)
             AS fee_passthrough,
           coalesce(sum(detail) FILTER (WHERE kind = 'tax'), 0) AS fee_tax,
           coalesce(sum(detail) FILTER (WHERE kind = 'withheld_tax'), 0) AS fee_withheld_tax,
           coalesce(sum(detail) FILTER (WHERE kind = 'other'), 0) AS fee_other,
           coalesce(sum(sign) FILTER (WHERE kind = 'stripe_fee'), 0) AS of_stripe,
           coalesce(sum(sign) FILTER (WHERE kind = 'application_fee'), 0) AS of_application,
           coalesce(sum(sign) FILTER (WHERE kind = 'payment_method_passthrough_fee'), 0)
             AS of_passthrough,
           coalesce(sum(sign) FILTER (WHERE kind = 'tax'), 0) AS of_tax,
           coalesce(sum(sign) FILTER (WHERE kind = 'withheld_tax'), 0) AS of_withheld_tax,
           coalesce(sum(sign) FILTER (WHERE kind = 'other'), 0) AS of_other
      FROM (-- Most rows have Stripe's own fee or none: their details need not be looked into.
            SELECT organization_id, account, currency, created, type, reporting_category, sign,
                   sign AS rows, sign * amount AS amount, sign * fee AS fee, sign * net AS net,
                   CASE WHEN fee <> 0 AND fee_details -> 1 IS NULL
                         AND (fee_details -> 0 ->> 'type' = 'stripe_fee') IS NOT FALSE
                        THEN 'stripe_fee' END AS kind,
                   0::bigint AS detail
              FROM (%1$s) AS t
             WHERE balance_type = 'payments'
            UNION ALL
            SELECT t.organization_id, t.account, t.currency, t.created, t.type, t.reporting_category,
                   sign, 0, 0, 0, 0,
                   CASE WHEN d.type IN ('stripe_fee', 'application_fee', 'tax', 'withheld_tax',
                                        'payment_method_passthrough_fee') THEN d.type
                        ELSE 'other' END,
                   sign * d.amount
              FROM (%1$s) AS t
             CROSS JOIN LATERAL jsonb_to_recordset(t.fee_details) AS d(type text, amount bigint)
             WHERE t.balance_type = 'payments' AND jsonb_typeof(t.fee_details) = 'array'
               AND (t.fee_details -> 1 IS NOT NULL OR t.fee_details -> 0 ->> 'type' <> 'stripe_fee')
               AND d.amount <> 0
           ) AS move
     GROUP BY 1, 2, 3, 4, 5, 6),
  summed AS (
    SELECT organization_id, account, currency, false AS whole_day, bucket, type, reporting_category,
           rows, amount, fee, net, fee_application, fee_passthrough, fee_tax, fee_withheld_tax,
           fee_other, of_stripe, of_application, of_passthrough, of_tax, of_withheld_tax, of_other
      FROM moved
    UNION ALL
    SELECT organization_id, account, currency, true,
           date_bin('1 day', bucket, timestamptz 'epoch'), type, reporting_category,
           sum(rows), sum(amount), sum(fee), sum(net), sum(fee_application), sum(fee_passthrough),
           sum(fee_tax), sum(fee_withheld_tax), sum(fee_other), sum(of_stripe), sum(of_application),
           sum(of_passthrough), sum(of_tax), sum(of_withheld_tax), sum(of_other)
      FROM moved GROUP BY 1, 2, 3, 5, 6, 7)
  INSERT INTO balance_rollups AS r (organization_id, account, currency, whole_day, bucket, type,
         reporting_category, part, rows, amount, fee, net, fee_application, fee_passthrough, fee_tax,
         fee_withheld_tax, fee_other, of_stripe, of_application, of_passthrough, of_tax,
         of_withheld_tax, of_other)
  SELECT organization_id, account, currency, whole_day, bucket, type, reporting_category, taken, rows,
         amount, fee, net, fee_application, fee_passthrough, fee_tax, fee_withheld_tax, fee_other,
         of_stripe, of_application, of_passthrough, of_tax, of_withheld_tax, of_other
    FROM summed
   WHERE (rows, amount, fee, net, fee_application, fee_passthrough, fee_tax, fee_withheld_tax, fee_other,
          of_stripe, of_application, of_passthrough, of_tax, of_withheld_tax, of_other)
         <> (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
      ON CONFLICT (organization_id, account, currency, whole_day, bucket, type, reporting_category, part)
      DO UPDATE SET rows = r.rows + excluded.rows, amount = r.amount + excluded.amount,
         fee = r.fee + excluded.fee, net = r.net + excluded.net,
         fee_application = r.fee_application + excluded.fee_application,
         fee_passthrough = r.fee_passthrough + excluded.fee_passthrough,
         fee_tax = r.fee_tax + excluded.fee_tax,
         fee_withheld_tax = r.fee_withheld_tax + excluded.fee_withheld_tax,
         fee_other = r.fee_other + excluded.fee_other,
         of_stripe = r.of_stripe + excluded.of_stripe,
         of_application = r.of_application + excluded.of_application,
         of_passthrough = r.of_passthrough + excluded.of_passthrough,
         of_tax = r.of_tax + excluded.of_tax,
         of_withheld_tax = r.of_withheld_tax + excluded.of_withheld_tax,
         of_other = r.of_other + excluded.of_other;
  $sql$;
  added constant text :=
    'SELECT CASE TG_OP WHEN ''DELETE'' THEN -1 ELSE 1 END AS sign, c.* FROM changed AS c';
  changed constant text :=
    'SELECT -1 AS sign, o.* FROM replaced AS o UNION ALL SELECT 1, c.* FROM changed AS c';
  stored constant text := 'SELECT 1 AS sign, b.* FROM balance_transactions AS b';
BEGIN
  EXECUTE format($def$
    CREATE FUNCTION roll_up_added() RETURNS trigger LANGUAGE plpgsql AS $body$
    DECLARE
      taken smallint;
    BEGIN
      IF NOT EXISTS (SELECT FROM changed) THEN RETURN NULL; END IF;
      taken := take_rollup_part();
      %s
      RETURN NULL;
    END $body$ $def$, format(roll_up, added));
  EXECUTE format($def$
    CREATE FUNCTION roll_up_changed() RETURNS trigger LANGUAGE plpgsql AS $body$
    DECLARE
      taken smallint;
    BEGIN
      IF NOT EXISTS (SELECT FROM changed) THEN RETURN NULL; END IF;
      taken := take_rollup_part();
      %s
      RETURN NULL;
    END $body$ $def$, format(roll_up, changed));
  -- For an operator who doubts them: makes them anew. Writers wait until it commits.
  EXECUTE format($def$
    CREATE FUNCTION rebuild_balance_rollups() RETURNS void LANGUAGE plpgsql AS $body$
    DECLARE
      taken constant smallint := 0;
    BEGIN
      LOCK TABLE balance_transactions IN SHARE ROW EXCLUSIVE MODE;
      DELETE FROM balance_rollups;
      %s
    END $body$ $def$, format(roll_up, stored));
END $make$;

CREATE FUNCTION empty_rollups() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  TRUNCATE balance_rollups;
  RETURN NULL;
END $$;

CREATE TRIGGER balance_transactions_inserted AFTER INSERT ON balance_transactions
  REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION roll_up_added();
CREATE TRIGGER balance_transactions_deleted AFTER DELETE ON balance_transactions
  REFERENCING OLD TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION roll_up_added();
CREATE TRIGGER balance_transactions_updated AFTER UPDATE ON balance_transactions
  REFERENCING OLD TABLE AS replaced NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION roll_up_changed();
CREATE TRIGGER balance_transactions_emptied AFTER TRUNCATE ON balance_transactions
  FOR EACH STATEMENT EXECUTE FUNCTION empty_rollups();

SELECT rebuild_balance_rollups();

-- Payments that are the far end of a transfer, and their refunds: a sum over all accounts would count
-- them beside the platform's charge.
CREATE INDEX charges_of_transfers ON charges (organization_id, account, created)
  WHERE source_transfer_id IS NOT NULL;
CREATE INDEX refunds_of_transfers ON refunds (organization_id, account, created)
  WHERE source_transfer_reversal_id IS NOT NULL;
-- What Stripe took for instant payouts, among its other fees.
CREATE INDEX balance_transactions_payout_fees ON balance_transactions (organization_id, account, created)
  WHERE type = 'stripe_fee' AND (starts_with(source_id, 'po_') OR description ILIKE 'instant payout%');
-- Subscriptions that run, and those that ended lately.
CREATE INDEX subscriptions_running ON subscriptions (organization_id, account)
  WHERE ended_at IS NULL;
CREATE INDEX subscriptions_ended ON subscriptions (organization_id, account, ended_at)
  WHERE ended_at IS NOT NULL;
