-- in steps: payouts and balance transactions stay writable while their indexes are built.
--
-- For the filters of lists that no index served: a value that few rows have made a list walk all of
-- its organization's. The value that most rows have is left out where it is known; the newest rows
-- are found as fast without an index of its own, and writing them costs nothing more.

-- step
CREATE INDEX CONCURRENTLY IF NOT EXISTS payouts_of_rail
  ON payouts (organization_id, rail, created DESC, id DESC) WHERE rail <> 'stripe_payout'
-- step
CREATE INDEX CONCURRENTLY IF NOT EXISTS payouts_of_type
  ON payouts (organization_id, type, created DESC, id DESC) WHERE type <> 'bank_account'
-- step
CREATE INDEX CONCURRENTLY IF NOT EXISTS payouts_of_priority
  ON payouts (organization_id, priority, created DESC, id DESC) WHERE priority IS NOT NULL
-- step
CREATE INDEX CONCURRENTLY IF NOT EXISTS payouts_of_module
  ON payouts (organization_id, origin_module, created DESC, id DESC) WHERE origin_module IS NOT NULL
-- step
CREATE INDEX CONCURRENTLY IF NOT EXISTS payouts_of_origin_entity
  ON payouts (organization_id, origin_entity_id, created DESC, id DESC)
  WHERE origin_entity_id IS NOT NULL
-- step
CREATE INDEX CONCURRENTLY IF NOT EXISTS balance_transactions_of_currency
  ON balance_transactions (organization_id, currency, created DESC, stripe_id DESC, account DESC)
-- step
CREATE INDEX CONCURRENTLY IF NOT EXISTS balance_transactions_of_category
  ON balance_transactions (organization_id, reporting_category, created DESC, stripe_id DESC,
                           account DESC)
  WHERE reporting_category <> 'charge'
-- step: the last instruction of an account that has few
CREATE INDEX CONCURRENTLY IF NOT EXISTS instructions_of_account
  ON instructions (organization_id, account, id) WHERE rail = 'stripe_payout'
-- step: what Stripe adds to for some days after a payout arrived
CREATE INDEX CONCURRENTLY IF NOT EXISTS payouts_awaiting_details
  ON payouts (organization_id, account, arrival_date)
  WHERE trace_id_status = 'pending' OR (automatic AND reconciliation_status = 'in_progress')
