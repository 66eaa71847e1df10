-- in steps: a subscription shows its first items only, a fee its newest refunds. Rows whose newest
-- version was cut so are marked until the object was read with the whole list.

-- step: whether the version that a row shows was cut
ALTER TABLE subscriptions ADD COLUMN IF NOT EXISTS cut boolean NOT NULL DEFAULT false;
-- step
ALTER TABLE application_fees ADD COLUMN IF NOT EXISTS cut boolean NOT NULL DEFAULT false;
-- step
CREATE INDEX CONCURRENTLY IF NOT EXISTS subscriptions_cut
  ON subscriptions (organization_id, account, stripe_id) WHERE cut;
-- step
CREATE INDEX CONCURRENTLY IF NOT EXISTS application_fees_cut
  ON application_fees (organization_id, account, stripe_id) WHERE cut;
-- step: subscriptions that show ten items may have more: a run asks for them once
DO $$
DECLARE
  n bigint;
BEGIN
  LOOP
    UPDATE subscriptions SET cut = true
     WHERE (organization_id, account, stripe_id) IN (
       SELECT organization_id, account, stripe_id FROM subscriptions
        WHERE NOT cut AND jsonb_array_length(items) = 10
        ORDER BY organization_id, account, stripe_id LIMIT 1000);
    GET DIAGNOSTICS n = ROW_COUNT;
    EXIT WHEN n = 0;
    COMMIT;
  END LOOP;
END $$
