-- Rollups are made anew beside their writers. Rows and rollups change in one transaction, so that in
-- one snapshot they differ only by what is wrong: that difference is added, and no table is locked.

DO $make$
DECLARE
  sums  constant text[] := ARRAY['rows', 'amount', 'fee', 'net', 'fee_application', 'fee_passthrough',
                                 'fee_tax', 'fee_withheld_tax', 'fee_other', 'of_stripe',
                                 'of_application', 'of_passthrough', 'of_tax', 'of_withheld_tax',
                                 'of_other'];
  names constant text := array_to_string(sums, ', ');
  taken_out constant text := (SELECT string_agg('-' || s, ', ') FROM unnest(sums) AS s);
  added constant text := (SELECT string_agg(format('sum(%1$s) AS %1$s', s), ', ') FROM unnest(sums) AS s);
  differ constant text := (SELECT string_agg(format('sum(%s) <> 0', s), ' OR ') FROM unnest(sums) AS s);
  put_in constant text :=
    (SELECT string_agg(format('%1$s = r.%1$s + excluded.%1$s', s), ', ') FROM unnest(sums) AS s);
BEGIN
  EXECUTE format($def$
    -- Days are of UTC, the last one exclusive. How many sums were wrong.
    CREATE FUNCTION rebuild_balance_rollups(organization uuid, of_account text,
                                            first_day date DEFAULT '-infinity',
                                            last_day date DEFAULT 'infinity')
    RETURNS bigint LANGUAGE plpgsql AS $body$
    DECLARE
      taken smallint;
      wrong bigint;
      since constant timestamptz := first_day::timestamp AT TIME ZONE 'UTC';
      until constant timestamptz := last_day::timestamp AT TIME ZONE 'UTC';
    BEGIN
      IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'rollups are rebuilt in a transaction that is read committed'
          USING ERRCODE = 'active_sql_transaction';
      END IF;
      -- One rebuild at a time: two would add the same difference.
      PERFORM pg_advisory_xact_lock(7007, 1000);
      taken := take_rollup_part();
      WITH moved AS (  -- as the triggers add rows up
        SELECT t.currency, date_bin('15 minutes', t.created, timestamptz 'epoch') AS bucket, t.type,
               t.reporting_category, 1 AS rows, t.amount, t.fee, t.net, fees.*,
               fees.stripe + (t.fee <> 0 AND t.fee_details -> 1 IS NULL
                 AND (t.fee_details -> 0 ->> 'type' = 'stripe_fee') IS NOT FALSE)::int AS of_stripe
          FROM balance_transactions t
         CROSS JOIN LATERAL (
               SELECT coalesce(sum(amount) FILTER (WHERE kind = 'application_fee'), 0)
                        AS fee_application,
                      coalesce(sum(amount) FILTER (WHERE kind = 'payment_method_passthrough_fee'), 0)
                        AS fee_passthrough,
                      coalesce(sum(amount) FILTER (WHERE kind = 'tax'), 0) AS fee_tax,
                      coalesce(sum(amount) FILTER (WHERE kind = 'withheld_tax'), 0)
                        AS fee_withheld_tax,
                      coalesce(sum(amount) FILTER (WHERE kind = 'other'), 0) AS fee_other,
                      count(*) FILTER (WHERE kind = 'stripe_fee') AS stripe,
                      count(*) FILTER (WHERE kind = 'application_fee') AS of_application,
                      count(*) FILTER (WHERE kind = 'payment_method_passthrough_fee')
                        AS of_passthrough,
                      count(*) FILTER (WHERE kind = 'tax') AS of_tax,
                      count(*) FILTER (WHERE kind = 'withheld_tax') AS of_withheld_tax,
                      count(*) FILTER (WHERE kind = 'other') AS of_other
                 FROM (SELECT CASE WHEN d.type IN ('stripe_fee', 'application_fee', 'tax',
                                                   'withheld_tax', 'payment_method_passthrough_fee')
                                   THEN d.type ELSE 'other' END AS kind, d.amount
                         FROM jsonb_to_recordset(
                                CASE WHEN jsonb_typeof(t.fee_details) = 'array'
                                      AND (t.fee_details -> 1 IS NOT NULL
                                           OR t.fee_details -> 0 ->> 'type' <> 'stripe_fee')
                                     THEN t.fee_details ELSE '[]' END)
                              AS d(type text, amount bigint)
                        WHERE d.amount <> 0) AS detail) AS fees
         WHERE t.organization_id = organization AND t.account = of_account
           AND t.balance_type = 'payments' AND t.created >= since AND t.created < until),
      both_ways AS (
        SELECT currency, false AS whole_day, bucket, type, reporting_category, %1$s FROM moved
        UNION ALL
        SELECT currency, true, date_bin('1 day', bucket, timestamptz 'epoch'), type,
               reporting_category, %1$s
          FROM moved
        UNION ALL
        SELECT currency, whole_day, bucket, type, reporting_category, %2$s
          FROM balance_rollups
         WHERE organization_id = organization AND account = of_account
           AND bucket >= since AND bucket < until)
      INSERT INTO balance_rollups AS r (organization_id, account, currency, whole_day, bucket, type,
             reporting_category, part, %1$s)
      SELECT organization, of_account, currency, whole_day, bucket, type, reporting_category, taken, %3$s
        FROM both_ways
       GROUP BY currency, whole_day, bucket, type, reporting_category
      HAVING %4$s
          ON CONFLICT (organization_id, account, currency, whole_day, bucket, type,
                       reporting_category, part)
          DO UPDATE SET %5$s;
      GET DIAGNOSTICS wrong = ROW_COUNT;
      RETURN wrong;
    END $body$ $def$, names, taken_out, added, differ, put_in);
END $make$;

-- All accounts, one after another, in one transaction.
CREATE OR REPLACE FUNCTION rebuild_balance_rollups() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM rebuild_balance_rollups(organization_id, account)
     FROM (SELECT organization_id, account FROM balance_transactions
           UNION SELECT organization_id, account FROM balance_rollups
           ORDER BY organization_id, account) AS one;
END $$;
