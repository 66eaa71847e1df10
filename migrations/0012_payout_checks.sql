-- in steps: which payouts were checked against their transactions, so that a run reads the members of
-- those alone whose list came since.

-- step: `whole_at`, when all were checked last; `checked_to`, up to which listing of members
CREATE TABLE IF NOT EXISTS mirror_payout_check_marks (
  organization_id uuid NOT NULL,
  account         text COLLATE "C" NOT NULL,
  whole_at        timestamptz NOT NULL,
  checked_to      timestamptz NOT NULL,
  PRIMARY KEY (organization_id, account)
);
-- step
CREATE INDEX CONCURRENTLY IF NOT EXISTS payouts_members_checked
  ON payouts (organization_id, account, members_checked_at) WHERE members_checked_at IS NOT NULL;
