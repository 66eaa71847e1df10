-- How far the mirror has been read from Stripe's lists, what each run did, and whether it is whole.
--
-- `synced_to`, pass_* and the ranges are business time and Stripe's seconds; leases are on this
-- database's own clock.

-- One row per list of an account. All that Stripe showed with `created` up to synced_to is mirrored.
-- An open pass is one reading of the list from pass_from to pass_to, cut into sync_ranges.
CREATE TABLE sync_streams (
  organization_id uuid NOT NULL,
  account         text COLLATE "C" NOT NULL,
  stream          text COLLATE "C" NOT NULL,
  synced_to       timestamptz,
  listed_whole_at timestamptz,   -- begin of the last complete reading of the whole list
  rescanned_at    timestamptz,   -- begin of the last one that looked far back for late rows
  pass_kind       text COLLATE "C" CHECK (pass_kind IN ('whole', 'rescan', 'increment')),
  pass_from       bigint,        -- unix seconds, inclusive; 0: from the first
  pass_to         bigint,        -- inclusive
  pass_began_at   timestamptz,
  PRIMARY KEY (organization_id, account, stream),
  CHECK ((pass_kind IS NULL) = (pass_to IS NULL)),
  CHECK ((pass_kind IS NULL) = (pass_from IS NULL)),
  CHECK ((pass_kind IS NULL) = (pass_began_at IS NULL))
);

-- What is left of a pass: `created` from lower to upper, newest first, below the object `after`.
-- A range is saved in the transaction that stores its page, and deleted with its last page.
CREATE TABLE sync_ranges (
  organization_id uuid NOT NULL,
  account         text COLLATE "C" NOT NULL,
  stream          text COLLATE "C" NOT NULL,
  upper           bigint NOT NULL,
  lower           bigint NOT NULL,
  after           text COLLATE "C" NOT NULL DEFAULT '',
  PRIMARY KEY (organization_id, account, stream, upper),
  FOREIGN KEY (organization_id, account, stream)
    REFERENCES sync_streams (organization_id, account, stream)
);

-- Who syncs an account now: one run at a time.
CREATE TABLE sync_leases (
  organization_id uuid NOT NULL,
  account         text COLLATE "C" NOT NULL,
  run_id          uuid NOT NULL,
  leased_until    timestamptz NOT NULL,
  PRIMARY KEY (organization_id, account)
);

-- One run has a row, under one id, in each organization whose accounts it syncs.
CREATE TABLE sync_runs (
  organization_id uuid NOT NULL REFERENCES organizations (id),
  id              uuid NOT NULL,
  asked_by        text NOT NULL,   -- schedule, start, cli, key:…
  account         text COLLATE "C",  -- only this one; none: all
  repair          boolean NOT NULL DEFAULT false,
  status          text COLLATE "C" NOT NULL
                  CHECK (status IN ('queued', 'running', 'succeeded', 'partial', 'failed', 'interrupted')),
  accounts        integer NOT NULL DEFAULT 0,
  pages           bigint NOT NULL DEFAULT 0,
  rows            bigint NOT NULL DEFAULT 0,   -- shown by Stripe
  created         bigint NOT NULL DEFAULT 0,   -- of them not mirrored before
  changed         bigint NOT NULL DEFAULT 0,
  requests        bigint NOT NULL DEFAULT 0,
  limited         bigint NOT NULL DEFAULT 0,   -- requests answered 429, and sent again
  error           text,
  queued_at       timestamptz NOT NULL,        -- business time, as the next two
  started_at      timestamptz,
  finished_at     timestamptz,
  alive_until     timestamptz,                 -- of a running one, on the database's clock
  PRIMARY KEY (organization_id, id)
);
CREATE INDEX sync_runs_newest ON sync_runs (organization_id, queued_at DESC, id DESC);

CREATE TABLE sync_run_streams (
  organization_id uuid NOT NULL,
  run_id          uuid NOT NULL,
  account         text COLLATE "C" NOT NULL,
  stream          text COLLATE "C" NOT NULL,   -- of the list; `account` for the account as a whole
  kind            text COLLATE "C" NOT NULL,   -- whole, rescan, increment; what else was looked after
  status          text COLLATE "C" NOT NULL
                  CHECK (status IN ('succeeded', 'failed', 'interrupted', 'busy', 'deauthorized')),
  pages           bigint NOT NULL DEFAULT 0,
  rows            bigint NOT NULL DEFAULT 0,
  created         bigint NOT NULL DEFAULT 0,
  changed         bigint NOT NULL DEFAULT 0,
  refused         bigint NOT NULL DEFAULT 0,   -- objects that could not be read; `error` names one
  requests        bigint NOT NULL DEFAULT 0,
  error           text,
  finished_at     timestamptz NOT NULL,
  PRIMARY KEY (organization_id, run_id, account, stream),
  FOREIGN KEY (organization_id, run_id) REFERENCES sync_runs (organization_id, id)
);

-- The proof, per account and currency, as it came out last: the sum of `net` over the mirrored rows
-- of the payments balance beside Stripe's own balance.
CREATE TABLE mirror_checks (
  organization_id uuid NOT NULL,
  account         text COLLATE "C" NOT NULL,
  currency        text COLLATE "C" NOT NULL,
  run_id          uuid,
  state           text COLLATE "C" NOT NULL
                  CHECK (state IN ('equal', 'different', 'moving')),  -- moving: never stood still
  expected        bigint NOT NULL,  -- Stripe's available + pending
  available       bigint NOT NULL,
  pending         bigint NOT NULL,
  found           bigint NOT NULL,
  rows            bigint NOT NULL,
  -- Where a difference shows first, once the days were compared with Stripe's list.
  first_day       date,
  missing         jsonb NOT NULL DEFAULT '[]',  -- ids that Stripe has and the mirror has not, of that day
  altered         jsonb NOT NULL DEFAULT '[]',
  surplus         jsonb NOT NULL DEFAULT '[]',  -- ids that Stripe does not have
  checked_at      timestamptz NOT NULL,
  PRIMARY KEY (organization_id, account, currency)
);

-- Payouts whose mirrored members do not sum to their amount, as the last check found them.
CREATE TABLE mirror_payout_checks (
  organization_id  uuid NOT NULL,
  account          text COLLATE "C" NOT NULL,
  stripe_payout_id text COLLATE "C" NOT NULL,
  amount           bigint NOT NULL,
  found            bigint NOT NULL,
  currency         text COLLATE "C" NOT NULL,
  created          timestamptz NOT NULL,
  checked_at       timestamptz NOT NULL,
  PRIMARY KEY (organization_id, account, stripe_payout_id)
);

-- When the next request to Stripe may be sent, for all instances together: global, and small.
-- A row for all requests (''), and one for each route. Instances take blocks of slots from it.
CREATE TABLE rate_budget (
  name      text COLLATE "C" PRIMARY KEY,
  next_free timestamptz NOT NULL
) WITH (fillfactor = 50);

-- Rows that wait to become available are asked for again when their day has come.
CREATE INDEX balance_transactions_pending
  ON balance_transactions (organization_id, account, available_on) WHERE status = 'pending';
