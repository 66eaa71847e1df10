-- in steps: deliveries go on while the weeks of the inbox are indexed.
--
-- The event log shows the newest events of all organizations. Events come in about the order of their
-- `created`, so that writers touch the end of this index only.

-- step: weeks to come have it from their parent
CREATE INDEX IF NOT EXISTS inbox_newest ON ONLY inbox (created DESC, event_id DESC)
-- step of each week
SELECT format('CREATE INDEX CONCURRENTLY IF NOT EXISTS %I ON %I (created DESC, event_id DESC)',
              c.relname || '_newest', c.relname)
  FROM pg_inherits h JOIN pg_class c ON c.oid = h.inhrelid
 WHERE h.inhparent = 'inbox'::regclass
   AND NOT EXISTS (SELECT FROM pg_index i JOIN pg_inherits of ON of.inhrelid = i.indexrelid
                    WHERE i.indrelid = c.oid AND of.inhparent = 'inbox_newest'::regclass)
 ORDER BY c.relname
-- step of each week
SELECT format('ALTER INDEX inbox_newest ATTACH PARTITION %I', c.relname || '_newest')
  FROM pg_inherits h JOIN pg_class c ON c.oid = h.inhrelid
 WHERE h.inhparent = 'inbox'::regclass
   AND NOT EXISTS (SELECT FROM pg_index i JOIN pg_inherits of ON of.inhrelid = i.indexrelid
                    WHERE i.indrelid = c.oid AND of.inhparent = 'inbox_newest'::regclass)
 ORDER BY c.relname
