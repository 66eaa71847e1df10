-- in steps: the queue of the inbox may be long, and deliveries go on meanwhile.
--
-- The queue is taken in the order of the transactions that queued, which is what lets a worker know
-- where it begins: what every transaction before some number queued and committed is gone, and those
-- still open can be counted. Rows that were queued before have the number 0.

-- step: both at once, so that nothing is queued with the number 0 by a transaction that is still open
DO $$ BEGIN
  ALTER TABLE inbox_queue ADD COLUMN IF NOT EXISTS queued_xid xid8 NOT NULL DEFAULT '0';
  ALTER TABLE inbox_queue ALTER COLUMN queued_xid SET DEFAULT pg_current_xact_id();
END $$;

-- step: of the same transaction in the order of their ids, so that a worker's place may lie inside it
CREATE INDEX CONCURRENTLY IF NOT EXISTS inbox_queue_in_order
  ON inbox_queue (queued_xid, event_id);

-- step: events that the database was too busy for, to be tried again at a time; beside the queue,
-- so that they never stand at its head
CREATE TABLE IF NOT EXISTS inbox_delayed (
  organization_id uuid NOT NULL,
  event_id        text COLLATE "C" NOT NULL,
  created         timestamptz NOT NULL,
  queued_at       timestamptz NOT NULL DEFAULT now(),
  retry_at        timestamptz NOT NULL,
  PRIMARY KEY (organization_id, event_id, created)
);

-- step
CREATE INDEX IF NOT EXISTS inbox_delayed_due ON inbox_delayed (retry_at);

-- step: nothing reads by it, and while a week is empty the planner takes it for as good as the key,
-- which makes every event's body a search through the whole week once that has filled
DROP INDEX IF EXISTS inbox_by_object;
