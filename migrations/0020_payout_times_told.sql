-- in steps: payouts may be many, and stay writable
-- step: what was seen goes to the columns of what was seen; what happened is read from Stripe's events.
-- Rows are locked in the order of their keys, as those who apply what Stripe shows lock them.
DO $$
DECLARE
  last_organization uuid := '00000000-0000-0000-0000-000000000000';
  last_account text := '';
  last_stripe_id text := '';
  organizations uuid[];
  accounts text[];
  stripe_ids text[];
  ids uuid[];
BEGIN
  LOOP
    SELECT array_agg(organization_id ORDER BY place), array_agg(account ORDER BY place),
           array_agg(stripe_payout_id ORDER BY place), array_agg(id ORDER BY place)
      INTO organizations, accounts, stripe_ids, ids
      FROM (SELECT *, row_number() OVER () AS place
              FROM (SELECT organization_id, account, stripe_payout_id, id FROM payouts
                     WHERE (organization_id, account, stripe_payout_id)
                           > (last_organization, last_account, last_stripe_id)
                       AND stripe_payout_id IS NOT NULL
                     ORDER BY organization_id, account, stripe_payout_id
                     LIMIT 2000 FOR UPDATE) AS locked) AS batch;
    EXIT WHEN ids IS NULL;

    UPDATE payouts AS p SET
           paid_seen_at = least(p.paid_seen_at, p.paid_at),
           failed_seen_at = least(p.failed_seen_at, p.failed_at),
           canceled_seen_at = least(p.canceled_seen_at, p.canceled_at),
           paid_at = told.paid, failed_at = told.failed, canceled_at = told.canceled,
           returned_at = CASE WHEN p.status = 'failed' AND (p.paid_seen_at IS NOT NULL
                                                            OR p.paid_at IS NOT NULL)
                              THEN told.failed END,
           processed_at = CASE WHEN p.created_by = 'stripe' THEN p.created
                               ELSE coalesce(sent.at, p.processed_at) END
      FROM unnest(organizations, ids) AS given(organization_id, id),
           LATERAL (SELECT min(e.occurred_at) FILTER (WHERE e.status = 'paid') AS paid,
                           min(e.occurred_at) FILTER (WHERE e.status = 'failed') AS failed,
                           min(e.occurred_at) FILTER (WHERE e.status = 'canceled') AS canceled
                      FROM payout_events AS e
                     WHERE e.organization_id = given.organization_id AND e.payout_id = given.id
                       AND e.source = 'event' AND e.status IN ('paid', 'failed', 'canceled')
                       AND e.kind = 'payout.' || e.status) AS told,
           LATERAL (SELECT min(i.first_sent_at) AS at
                      FROM instruction_payouts AS m
                      JOIN instructions AS i
                        ON i.organization_id = m.organization_id AND i.id = m.instruction_id
                     WHERE m.organization_id = given.organization_id AND m.payout_id = given.id)
             AS sent
     WHERE p.organization_id = given.organization_id AND p.id = given.id
       AND p.rail = 'stripe_payout' AND p.shown_at IS NOT NULL
       AND (p.paid_at IS DISTINCT FROM told.paid OR p.failed_at IS DISTINCT FROM told.failed
            OR p.canceled_at IS DISTINCT FROM told.canceled
            OR p.processed_at IS DISTINCT FROM CASE WHEN p.created_by = 'stripe' THEN p.created
                                                    ELSE coalesce(sent.at, p.processed_at) END
            -- An old program's row whose times are right already was still never noted as seen.
            OR (p.paid_at IS NOT NULL AND p.paid_seen_at IS NULL)
            OR (p.failed_at IS NOT NULL AND p.failed_seen_at IS NULL)
            OR (p.canceled_at IS NOT NULL AND p.canceled_seen_at IS NULL));
    last_organization := organizations[cardinality(organizations)];
    last_account := accounts[cardinality(accounts)];
    last_stripe_id := stripe_ids[cardinality(stripe_ids)];
    COMMIT;
  END LOOP;
END $$
