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
