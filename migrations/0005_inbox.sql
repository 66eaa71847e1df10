-- The inbox: every event that Stripe delivered, its exact body as text, kept for some weeks. Pending
-- work is a narrow row of its own, deleted when the event is applied: marking the wide row instead
-- would write it to the log a second time.

CREATE TABLE inbox (
  organization_id uuid NOT NULL,
  event_id        text COLLATE "C" NOT NULL,
  created         timestamptz NOT NULL,   -- the event's own, which Stripe sets
  account         text COLLATE "C" NOT NULL,
  type            text COLLATE "C" NOT NULL,
  livemode        boolean NOT NULL,
  api_version     text,
  object_id       text COLLATE "C",       -- of data.object, where it has one
  -- Why it is in the queue, or is not.
  disposition     text NOT NULL CHECK (disposition IN
                    ('apply', 'unhandled', 'unknown_account', 'other_mode')),
  received_at     timestamptz NOT NULL DEFAULT now(),
  body            text NOT NULL,
  PRIMARY KEY (organization_id, event_id, created)
) PARTITION BY RANGE (created);
CREATE INDEX inbox_by_object ON inbox (organization_id, object_id, created);

-- Partitions hold one week, from Monday 00:00 UTC. The service makes them as time goes on.
CREATE FUNCTION inbox_ensure_week(day date) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  monday date := date_trunc('week', day)::date;
  name   text := 'inbox_' || to_char(monday, 'YYYYMMDD');
BEGIN
  IF to_regclass(name) IS NOT NULL THEN RETURN; END IF;
  -- Another session may make it meanwhile; this one's caches don't hear of that.
  PERFORM pg_advisory_xact_lock(hashtext('inbox_ensure_week'));
  EXECUTE format(
    'CREATE TABLE IF NOT EXISTS %I PARTITION OF inbox FOR VALUES FROM (%L) TO (%L) WITH (toast_tuple_target = 8160)',
    name, monday::timestamp AT TIME ZONE 'UTC', (monday + 7)::timestamp AT TIME ZONE 'UTC');
END $$;

CREATE TABLE inbox_queue (
  organization_id uuid NOT NULL,
  event_id        text COLLATE "C" NOT NULL,
  created         timestamptz NOT NULL,
  queued_at       timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (organization_id, event_id, created)
);
CREATE INDEX inbox_queue_oldest ON inbox_queue (queued_at);

-- Events that could not be applied: set aside with the reason, so that they block no other.
CREATE TABLE inbox_failures (
  organization_id uuid NOT NULL,
  event_id        text COLLATE "C" NOT NULL,
  created         timestamptz NOT NULL,
  failed_at       timestamptz NOT NULL DEFAULT now(),
  error           text NOT NULL,
  PRIMARY KEY (organization_id, event_id, created)
);

-- Events whose `created` lies outside what the inbox keeps. Stored once, never applied by themselves.
CREATE TABLE inbox_set_aside (
  organization_id uuid NOT NULL,
  event_id        text COLLATE "C" NOT NULL,
  created         timestamptz NOT NULL,
  account         text COLLATE "C" NOT NULL,
  type            text COLLATE "C" NOT NULL,
  livemode        boolean NOT NULL,
  received_at     timestamptz NOT NULL DEFAULT now(),
  body            text NOT NULL,
  PRIMARY KEY (organization_id, event_id, created)
);
