-- What Stripe holds, per connected account, as the newest version that was shown to us.
--
-- Every table is written by mirror::apply alone. A row's version is (stage, shown_at, rank, digest):
-- stage is 1 once the object is where it stays (an ended subscription, a deleted customer), shown_at
-- the second of the event or of the request that showed it, rank the order of versions within one
-- second, digest a hash of the columns, which makes the order total. The largest stands, so that
-- versions may arrive in any order and any number of times. `tied` says that two different versions
-- share stage, shown_at and rank: the row waits to be fetched again.
--
-- Ids compare as bytes ("C"), as the program sorts them: parallel writers take rows in one order.
-- There are no foreign keys to accounts here: every row would pay for a check that the way in,
-- which finds the tenant by the account, has already made. `metadata` is kept where it names our work.

CREATE TABLE balance_transactions (
  organization_id    uuid NOT NULL,
  account            text COLLATE "C" NOT NULL,
  stripe_id          text COLLATE "C" NOT NULL,
  amount             bigint NOT NULL,
  currency           text COLLATE "C" NOT NULL,
  net                bigint NOT NULL,
  fee                bigint NOT NULL,
  fee_details        jsonb NOT NULL DEFAULT '[]',
  type               text COLLATE "C" NOT NULL,
  reporting_category text COLLATE "C" NOT NULL,
  source_id          text COLLATE "C",
  description        text,
  available_on       timestamptz NOT NULL,
  created            timestamptz NOT NULL,
  status             text COLLATE "C" NOT NULL,   -- pending, then available: never back
  exchange_rate      numeric,                     -- exactly the digits that Stripe wrote
  balance_type       text COLLATE "C" NOT NULL,
  -- The automatic payout that settled it, as the list of that payout said at payout_shown_at.
  payout_id          text COLLATE "C",
  payout_shown_at    timestamptz,
  shown_at           timestamptz NOT NULL,
  digest             bigint NOT NULL
);
CREATE INDEX balance_transactions_newest
  ON balance_transactions (organization_id, created DESC, stripe_id DESC, account DESC);
CREATE INDEX balance_transactions_of_account
  ON balance_transactions (organization_id, account, created DESC, stripe_id DESC);
CREATE INDEX balance_transactions_of_payout
  ON balance_transactions (organization_id, payout_id, created DESC, stripe_id DESC)
  WHERE payout_id IS NOT NULL;
-- Charges are most rows of most accounts, and found by the first two indexes as fast.
CREATE INDEX balance_transactions_of_type
  ON balance_transactions (organization_id, type, created DESC, stripe_id DESC)
  WHERE type <> 'charge';

CREATE TABLE charges (
  organization_id        uuid NOT NULL,
  account                text COLLATE "C" NOT NULL,
  stripe_id              text COLLATE "C" NOT NULL,
  amount                 bigint NOT NULL,
  amount_captured        bigint NOT NULL,
  amount_refunded        bigint NOT NULL,
  currency               text COLLATE "C" NOT NULL,
  status                 text COLLATE "C" NOT NULL,
  paid                   boolean NOT NULL,
  captured               boolean NOT NULL,
  refunded               boolean NOT NULL,
  disputed               boolean NOT NULL,
  balance_transaction_id text COLLATE "C",
  failure_balance_transaction_id text COLLATE "C",
  failure_code           text,
  payment_intent_id      text COLLATE "C",
  customer_id            text COLLATE "C",
  payment_method_type    text COLLATE "C",
  application_fee_id     text COLLATE "C",
  application_fee_amount bigint,
  transfer_id            text COLLATE "C",
  transfer_destination   text COLLATE "C",
  transfer_group         text,
  source_transfer_id     text COLLATE "C",
  on_behalf_of           text COLLATE "C",
  description            text,
  created                timestamptz NOT NULL,
  stage                  smallint NOT NULL,
  shown_at               timestamptz NOT NULL,
  rank                   bigint NOT NULL,
  digest                 bigint NOT NULL,
  tied                   boolean NOT NULL DEFAULT false
);
CREATE INDEX charges_newest ON charges (organization_id, created DESC, stripe_id DESC);
CREATE INDEX charges_of_account ON charges (organization_id, account, created DESC, stripe_id DESC);
CREATE INDEX charges_of_customer ON charges (organization_id, customer_id, created)
  WHERE customer_id IS NOT NULL;

CREATE TABLE payment_intents (
  organization_id        uuid NOT NULL,
  account                text COLLATE "C" NOT NULL,
  stripe_id              text COLLATE "C" NOT NULL,
  amount                 bigint NOT NULL,
  amount_received        bigint NOT NULL,
  amount_capturable      bigint NOT NULL,
  currency               text COLLATE "C" NOT NULL,
  status                 text COLLATE "C" NOT NULL,
  latest_charge_id       text COLLATE "C",
  customer_id            text COLLATE "C",
  capture_method         text COLLATE "C",
  cancellation_reason    text,
  last_error_code        text,
  application_fee_amount bigint,
  transfer_destination   text COLLATE "C",
  transfer_group         text,
  description            text,
  canceled_at            timestamptz,
  created                timestamptz NOT NULL,
  stage                  smallint NOT NULL,
  shown_at               timestamptz NOT NULL,
  rank                   bigint NOT NULL,
  digest                 bigint NOT NULL,
  tied                   boolean NOT NULL DEFAULT false
);
CREATE INDEX payment_intents_of_account
  ON payment_intents (organization_id, account, created DESC, stripe_id DESC);

CREATE TABLE refunds (
  organization_id        uuid NOT NULL,
  account                text COLLATE "C" NOT NULL,
  stripe_id              text COLLATE "C" NOT NULL,
  amount                 bigint NOT NULL,      -- positive, as on the object
  currency               text COLLATE "C" NOT NULL,
  status                 text COLLATE "C",
  reason                 text,
  failure_reason         text,
  charge_id              text COLLATE "C",
  payment_intent_id      text COLLATE "C",
  balance_transaction_id text COLLATE "C",
  failure_balance_transaction_id text COLLATE "C",
  transfer_reversal_id   text COLLATE "C",
  source_transfer_reversal_id text COLLATE "C",
  created                timestamptz NOT NULL,
  stage                  smallint NOT NULL,
  shown_at               timestamptz NOT NULL,
  rank                   bigint NOT NULL,
  digest                 bigint NOT NULL,
  tied                   boolean NOT NULL DEFAULT false
);
CREATE INDEX refunds_of_account
  ON refunds (organization_id, account, created DESC, stripe_id DESC);
CREATE INDEX refunds_of_charge ON refunds (organization_id, account, charge_id)
  WHERE charge_id IS NOT NULL;

CREATE TABLE disputes (
  organization_id   uuid NOT NULL,
  account           text COLLATE "C" NOT NULL,
  stripe_id         text COLLATE "C" NOT NULL,
  amount            bigint NOT NULL,
  currency          text COLLATE "C" NOT NULL,
  status            text COLLATE "C" NOT NULL,
  reason            text,
  charge_id         text COLLATE "C",
  payment_intent_id text COLLATE "C",
  is_charge_refundable boolean,
  evidence_due_by   timestamptz,
  balance_transactions jsonb NOT NULL DEFAULT '[]',  -- [{id, amount, fee, net, reporting_category}]
  created           timestamptz NOT NULL,
  stage             smallint NOT NULL,
  shown_at          timestamptz NOT NULL,
  rank              bigint NOT NULL,
  digest            bigint NOT NULL,
  tied              boolean NOT NULL DEFAULT false
);
CREATE INDEX disputes_of_account
  ON disputes (organization_id, account, created DESC, stripe_id DESC);

-- A deleted customer stays deleted, and its name and address go with it, as Stripe's do.
CREATE TABLE customers (
  organization_id uuid NOT NULL,
  account         text COLLATE "C" NOT NULL,
  stripe_id       text COLLATE "C" NOT NULL,
  email           text,
  name            text,
  currency        text COLLATE "C",
  balance         bigint,              -- positive: the customer owes
  delinquent      boolean,
  deleted         boolean NOT NULL,
  created         timestamptz,         -- unknown when only the deletion was ever seen
  stage           smallint NOT NULL,
  shown_at        timestamptz NOT NULL,
  rank            bigint NOT NULL,
  digest          bigint NOT NULL,
  tied            boolean NOT NULL DEFAULT false
);
CREATE INDEX customers_of_account
  ON customers (organization_id, account, created DESC, stripe_id DESC);

CREATE TABLE subscriptions (
  organization_id  uuid NOT NULL,
  account          text COLLATE "C" NOT NULL,
  stripe_id        text COLLATE "C" NOT NULL,
  customer_id      text COLLATE "C",
  status           text COLLATE "C" NOT NULL,
  currency         text COLLATE "C",
  -- [{id, price, product, unit_amount, unit_amount_decimal, quantity, interval, interval_count,
  --   usage_type, current_period_start, current_period_end}]
  items            jsonb NOT NULL DEFAULT '[]',
  -- A year's worth of the licensed items in minor units, before discounts and taxes; a twelfth is
  -- the monthly amount. 52 weeks and 365 days make a year.
  annual_amount    numeric(40, 6) NOT NULL,
  discounts        jsonb NOT NULL DEFAULT '[]',
  collection_paused boolean NOT NULL,
  cancel_at_period_end boolean NOT NULL,
  trial_start      timestamptz,
  trial_end        timestamptz,
  start_date       timestamptz,
  cancel_at        timestamptz,
  canceled_at      timestamptz,         -- when it was asked for
  ended_at         timestamptz,         -- when it took effect
  cancellation_reason text,
  latest_invoice_id text COLLATE "C",
  created          timestamptz NOT NULL,
  stage            smallint NOT NULL,
  shown_at         timestamptz NOT NULL,
  rank             bigint NOT NULL,
  digest           bigint NOT NULL,
  tied             boolean NOT NULL DEFAULT false
);
CREATE INDEX subscriptions_of_account
  ON subscriptions (organization_id, account, created DESC, stripe_id DESC);
CREATE INDEX subscriptions_of_customer
  ON subscriptions (organization_id, account, customer_id);

CREATE TABLE transfers (
  organization_id        uuid NOT NULL,
  account                text COLLATE "C" NOT NULL,
  stripe_id              text COLLATE "C" NOT NULL,
  amount                 bigint NOT NULL,
  amount_reversed        bigint NOT NULL,
  reversed               boolean NOT NULL,
  currency               text COLLATE "C" NOT NULL,
  destination            text COLLATE "C",
  destination_payment_id text COLLATE "C",
  balance_transaction_id text COLLATE "C",
  source_transaction_id  text COLLATE "C",
  source_type            text COLLATE "C",
  transfer_group         text,
  description            text,
  metadata               jsonb NOT NULL DEFAULT '{}',
  created                timestamptz NOT NULL,
  stage                  smallint NOT NULL,
  shown_at               timestamptz NOT NULL,
  rank                   bigint NOT NULL,
  digest                 bigint NOT NULL,
  tied                   boolean NOT NULL DEFAULT false
);
CREATE INDEX transfers_of_account
  ON transfers (organization_id, account, created DESC, stripe_id DESC);

-- On the platform's account; `connected_account` is whose charge it was taken from.
CREATE TABLE application_fees (
  organization_id        uuid NOT NULL,
  account                text COLLATE "C" NOT NULL,
  stripe_id              text COLLATE "C" NOT NULL,
  connected_account      text COLLATE "C",
  amount                 bigint NOT NULL,
  amount_refunded        bigint NOT NULL,
  refunded               boolean NOT NULL,
  currency               text COLLATE "C" NOT NULL,
  charge_id              text COLLATE "C",
  originating_transaction_id text COLLATE "C",
  balance_transaction_id text COLLATE "C",
  created                timestamptz NOT NULL,
  stage                  smallint NOT NULL,
  shown_at               timestamptz NOT NULL,
  rank                   bigint NOT NULL,
  digest                 bigint NOT NULL,
  tied                   boolean NOT NULL DEFAULT false
);
CREATE INDEX application_fees_of_account
  ON application_fees (organization_id, account, created DESC, stripe_id DESC);

CREATE TABLE application_fee_refunds (
  organization_id        uuid NOT NULL,
  account                text COLLATE "C" NOT NULL,
  stripe_id              text COLLATE "C" NOT NULL,
  fee_id                 text COLLATE "C" NOT NULL,
  amount                 bigint NOT NULL,
  currency               text COLLATE "C" NOT NULL,
  balance_transaction_id text COLLATE "C",
  created                timestamptz NOT NULL,
  stage                  smallint NOT NULL,
  shown_at               timestamptz NOT NULL,
  rank                   bigint NOT NULL,
  digest                 bigint NOT NULL,
  tied                   boolean NOT NULL DEFAULT false
);
CREATE INDEX application_fee_refunds_of_account
  ON application_fee_refunds (organization_id, account, created DESC, stripe_id DESC);

-- The keys come last: among indexes of one cost the planner takes the youngest, and what a session
-- planned while a table was empty it keeps until statistics are there.
ALTER TABLE balance_transactions ADD PRIMARY KEY (organization_id, account, stripe_id);
ALTER TABLE charges ADD PRIMARY KEY (organization_id, account, stripe_id);
ALTER TABLE payment_intents ADD PRIMARY KEY (organization_id, account, stripe_id);
ALTER TABLE refunds ADD PRIMARY KEY (organization_id, account, stripe_id);
ALTER TABLE disputes ADD PRIMARY KEY (organization_id, account, stripe_id);
ALTER TABLE customers ADD PRIMARY KEY (organization_id, account, stripe_id);
ALTER TABLE subscriptions ADD PRIMARY KEY (organization_id, account, stripe_id);
ALTER TABLE transfers ADD PRIMARY KEY (organization_id, account, stripe_id);
ALTER TABLE application_fees ADD PRIMARY KEY (organization_id, account, stripe_id);
ALTER TABLE application_fee_refunds ADD PRIMARY KEY (organization_id, account, stripe_id);
