-- in steps: the inbox may be large
-- Events of accounts that nobody knows here wait in a narrow row of their own, as inbox_queue's do:
-- the inbox can't be searched for them, and they are applied once their account is known.

-- step: who waits, by account ('' for the platform's own, before its account is known)
CREATE TABLE IF NOT EXISTS inbox_unknown (
  organization_id uuid NOT NULL,   -- the platform, which keeps them
  account         text COLLATE "C" NOT NULL,
  event_id        text COLLATE "C" NOT NULL,
  created         timestamptz NOT NULL,
  PRIMARY KEY (organization_id, account, event_id, created)
)

-- step: what Stripe said of an account that it does not show; global, found by the account alone
CREATE TABLE IF NOT EXISTS refused_accounts (
  account      text COLLATE "C" PRIMARY KEY,
  times        integer NOT NULL DEFAULT 1,
  error        text NOT NULL,
  ask_again_at timestamptz NOT NULL   -- business clock
)

-- step: the events that were stored before, a week at a time
DO $$
DECLARE
  week text;
BEGIN
  FOR week IN SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'inbox'::regclass
  LOOP
    EXECUTE format(
      'INSERT INTO inbox_unknown (organization_id, account, event_id, created)
       SELECT organization_id, account, event_id, created FROM %s
        WHERE disposition = ''unknown_account'' ON CONFLICT DO NOTHING', week);
    COMMIT;
  END LOOP;
END $$
