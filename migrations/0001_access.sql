-- Who may ask, for whom, and what was asked before.
--
-- organizations, connected_accounts and api_keys are found before the tenant is known: by acct_… in
-- a webhook, by the hash of a key in a request. They are small, and stay whole when the tenant
-- tables are distributed.

CREATE TABLE organizations (
  id          uuid PRIMARY KEY,
  name        text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  is_platform boolean NOT NULL DEFAULT false,
  settings    jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(settings) = 'object'),
  created_at  timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT organizations_name_unique UNIQUE (name)
);
CREATE UNIQUE INDEX organizations_one_platform ON organizations (is_platform) WHERE is_platform;

CREATE TABLE connected_accounts (
  organization_id   uuid NOT NULL REFERENCES organizations (id),
  stripe_account_id text COLLATE "C" NOT NULL
                    CHECK (stripe_account_id ~ '^acct_[A-Za-z0-9_]{1,250}$'),
  name              text NOT NULL DEFAULT '',
  is_default        boolean NOT NULL DEFAULT false,
  -- The platform's own account: Stripe is called for it without a Stripe-Account header.
  is_platform       boolean NOT NULL DEFAULT false,
  livemode          boolean NOT NULL,
  status            text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'deauthorized')),
  status_at         timestamptz NOT NULL,  -- of the newest word on `status`
  deauthorized_at   timestamptz,
  joined_at         timestamptz NOT NULL,
  default_currency  text CHECK (default_currency ~ '^[a-z]{3}$'),
  country           text CHECK (country ~ '^[A-Z]{2}$'),
  charges_enabled   boolean NOT NULL DEFAULT false,
  payouts_enabled   boolean NOT NULL DEFAULT false,
  details_submitted boolean NOT NULL DEFAULT false,
  requirements      jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(requirements) = 'object'),
  -- The version that the row shows: an older one that arrives later changes nothing.
  shown_at          timestamptz NOT NULL,
  shown_rank        smallint NOT NULL DEFAULT 0,
  created_at        timestamptz NOT NULL DEFAULT now(),
  updated_at        timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (organization_id, stripe_account_id),
  CONSTRAINT connected_accounts_account_unique UNIQUE (stripe_account_id),
  CHECK ((status = 'deauthorized') = (deauthorized_at IS NOT NULL)),
  CHECK (NOT (is_default AND status = 'deauthorized'))
);
CREATE UNIQUE INDEX connected_accounts_one_default
  ON connected_accounts (organization_id) WHERE is_default;
CREATE UNIQUE INDEX connected_accounts_one_platform
  ON connected_accounts (is_platform) WHERE is_platform;

CREATE TABLE api_keys (
  organization_id uuid NOT NULL REFERENCES organizations (id),
  id              uuid NOT NULL,
  name            text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
  role            text NOT NULL
                  CHECK (role IN ('viewer', 'operator', 'approver', 'admin', 'system')),
  prefix          text NOT NULL,  -- the first characters, by which people tell keys apart
  key_sha256      bytea NOT NULL CHECK (octet_length(key_sha256) = 32),
  created_at      timestamptz NOT NULL DEFAULT now(),
  created_by      text NOT NULL,
  last_used_at    timestamptz,    -- to the minute
  expires_at      timestamptz,
  revoked_at      timestamptz,
  revoked_by      text,
  PRIMARY KEY (organization_id, id),
  CONSTRAINT api_keys_hash_unique UNIQUE (key_sha256)
);

-- One row per Idempotency-Key that was accepted. `running` rows are leases by this database's clock:
-- when one has ended, its process is gone, and the next request with the key takes the row over.
CREATE TABLE idempotency_keys (
  organization_id uuid NOT NULL REFERENCES organizations (id),
  key             text COLLATE "C" NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
  id              uuid NOT NULL,   -- stays when the row is taken over: earlier work is found by it
  fingerprint     bytea NOT NULL CHECK (octet_length(fingerprint) = 32),
  route           text NOT NULL,
  kept_for_ever   boolean NOT NULL,
  state           text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'done')),
  run             uuid NOT NULL,   -- of the request that holds the lease
  runs            integer NOT NULL DEFAULT 1,
  lease_until     timestamptz NOT NULL,
  status          smallint CHECK (status BETWEEN 200 AND 299),
  content_type    text,
  headers         jsonb,
  body            text,
  created_at      timestamptz NOT NULL DEFAULT now(),
  finished_at     timestamptz,
  PRIMARY KEY (organization_id, key),
  CHECK (state = 'running' OR (status IS NOT NULL AND content_type IS NOT NULL
                               AND headers IS NOT NULL AND body IS NOT NULL
                               AND finished_at IS NOT NULL))
);
CREATE INDEX idempotency_keys_to_purge ON idempotency_keys (created_at) WHERE NOT kept_for_ever;
