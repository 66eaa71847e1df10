-- in steps: payout_events may be many, and stay writable
--
-- Each event of a payout gets its number in the order of writing, 1 for the first, and the status
-- that the payout had before. Of events that were there before, that status is not known.

-- step
ALTER TABLE payout_events ADD COLUMN IF NOT EXISTS sequence bigint,
                          ADD COLUMN IF NOT EXISTS from_status text COLLATE "C"

-- step: events that are not numbered yet are older than all that are: they get 1 to their count
CREATE OR REPLACE FUNCTION next_payout_event(organization uuid, payout uuid) RETURNS bigint
LANGUAGE sql STABLE AS $$
  SELECT coalesce((SELECT e.sequence FROM payout_events AS e
                    WHERE e.organization_id = organization AND e.payout_id = payout
                      AND e.sequence IS NOT NULL
                    ORDER BY e.sequence DESC LIMIT 1),
                  (SELECT count(*) FROM payout_events AS e
                    WHERE e.organization_id = organization AND e.payout_id = payout)) + 1
$$

-- step: the program numbers under the payout's row lock; an instance of an older version that runs
-- beside it does not number
CREATE OR REPLACE FUNCTION number_payout_event() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM payouts WHERE organization_id = NEW.organization_id AND id = NEW.payout_id
     FOR UPDATE;
  NEW.sequence := next_payout_event(NEW.organization_id, NEW.payout_id);
  RETURN NEW;
END $$

-- step
CREATE OR REPLACE TRIGGER payout_events_numbered BEFORE INSERT ON payout_events
  FOR EACH ROW WHEN (NEW.sequence IS NULL) EXECUTE FUNCTION number_payout_event()

-- step
CREATE OR REPLACE FUNCTION refuse_change_of_payout_event() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND OLD.sequence IS NULL AND NEW.sequence IS NOT NULL
     AND to_jsonb(NEW) - 'sequence' = to_jsonb(OLD) - 'sequence' THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION '% is only ever appended to', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$

-- step
CREATE OR REPLACE TRIGGER payout_events_append_only BEFORE UPDATE OR DELETE ON payout_events
  FOR EACH ROW EXECUTE FUNCTION refuse_change_of_payout_event()

-- step: those that were there before
DO $$
DECLARE
  last_organization uuid := '00000000-0000-0000-0000-000000000000';
  last_payout uuid := '00000000-0000-0000-0000-000000000000';
  organizations uuid[];
  payouts uuid[];
BEGIN
  LOOP
    SELECT array_agg(organization_id ORDER BY organization_id, id),
           array_agg(id ORDER BY organization_id, id)
      INTO organizations, payouts
      FROM (SELECT organization_id, id FROM payouts AS p
             WHERE (organization_id, id) > (last_organization, last_payout)
             ORDER BY organization_id, id LIMIT 1000) AS batch;
    EXIT WHEN payouts IS NULL;

    UPDATE payout_events AS event SET sequence = numbered.place
      FROM (SELECT e.organization_id, e.payout_id, e.id,
                   row_number() OVER (PARTITION BY e.organization_id, e.payout_id
                                      ORDER BY e.recorded_at, e.id) AS place
              FROM unnest(organizations, payouts) AS given(organization_id, payout_id)
              JOIN payout_events AS e USING (organization_id, payout_id)
             WHERE e.sequence IS NULL) AS numbered
     WHERE event.organization_id = numbered.organization_id
       AND event.payout_id = numbered.payout_id AND event.id = numbered.id;
    last_organization := organizations[cardinality(organizations)];
    last_payout := payouts[cardinality(payouts)];
    COMMIT;
  END LOOP;
END $$

-- step: one number once, and the newest found at once
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS payout_events_in_sequence
  ON payout_events (organization_id, payout_id, sequence)
