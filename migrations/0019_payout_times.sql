-- paid_at, failed_at and canceled_at say when it happened: the second of Stripe's payout.paid,
-- payout.failed or payout.canceled, or null. When Stripe first showed the status is kept apart: of
-- two statuses in which a payout ends the one seen first stands.
ALTER TABLE payouts
  ADD COLUMN paid_seen_at timestamptz,
  ADD COLUMN failed_seen_at timestamptz,
  ADD COLUMN canceled_seen_at timestamptz;

COMMENT ON COLUMN payout_events.occurred_at IS
  'When it happened; of source list and fetch, when Stripe was asked and showed it.';
