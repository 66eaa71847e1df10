-- The inbox's weeks, made and left behind without anybody who stores an event waiting for it.

-- A week is made as a table of its own and then attached, which takes no lock that a delivery or a
-- dump waits for; PARTITION OF would.
CREATE OR REPLACE FUNCTION inbox_ensure_week(day date) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  monday date := date_trunc('week', day)::date;
  name   text := 'inbox_' || to_char(monday, 'YYYYMMDD');
BEGIN
  IF to_regclass(name) IS NOT NULL THEN RETURN; END IF;
  -- The lock that attaching takes, once at a time. Another session may have made the week meanwhile.
  LOCK TABLE ONLY inbox IN SHARE UPDATE EXCLUSIVE MODE;
  IF to_regclass(name) IS NOT NULL THEN RETURN; END IF;
  EXECUTE format('CREATE TABLE %I (LIKE inbox INCLUDING ALL) WITH (toast_tuple_target = 8160)', name);
  EXECUTE format('ALTER TABLE inbox ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', name,
                 monday::timestamp AT TIME ZONE 'UTC', (monday + 7)::timestamp AT TIME ZONE 'UTC');
END $$;

-- An event that lies outside every week and was applied by a person.
ALTER TABLE inbox_set_aside ADD COLUMN applied_at timestamptz;
