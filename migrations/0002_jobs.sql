-- Work to be done, and when it repeats.
--
-- jobs is found before the tenant is known, so it is a global table without references: it stays
-- whole when the tenant tables are distributed, and a job outlives nothing it speaks of.
--
-- A job waits as `scheduled` until its run_at, then as `ready`; it is `running` under a lease, and
-- deleted when done. What can't be done stays as `dead` until a person decides.
--
-- run_at is on the business clock, which can be moved in development. All else here, leases first,
-- is on the database's own clock.

CREATE TABLE jobs (
  id              uuid PRIMARY KEY,
  organization_id uuid,              -- none: work for the whole installation
  -- Whose turn it is. Row comparisons skip over NULL, so nobody has a name here.
  tenant          uuid NOT NULL GENERATED ALWAYS AS
                  (coalesce(organization_id, '00000000-0000-0000-0000-000000000000')) STORED,
  kind            text COLLATE "C" NOT NULL CHECK (length(kind) BETWEEN 1 AND 100),
  priority        smallint NOT NULL CHECK (priority BETWEEN 0 AND 3),
  unique_key      text COLLATE "C" CHECK (length(unique_key) BETWEEN 1 AND 500),
  payload         text NOT NULL,     -- JSON; as text, for jsonb refuses \u0000
  state           text COLLATE "C" NOT NULL
                  CHECK (state IN ('scheduled', 'ready', 'running', 'dead')),
  run_at          timestamptz,       -- business clock; none: at once
  ready_at        timestamptz NOT NULL DEFAULT now(),
  attempts        integer NOT NULL DEFAULT 0,   -- begun, this one included
  max_attempts    integer NOT NULL CHECK (max_attempts BETWEEN 1 AND 1000),
  lease           uuid,              -- of one claim; who no longer has it may not finish the job
  leased_by       text,
  leased_until    timestamptz,
  last_error      text,
  created_at      timestamptz NOT NULL DEFAULT now(),
  died_at         timestamptz,
  CONSTRAINT jobs_scheduled_has_run_at CHECK (state <> 'scheduled' OR run_at IS NOT NULL),
  CONSTRAINT jobs_running_has_lease CHECK
    ((state = 'running') = (lease IS NOT NULL AND leased_by IS NOT NULL AND leased_until IS NOT NULL)),
  CONSTRAINT jobs_dead_has_died CHECK ((state = 'dead') = (died_at IS NOT NULL))
) WITH (
  -- Rows come and go: a queue that is vacuumed late is searched slowly.
  fillfactor = 85,
  autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000,
  autovacuum_vacuum_cost_delay = 0,
  autovacuum_analyze_scale_factor = 0.05
);

-- A lane is what one tenant has ready of one kind. The next lane and the next job of a lane are each
-- one step into this index, whatever the number of jobs.
CREATE INDEX jobs_ready ON jobs (priority, tenant, kind, ready_at, id) WHERE state = 'ready';
CREATE INDEX jobs_scheduled ON jobs (priority, run_at) WHERE state = 'scheduled';
CREATE INDEX jobs_running ON jobs (leased_until) WHERE state = 'running';
CREATE INDEX jobs_dead ON jobs (id) WHERE state = 'dead';
-- One of a key waits. While it runs another may wait, for what happened meanwhile.
CREATE UNIQUE INDEX jobs_one_waiting ON jobs (tenant, kind, unique_key)
  WHERE unique_key IS NOT NULL AND state IN ('scheduled', 'ready');

CREATE TABLE schedules (
  id              uuid PRIMARY KEY,
  organization_id uuid,              -- none: of the whole installation
  name            text COLLATE "C" NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  kind            text COLLATE "C" NOT NULL
                  CHECK (kind IN ('interval', 'daily', 'weekly', 'monthly', 'cron')),
  spec            text NOT NULL,
  time_zone       text NOT NULL,     -- IANA
  job_kind        text COLLATE "C" NOT NULL,
  job_priority    smallint NOT NULL CHECK (job_priority BETWEEN 0 AND 3),
  job_payload     text NOT NULL,     -- JSON
  enabled         boolean NOT NULL,
  next_fire_at    timestamptz NOT NULL,  -- business clock
  last_fired_at   timestamptz,
  last_error      text,              -- why it was disabled
  created_at      timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT schedules_name UNIQUE NULLS NOT DISTINCT (organization_id, name)
);
CREATE INDEX schedules_due ON schedules (next_fire_at) WHERE enabled;

-- The proof that a schedule fires once, however many instances find it due.
CREATE TABLE schedule_firings (
  schedule_id uuid NOT NULL REFERENCES schedules (id) ON DELETE CASCADE,
  fire_at     timestamptz NOT NULL,
  fired_at    timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (schedule_id, fire_at)
);
