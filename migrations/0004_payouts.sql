-- Payouts: Stripe's own, mirrored, and the engine's. One row is one decision to pay an amount out.

CREATE TABLE payouts (
  organization_id   uuid NOT NULL REFERENCES organizations (id),
  id                uuid NOT NULL,
  rail              text COLLATE "C" NOT NULL
                    CHECK (rail IN ('stripe_payout', 'stripe_transfer', 'bank_file', 'manual')),
  account           text COLLATE "C",          -- acct_… that it draws on; none outside Stripe
  stripe_payout_id  text COLLATE "C",          -- po_…, once Stripe has named it
  amount            bigint NOT NULL,           -- gross
  currency          text COLLATE "C" NOT NULL CHECK (currency ~ '^[a-z]{3}$'),
  -- Stripe may invent words for its own payouts; ours are eight.
  status            text COLLATE "C" NOT NULL,
  type              text COLLATE "C" NOT NULL, -- Stripe's (bank_account, card) or the purpose
  description       text,
  metadata          jsonb NOT NULL DEFAULT '{}',
  failure_code      text,
  failure_message   text,
  created           timestamptz NOT NULL,
  updated           timestamptz NOT NULL,
  requested_at      timestamptz,
  approved_at       timestamptz,
  processed_at      timestamptz,
  paid_at           timestamptz,
  failed_at         timestamptz,
  canceled_at       timestamptz,
  returned_at       timestamptz,               -- a paid one that the bank sent back

  -- As Stripe shows it.
  arrival_date      timestamptz,
  method            text COLLATE "C",          -- standard, instant
  destination       jsonb,                     -- an id, or the expanded bank account or card
  automatic         boolean,
  source_type       text COLLATE "C",
  statement_descriptor text,
  balance_transaction_id text COLLATE "C",
  failure_balance_transaction_id text COLLATE "C",
  reconciliation_status text COLLATE "C",
  trace_id          text,
  trace_id_status   text COLLATE "C",
  original_payout   text COLLATE "C",
  reversed_by       text COLLATE "C",
  application_fee_id text COLLATE "C",
  application_fee_amount bigint,
  -- When the list of its balance transactions was last complete.
  members_checked_at timestamptz,

  -- The version that the row shows; see the mirror's tables. `stage` is 1 once failed or canceled.
  stage             smallint NOT NULL DEFAULT 0,
  shown_at          timestamptz,
  rank              bigint NOT NULL DEFAULT 0,
  digest            bigint NOT NULL DEFAULT 0,
  tied              boolean NOT NULL DEFAULT false,

  -- The engine's.
  priority          text COLLATE "C" CHECK (priority IN ('instant', 'priority', 'normal', 'low')),
  platform_fee      bigint CHECK (platform_fee >= 0),
  bank_fee          bigint CHECK (bank_fee >= 0),
  tax               bigint CHECK (tax >= 0),
  net_amount        bigint,
  entity_id         text COLLATE "C",
  beneficiary_id    uuid,
  source_account    text COLLATE "C",          -- the ledger account that the hold came from
  hold_id           uuid,
  batch_id          uuid,
  scheduled_run     timestamptz,
  origin_module     text COLLATE "C",
  origin_entity_id  text COLLATE "C",
  influencer_id     text COLLATE "C",
  campaign_id       text COLLATE "C",
  invoice_id        text COLLATE "C",
  po_id             text COLLATE "C",          -- a purchase order, not a Stripe payout
  notes             text,
  external_id       text COLLATE "C",          -- the Idempotency-Key that it was asked for with
  reference_code    text COLLATE "C",
  blocks            jsonb NOT NULL DEFAULT '[]',  -- [{code, message}]: why it may not be paid now
  attempts          integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
  next_attempt_at   timestamptz,
  dead_at           timestamptz,               -- a dead letter since
  hidden_at         timestamptz,               -- deleted by its owner: lists leave it out
  signed_hash       bytea,                     -- of what the signatures are for
  created_by        text,
  approved_by       text,

  CHECK (rail NOT IN ('stripe_payout', 'stripe_transfer') OR account IS NOT NULL),
  CHECK (rail = 'stripe_payout' OR amount > 0),
  CHECK (rail = 'stripe_payout' OR status IN ('pending', 'approved', 'queued', 'processing',
                                              'in_transit', 'paid', 'failed', 'canceled')),
  CHECK (net_amount IS NULL OR (net_amount > 0 AND net_amount
         = amount - coalesce(platform_fee, 0) - coalesce(bank_fee, 0) - coalesce(tax, 0)))
);
CREATE INDEX payouts_newest ON payouts (organization_id, created DESC, id DESC);
CREATE INDEX payouts_of_account ON payouts (organization_id, account, created DESC, id DESC);
CREATE INDEX payouts_of_status ON payouts (organization_id, status, created DESC, id DESC);
CREATE INDEX payouts_of_currency ON payouts (organization_id, currency, created DESC, id DESC);
CREATE INDEX payouts_of_stripe_id ON payouts (organization_id, stripe_payout_id)
  WHERE stripe_payout_id IS NOT NULL;
CREATE UNIQUE INDEX payouts_external_id_unique ON payouts (organization_id, external_id)
  WHERE external_id IS NOT NULL;
CREATE UNIQUE INDEX payouts_hold_unique ON payouts (organization_id, hold_id)
  WHERE hold_id IS NOT NULL;
CREATE INDEX payouts_of_origin
  ON payouts (organization_id, origin_module, origin_entity_id, created DESC, id DESC)
  WHERE origin_module IS NOT NULL;
CREATE INDEX payouts_of_entity ON payouts (organization_id, entity_id, created DESC, id DESC)
  WHERE entity_id IS NOT NULL;
CREATE INDEX payouts_of_influencer ON payouts (organization_id, influencer_id, created DESC, id DESC)
  WHERE influencer_id IS NOT NULL;
CREATE INDEX payouts_of_campaign ON payouts (organization_id, campaign_id, created DESC, id DESC)
  WHERE campaign_id IS NOT NULL;
CREATE INDEX payouts_of_batch ON payouts (organization_id, batch_id) WHERE batch_id IS NOT NULL;
-- What the scheduler and the sync look for: few rows at a time.
CREATE INDEX payouts_awaiting_arrival ON payouts (organization_id, arrival_date)
  WHERE rail = 'stripe_payout' AND status IN ('pending', 'in_transit');
CREATE INDEX payouts_awaiting_members ON payouts (organization_id, account, created)
  WHERE automatic AND members_checked_at IS NULL;
CREATE INDEX payouts_awaiting_retry ON payouts (organization_id, next_attempt_at)
  WHERE status = 'failed' AND next_attempt_at IS NOT NULL;
-- The keys come last: among indexes of one cost the planner takes the youngest, and what a session
-- planned while the table was empty, foreign keys' checks too, it keeps until statistics are there.
ALTER TABLE payouts
  ADD CONSTRAINT payouts_stripe_id_unique UNIQUE (organization_id, account, stripe_payout_id);
ALTER TABLE payouts ADD PRIMARY KEY (organization_id, id);

-- Every change of a payout, once: audit trail, timeline and status history read it.
CREATE TABLE payout_events (
  organization_id uuid NOT NULL,
  payout_id       uuid NOT NULL,
  id              uuid NOT NULL,
  -- What was seen or done. Two deliveries, or two of Stripe's events for one change, have one key.
  change          text COLLATE "C" NOT NULL,
  kind            text COLLATE "C" NOT NULL,   -- payout.paid, seen, approved, sent, …
  status          text COLLATE "C" NOT NULL,   -- the payout's, as this change shows it
  source          text COLLATE "C" NOT NULL CHECK (source IN ('event', 'list', 'fetch', 'engine')),
  stripe_event_id text COLLATE "C",
  actor           text NOT NULL,               -- stripe, or who did it
  notes           text,
  detail          jsonb NOT NULL DEFAULT '{}',
  occurred_at     timestamptz NOT NULL,
  recorded_at     timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (organization_id, payout_id, id),
  CONSTRAINT payout_events_once UNIQUE (organization_id, payout_id, change),
  FOREIGN KEY (organization_id, payout_id) REFERENCES payouts (organization_id, id)
);

CREATE FUNCTION refuse_change_of_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is only ever appended to', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER payout_events_append_only BEFORE UPDATE OR DELETE ON payout_events
  FOR EACH ROW EXECUTE FUNCTION refuse_change_of_history();
CREATE TRIGGER payout_events_not_truncated BEFORE TRUNCATE ON payout_events
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_history();

-- What is sent to a rail: one payout, or several of one beneficiary when netted. The row commits
-- before the first byte leaves; the body is repeated byte for byte under the same key.
CREATE TABLE instructions (
  organization_id uuid NOT NULL REFERENCES organizations (id),
  id              uuid NOT NULL,
  rail            text COLLATE "C" NOT NULL
                  CHECK (rail IN ('stripe_payout', 'stripe_transfer', 'bank_file', 'manual')),
  account         text COLLATE "C",
  batch_id        uuid,
  amount          bigint NOT NULL CHECK (amount > 0),  -- what is sent: the sum of the nets
  currency        text COLLATE "C" NOT NULL CHECK (currency ~ '^[a-z]{3}$'),
  attempt         integer NOT NULL CHECK (attempt >= 1),
  -- Derived from the payouts' ids and the attempt, so that a restored database repeats it.
  idempotency_key text COLLATE "C" NOT NULL CHECK (length(idempotency_key) BETWEEN 1 AND 255),
  request_path    text COLLATE "C" NOT NULL DEFAULT '',
  body            bytea NOT NULL,
  state           text COLLATE "C" NOT NULL DEFAULT 'ready'
                  CHECK (state IN ('ready', 'sending', 'unknown', 'done', 'not_done', 'needs_review')),
  -- A send was unknown once: from then on only a parsed 2xx, a replayed 4xx or proof of absence decides.
  was_unknown     boolean NOT NULL DEFAULT false,
  sends           integer NOT NULL DEFAULT 0 CHECK (sends >= 0),
  first_sent_at   timestamptz,
  last_sent_at    timestamptz,
  next_look_at    timestamptz,                 -- when an unknown one is looked into again
  absent_since    timestamptz,                 -- the first complete list without it since last_sent_at
  request_ids     text[] NOT NULL DEFAULT '{}',
  outcome_code    text,                        -- the rail's own word: balance_insufficient, 200, …
  outcome_message text,
  outcome_at      timestamptz,
  stripe_id       text COLLATE "C",            -- po_… or tr_… that it became
  created         timestamptz NOT NULL,
  updated         timestamptz NOT NULL,
  PRIMARY KEY (organization_id, id),
  CONSTRAINT instructions_key_unique UNIQUE (organization_id, idempotency_key),
  CHECK (state IN ('ready', 'not_done') OR first_sent_at IS NOT NULL OR rail IN ('bank_file', 'manual')),
  CHECK ((outcome_at IS NOT NULL) OR state NOT IN ('done', 'not_done'))
);
CREATE INDEX instructions_unsettled ON instructions (organization_id, state, last_sent_at)
  WHERE state IN ('ready', 'sending', 'unknown', 'needs_review');
CREATE INDEX instructions_of_batch ON instructions (organization_id, batch_id)
  WHERE batch_id IS NOT NULL;

-- Its payouts. `live` ends only when the rail has definitively not paid: before that no second
-- instruction can name the payout, whatever the program believes.
CREATE TABLE instruction_payouts (
  organization_id uuid NOT NULL,
  instruction_id  uuid NOT NULL,
  payout_id       uuid NOT NULL,
  amount          bigint NOT NULL CHECK (amount > 0),
  live            boolean NOT NULL DEFAULT true,
  PRIMARY KEY (organization_id, instruction_id, payout_id),
  FOREIGN KEY (organization_id, instruction_id) REFERENCES instructions (organization_id, id),
  FOREIGN KEY (organization_id, payout_id) REFERENCES payouts (organization_id, id)
);
CREATE UNIQUE INDEX instruction_payouts_one_live ON instruction_payouts (organization_id, payout_id)
  WHERE live;
CREATE INDEX instruction_payouts_of_payout ON instruction_payouts (organization_id, payout_id);
